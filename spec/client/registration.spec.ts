// The registration machine by table and by story: what it does at which instant.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { REGISTRATION_TRANSITIONS } from '../../lib/client/registration-diagram.ts';
import {
  type Registration,
  type RegistrationAction,
  type RegistrationEvent,
  RegistrationMachine,
  type RegistrationOptions,
  DEFAULT_UPDATE_MARGIN,
} from '../../lib/client/registration.ts';
import type { RegistrationParameters } from '../../lib/client/registration-parameters.ts';
import { DEFAULT_COMMUNICATION_RETRY } from '../../lib/client/retry.ts';
import { type Instant, NEVER, seconds } from '../../lib/runtime/index.ts';

const parameters: RegistrationParameters = { lifetime: 300, binding: 'U', queueMode: false, objects: '</1/0>,</3/0>' };
const options: RegistrationOptions = {
  parameters,
  versions: ['1.1', '1.0'],
  retry: DEFAULT_COMMUNICATION_RETRY,
  updateMargin: DEFAULT_UPDATE_MARGIN,
  deregisterTimeout: seconds(10),
};
const at = (second: number): Instant => (second * 1000) as Instant;
const kinds = (actions: readonly RegistrationAction[]): string => actions.map((action) => action.kind).join(' ');
const refused = (code: number): RegistrationEvent => ({ kind: 'failed', reason: { kind: 'refused', code } });
const failed = (kind: 'unreachable' | 'unanswered' | 'connectionLost'): RegistrationEvent => ({
  kind: 'failed',
  reason: { kind, error: new Error(kind) },
});

/** A machine that a server has accepted at second 0, location /rd/5a3f (the example of LwM2M Transport §6.4.3). */
function registered(overrides: Partial<RegistrationOptions> = {}): RegistrationMachine {
  const machine = new RegistrationMachine({ ...options, ...overrides });
  machine.handle({ kind: 'start' }, at(0));
  machine.handle({ kind: 'connected' }, at(0));
  machine.handle({ kind: 'accepted', location: ['rd', '5a3f'] }, at(0));
  assert.equal(machine.state, 'registered');
  return machine;
}

describe('registration', () => {
  it('connects, registers, and remembers where', () => {
    const machine = new RegistrationMachine(options);
    assert.equal(kinds(machine.handle({ kind: 'start' }, at(0))), 'connect');
    assert.deepEqual(machine.handle({ kind: 'connected' }, at(1)), [{ kind: 'register', version: '1.1', parameters }]);
    const actions = machine.handle({ kind: 'accepted', location: ['rd', '5a3f'] }, at(2));
    assert.equal(kinds(actions), 'save registered');
    assert.deepEqual(machine.registration, {
      location: ['rd', '5a3f'],
      version: '1.1',
      parameters,
      validUntil: at(302),
    });
  });

  it('updates before the lifetime ends: its half, or 93 s before', () => {
    assert.equal(registered().nextTimeout(), at(300 - 93));
    assert.equal(registered({ parameters: { ...parameters, lifetime: 60 } }).nextTimeout(), at(30));
    assert.equal(registered({ parameters: { ...parameters, lifetime: 0 } }).nextTimeout(), NEVER);
  });

  it('sends an Update without anything that has not changed', () => {
    const machine = registered();
    assert.deepEqual(machine.handle({ kind: 'timeout' }, at(100)), [], 'too early');
    assert.deepEqual(machine.handle({ kind: 'timeout' }, at(207)), [
      { kind: 'update', location: ['rd', '5a3f'], changes: {} },
    ]);
    assert.equal(kinds(machine.handle({ kind: 'accepted' }, at(207))), 'save updated');
    assert.equal(machine.nextTimeout(), at(207 + 207));
    assert.deepEqual(machine.registration?.location, ['rd', '5a3f']);
  });

  it('sends what has changed at once, and what changed meanwhile afterwards', () => {
    const machine = registered();
    const longer = { ...parameters, lifetime: 600 };
    assert.deepEqual(machine.handle({ kind: 'changed', parameters: longer }, at(1)), [
      { kind: 'update', location: ['rd', '5a3f'], changes: { lifetime: 600 } },
    ]);
    const more = { ...longer, objects: '</1/0>,</3/0>,</3303/0>' };
    assert.deepEqual(machine.handle({ kind: 'changed', parameters: more }, at(2)), []);
    const after = machine.handle({ kind: 'accepted' }, at(3));
    assert.equal(kinds(after), 'save updated update');
    assert.deepEqual(after[2], { kind: 'update', location: ['rd', '5a3f'], changes: { objects: more.objects } });
    assert.equal(kinds(machine.handle({ kind: 'changed', parameters: { ...more } }, at(4))), '');
  });

  it('updates when triggered', () => {
    assert.equal(kinds(registered().handle({ kind: 'updateNow' }, at(1))), 'update');
  });

  for (const code of [0x80, 0x83, 0x84]) {
    it(`registers anew when an Update is refused with ${code >> 5}.0${code & 31}`, () => {
      const machine = registered();
      machine.handle({ kind: 'timeout' }, at(207));
      assert.equal(kinds(machine.handle(refused(code), at(207))), 'save register');
      assert.equal(machine.registration, undefined);
      assert.equal(machine.state, 'registering');
    });
  }

  it('registers, not updates, when the lifetime is over already', () => {
    assert.equal(kinds(registered().handle({ kind: 'timeout' }, at(301))), 'save register');
  });

  it('tries a lower version when the server answers 4.12, then waits', () => {
    const machine = new RegistrationMachine(options);
    machine.handle({ kind: 'start' }, at(0));
    machine.handle({ kind: 'connected' }, at(0));
    assert.deepEqual(machine.handle(refused(0x8c), at(0)), [{ kind: 'register', version: '1.0', parameters }]);
    assert.equal(kinds(machine.handle(refused(0x8c), at(0))), 'registrationFailed');
    assert.equal(machine.nextTimeout(), at(60));
    assert.deepEqual(machine.handle({ kind: 'timeout' }, at(60)), [{ kind: 'register', version: '1.1', parameters }]);
  });

  it('backs off as /1/x/17 to 20 say, then gives up until told', () => {
    const machine = new RegistrationMachine({ ...options, retry: { ...options.retry, sequenceCount: 2 } });
    let now = 0;
    machine.handle({ kind: 'start' }, at(0));
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      const last = machine.handle(failed('unreachable'), at(now)).at(-1);
      assert.equal(last?.kind, 'registrationFailed');
      waits.push(last.retryAfter);
      if (machine.state === 'failed') break;
      now = machine.nextTimeout() / 1000;
      assert.equal(kinds(machine.handle({ kind: 'timeout' }, at(now))), 'connect');
    }
    const sequence = [60, 120, 240, 480].map(seconds);
    assert.deepEqual(waits, [...sequence, seconds(86_400), ...sequence, undefined]);
    assert.equal(machine.nextTimeout(), NEVER);
    assert.equal(kinds(machine.handle({ kind: 'start' }, at(now))), 'connect');
  });

  it('keeps the connection for the next attempt after a refusal, and makes a new one after silence', () => {
    const machine = new RegistrationMachine(options);
    machine.handle({ kind: 'start' }, at(0));
    machine.handle({ kind: 'connected' }, at(0));
    assert.equal(kinds(machine.handle(refused(0xa3), at(0))), 'registrationFailed');
    assert.equal(kinds(machine.handle({ kind: 'timeout' }, at(60))), 'register');
    assert.equal(kinds(machine.handle(failed('unanswered'), at(150))), 'disconnect registrationFailed');
    assert.equal(kinds(machine.handle({ kind: 'timeout' }, at(270))), 'connect');
  });

  it('reconnects at once when a lasting registration is cut off, and keeps it by an Update', () => {
    const machine = registered();
    assert.equal(kinds(machine.handle(failed('connectionLost'), at(100))), 'disconnect connect');
    assert.equal(kinds(machine.handle({ kind: 'connected' }, at(101))), 'update');
    assert.equal(kinds(machine.handle(failed('connectionLost'), at(101))), 'disconnect registrationFailed');
    assert.equal(machine.state, 'waiting', 'a second cut backs off');
  });

  it('backs off when a registration breaks as soon as it is made', () => {
    const machine = registered();
    assert.equal(kinds(machine.handle(failed('connectionLost'), at(1))), 'disconnect registrationFailed');
    assert.equal(machine.nextTimeout(), at(61));
  });

  it('after a restart keeps the saved registration by one Update of what has changed', () => {
    const saved: Registration = { location: ['rd', 'x'], version: '1.0', parameters, validUntil: at(200) };
    const machine = new RegistrationMachine({ ...options, parameters: { ...parameters, lifetime: 100 }, saved });
    machine.handle({ kind: 'start' }, at(0));
    assert.deepEqual(machine.handle({ kind: 'connected' }, at(1)), [
      { kind: 'update', location: ['rd', 'x'], changes: { lifetime: 100 } },
    ]);
    machine.handle({ kind: 'accepted' }, at(1));
    assert.equal(machine.registration?.version, '1.0');
    const late = new RegistrationMachine({ ...options, saved });
    late.handle({ kind: 'start' }, at(0));
    assert.equal(kinds(late.handle({ kind: 'connected' }, at(200))), 'register');
  });

  it('de-registers when stopped, also without an answer', () => {
    for (const outcome of [{ kind: 'left' }, failed('unanswered')] as const) {
      const machine = registered();
      assert.deepEqual(machine.handle({ kind: 'stop', deregister: true }, at(5)), [
        { kind: 'deregister', location: ['rd', '5a3f'] },
      ]);
      assert.equal(kinds(machine.handle(outcome, at(6))), 'save deregistered disconnect');
      assert.equal(machine.state, 'idle');
    }
  });

  it('can stop without de-registering, which keeps what is saved', () => {
    const machine = registered();
    assert.equal(kinds(machine.handle({ kind: 'stop', deregister: false }, at(5))), 'disconnect');
    assert.equal(machine.state, 'idle');
  });

  it('leaves the server alone while disabled', () => {
    const machine = registered();
    assert.equal(kinds(machine.handle({ kind: 'disable', duration: seconds(3600) }, at(5))), 'deregister');
    assert.equal(kinds(machine.handle({ kind: 'left' }, at(6))), 'save deregistered disconnect');
    assert.equal(machine.nextTimeout(), at(6 + 3600));
    assert.equal(kinds(machine.handle({ kind: 'timeout' }, at(3606))), 'connect');
  });

  it('never leaves its table, whatever happens', () => {
    const event = fc.oneof(
      fc.constantFrom<RegistrationEvent>(
        { kind: 'start' },
        { kind: 'connected' },
        { kind: 'accepted', location: ['rd', '1'] },
        { kind: 'accepted' },
        { kind: 'updateNow' },
        { kind: 'timeout' },
        { kind: 'left' },
        { kind: 'stop', deregister: true },
        { kind: 'stop', deregister: false },
        { kind: 'disable', duration: seconds(10) },
        { kind: 'changed', parameters: { ...parameters, lifetime: 10 } },
        failed('unreachable'),
        failed('unanswered'),
        failed('connectionLost'),
      ),
      fc.constantFrom(0x80, 0x84, 0x8c, 0xa3).map(refused),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.integer({ min: 0, max: 400 })), { maxLength: 40 }), (steps) => {
        const machine = new RegistrationMachine(options);
        let now = 0;
        let open = 0;
        for (const [step, wait] of steps) {
          const before = machine.state;
          for (const action of machine.handle(step, at((now += wait)))) {
            if (action.kind === 'connect') assert.equal(++open, 1, 'one connection at a time');
            if (action.kind === 'disconnect') assert.equal(--open, 0, 'only what is open is closed');
            if (action.kind === 'register' || action.kind === 'update' || action.kind === 'deregister') {
              assert.equal(open, 1, `${action.kind} needs a connection`);
            }
          }
          assert.ok(machine.state in REGISTRATION_TRANSITIONS);
          assert.ok(machine.state === 'idle' ? open === 0 : true, `${before} → idle leaves nothing open`);
          const waits = machine.state === 'waiting';
          assert.ok(!waits || machine.nextTimeout() < NEVER, 'a waiting machine wakes up');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
