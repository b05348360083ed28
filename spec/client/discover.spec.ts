// Discover at every level and depth (LwM2M Core 1.2 §6.3.2, table "Depth Modifier"), with the attributes of one server (§5.1.1).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { type NotificationAttributes, parseAttributes } from '../../lib/client/attributes.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { Path, defineObject } from '../../lib/model/index.ts';
import { decodeLinks } from '../../lib/formats/index.ts';
import { discover } from '../../lib/client/discover.ts';

const Battery = defineObject({
  id: 32_782,
  name: 'Battery',
  version: '1.2',
  multiple: true,
  resources: {
    name: { id: 1, name: 'Name', operations: 'R', type: 'string' },
    voltage: { id: 7, name: 'Voltage', operations: 'R', type: 'integer', multiple: true },
    reset: { id: 9, name: 'Reset', operations: 'E', type: 'none' },
  },
});
const O = '/32782';

function objects(): ObjectSet {
  const one = { name: 'a', voltage: { 0: 3_800, 1: 5_000 }, reset: () => undefined };
  return new ObjectSet([Battery.create({ 0: one, 4: { name: 'b' } })]);
}

function written(...sets: readonly (readonly [path: string, ...query: string[]])[]): AttributeStore {
  const store = new AttributeStore();
  const set = objects();
  for (const [path, ...query] of sets) {
    store.write(Path.parse(path), parseAttributes(query), set.definitionOf(Path.parse(path)));
  }
  return store;
}

const EVERYWHERE = written(
  [O, 'pmin=10'],
  [`${O}/0`, 'pmax=60'],
  [`${O}/0/7`, 'gt=50', 'lt=42.2'],
  [`${O}/0/7/1`, 'lt=45'],
);

const OBJECT = `<${O}>;ver=1.2;pmin=10`;
const INSTANCES = [`<${O}/0>;pmax=60`, `<${O}/4>`] as const;
const VOLTAGE = `<${O}/0/7>;dim=2;gt=50;lt=42.2`;
const VOLTAGES = [`<${O}/0/7/0>`, `<${O}/0/7/1>;lt=45`] as const;
const [NAME, RESET, OTHER] = [`<${O}/0/1>`, `<${O}/0/9>`, `<${O}/4/1>`];
const INSTANCE = `<${O}/0>;pmin=10;pmax=60`; // the target shows what it inherits, too
const RESOURCE = `<${O}/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2`;

const TO_RESOURCES = [OBJECT, INSTANCES[0], NAME, VOLTAGE, RESET, INSTANCES[1], OTHER];
const TO_RESOURCE_INSTANCES = [OBJECT, INSTANCES[0], NAME, VOLTAGE, ...VOLTAGES, RESET, INSTANCES[1], OTHER];

const CASES: readonly [path: string, depth: number | undefined, links: readonly string[]][] = [
  [O, 0, [OBJECT]],
  [O, 1, [OBJECT, ...INSTANCES]],
  [O, 2, TO_RESOURCES],
  [O, 3, TO_RESOURCE_INSTANCES],
  [O, undefined, TO_RESOURCES],
  [`${O}/0`, 0, [INSTANCE]],
  [`${O}/0`, 1, [INSTANCE, NAME, VOLTAGE, RESET]],
  [`${O}/0`, 2, [INSTANCE, NAME, VOLTAGE, ...VOLTAGES, RESET]],
  [`${O}/0`, 3, [INSTANCE, NAME, VOLTAGE, ...VOLTAGES, RESET]],
  [`${O}/0`, undefined, [INSTANCE, NAME, VOLTAGE, RESET]],
  [`${O}/0/7`, 0, [RESOURCE]],
  [`${O}/0/7`, 1, [RESOURCE, ...VOLTAGES]],
  [`${O}/0/7`, 2, [RESOURCE, ...VOLTAGES]],
  [`${O}/0/7`, 3, [RESOURCE, ...VOLTAGES]],
  [`${O}/0/7`, undefined, [RESOURCE, ...VOLTAGES]],
  [`${O}/0/1`, 3, [`<${O}/0/1>;pmin=10;pmax=60`]],
];

describe('Discover', () => {
  for (const [path, depth, links] of CASES) {
    it(`${path} at ${depth === undefined ? 'the default depth' : `depth ${depth}`}`, () => {
      assert.equal(discover(objects(), EVERYWHERE, Path.parse(path), { depth }), links.join(','));
    });
  }

  it('shows each server its own attributes, as in the example of §6.3.2', () => {
    const [one, two] = [
      written([`${O}/0/7`, 'gt=50', 'lt=42.2']),
      written([`${O}/0/7`, 'pmax=300', 'gt=80', 'lt=65.5']),
    ];
    const links = (store: AttributeStore): string => discover(objects(), store, Path.parse(`${O}/0/7`), { depth: 0 });
    assert.equal(links(one), `<${O}/0/7>;dim=2;gt=50;lt=42.2`);
    assert.equal(links(two), `<${O}/0/7>;dim=2;pmax=300;gt=80;lt=65.5`);
  });
});

describe('attributes of four levels', () => {
  const PATHS = [O, `${O}/0`, `${O}/0/7`, `${O}/0/7/1`].map((path) => Path.parse(path));
  const names = ['pmin', 'pmax', 'epmin', 'con', 'hqmax', 'gt', 'st'] as const;
  const value = (name: string): number => (name === 'con' ? 1 : 9);
  const set = fc.uniqueArray(fc.constantFrom(...names));

  it('apply from the lowest that has one on, and Discover shows what applies at its target', () => {
    fc.assert(
      fc.property(fc.tuple(set, set, set, set), (levels) => {
        const store = new AttributeStore();
        const all = objects();
        const own = levels.map((wanted, level): NotificationAttributes => {
          const possible = wanted.filter((name) => level >= 2 || !['gt', 'st'].includes(name));
          const pairs = possible.map((name) => [name, name === 'con' ? level % 2 : value(name) + level] as const);
          const path = PATHS[level]!;
          store.write(path, new Map(pairs), all.definitionOf(path));
          return Object.fromEntries(pairs);
        });
        for (const [level, path] of PATHS.entries()) {
          const expected: Record<string, unknown> = Object.assign({}, ...own.slice(0, level + 1));
          assert.deepEqual({ ...store.effective(path) }, expected);
          if (level === 3) continue;
          const [target] = decodeLinks(discover(all, store, path, { depth: 0 }));
          const { ver: _ver, dim: _dim, ...shown } = target!.attributes;
          assert.deepEqual(shown, expected);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
