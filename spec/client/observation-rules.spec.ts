// What applies to an observation: attributes, parameters and the defaults of /1, in their order of precedence
// (LwM2M Core 1.2 §5.1.2, §6.4.1, §6.4.4, Appendix E.2).

import assert from 'node:assert/strict';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { type NotificationAttributes, parseAttributes } from '../../lib/client/attributes.ts';
import { type NotificationSettings, ObservationRules } from '../../lib/client/observation-rules.ts';
import { Path, type ResourceDefinition } from '../../lib/model/index.ts';
import type { Subject } from '../../lib/client/notification-schedule.ts';

const VALUE = Path.of(3303, 0, 5700);
const number: ResourceDefinition = { id: 5700, name: 'Value', operations: 'R', type: 'float' };
const NOTHING: NotificationSettings = { pmin: undefined, pmax: undefined, stores: true, confirmable: undefined };

function rules(
  settings: Partial<NotificationSettings>,
  written: Readonly<Record<string, readonly string[]>> = {},
  confirmable?: boolean,
): ObservationRules {
  const attributes = new AttributeStore();
  for (const [path, query] of Object.entries(written)) {
    const at = Path.parse(path);
    attributes.write(at, parseAttributes(query), at.resource === undefined ? undefined : number);
  }
  return new ObservationRules({ attributes, settings: () => ({ ...NOTHING, ...settings }), confirmable });
}

const subject = (parameters?: NotificationAttributes, ...others: readonly Path[]): Subject => ({
  paths: [VALUE, ...others],
  composite: others.length > 0,
  parameters,
});

/** Without what is undefined. */
function applied(of: ObservationRules, about: Subject): NotificationAttributes {
  const all = Object.entries(of.attributesOf(VALUE, about)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all);
}

describe('what applies to an observation', () => {
  const defaults = { pmin: 5, pmax: 50 };
  const written = { '/3303': ['pmin=10', 'con=1', 'hqmax=3'], '/3303/0/5700': ['gt=3'] };
  const other = Path.of(3, 0, 9);

  it('is the default of /1 where nothing else is said', () => {
    assert.deepEqual(applied(rules(defaults), subject()), defaults);
    assert.deepEqual(applied(rules(defaults, written), subject()), { pmin: 10, pmax: 50, con: 1, hqmax: 3, gt: 3 });
  });

  it('is, with parameters, nothing that was written', () => {
    assert.deepEqual(applied(rules(defaults, written), subject({ st: 1 })), { ...defaults, st: 1 });
    assert.deepEqual(applied(rules(defaults, written), subject({})), defaults);
    assert.deepEqual(applied(rules({}, written), subject({ pmin: 1, lt: 2 })), { pmin: 1, lt: 2 });
  });

  it('is, with parameters of a composite, what only resources have, and the parameters', () => {
    assert.deepEqual(applied(rules(defaults, written), subject({ epmin: 30 }, other)), {
      ...defaults,
      gt: 3,
      epmin: 30,
    });
    assert.deepEqual(applied(rules({}, written), subject(undefined, other)), { pmin: 10, con: 1, hqmax: 3, gt: 3 });
  });
});

describe('a notification is confirmable', () => {
  const cases: readonly [what: string, of: ObservationRules, about: Subject, expected: boolean][] = [
    ['not by itself', rules({}), subject(), false],
    ['by the policy of the client', rules({}, {}, true), subject(), true],
    ['by /1/x/26, whatever the policy', rules({ confirmable: true }, {}, false), subject(), true],
    ['not by the policy, where /1/x/26 says no', rules({ confirmable: false }, {}, true), subject(), false],
    ['by con, whatever /1/x/26 says', rules({ confirmable: false }, { '/3303': ['con=1'] }), subject(), true],
    ['not where con says no', rules({ confirmable: true }, { '/3303': ['con=0'] }, true), subject(), false],
    ['by a parameter, whatever con says', rules({}, { '/3303': ['con=0'] }), subject({ con: 1 }), true],
    ['not by con, where parameters are silent', rules({}, { '/3303': ['con=1'] }), subject({ pmin: 1 }), false],
    ['by one of several paths', rules({}, { '/3/0': ['con=1'] }), subject(undefined, Path.of(3, 0, 9)), true],
  ];
  for (const [what, of, about, expected] of cases) {
    it(what, () => assert.equal(of.isConfirmable(about, [{ path: VALUE, value: 1 }]), expected));
  }

  it('by con of one of the resources in it', () => {
    const of = rules({}, { '/3303/0/5701': ['con=1'] });
    const about = { ...subject(), paths: [VALUE.prefix(2)] };
    assert.equal(of.isConfirmable(about, [{ path: VALUE, value: 1 }]), false);
    assert.equal(of.isConfirmable(about, [{ path: Path.of(3303, 0, 5701), value: 1 }]), true);
  });
});

describe('what is stored of a notification', () => {
  const entries = [5_700, 5_701].map((id) => ({ path: Path.of(3303, 0, id), value: 1 }));
  const kept = (written: Readonly<Record<string, readonly string[]>>): readonly unknown[] =>
    rules({}, written)
      .keptOf({ ...subject(), paths: [VALUE.prefix(2)] }, entries)
      .map(({ path }) => path.resource);

  it('is all of it without hqmax, and with hqmax anywhere what has one above 0', () => {
    assert.deepEqual(kept({}), [5_700, 5_701]);
    assert.deepEqual(kept({ '/3303/0': ['hqmax=2'] }), [5_700, 5_701]);
    assert.deepEqual(kept({ '/3303/0/5700': ['hqmax=2'] }), [5_700]);
    assert.deepEqual(kept({ '/3303/0': ['hqmax=2'], '/3303/0/5700': ['hqmax=0'] }), [5_701]);
    assert.deepEqual(kept({ '/3303/0/5700': ['hqmax=0'] }), []);
  });
});
