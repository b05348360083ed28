// What is kept of a registration: round trip, other owners, clocks that jump, and bytes that are something else.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, utf8Encode } from '../../lib/bytes/index.ts';
import { NEVER, VirtualTime, later } from '../../lib/runtime/index.ts';
import { type SavedState, decodeState, encodeState, stateKey } from '../../lib/client/saved-registration.ts';

const owner = { endpoint: 'e', uri: 'coaps://h' };
const state = (clock: VirtualTime): SavedState => ({
  localPort: 40_000,
  registration: {
    location: ['rd', 'x'],
    version: '1.1',
    parameters: { lifetime: 300, binding: 'U', queueMode: false, smsNumber: undefined, objects: '</3/0>' },
    validUntil: later(clock.now(), 200_000),
  },
});

describe('saved registration', () => {
  it('comes back with what is left of its lifetime', async () => {
    const before = new VirtualTime(1_000_000);
    const bytes = encodeState(state(before), owner, before);
    const after = new VirtualTime(1_050_000); // the process started anew 50 s later: another monotonic clock
    const { localPort, registration } = decodeState(bytes, owner, after);
    assert.equal(localPort, 40_000);
    assert.equal(registration?.validUntil, 150_000);
    assert.deepEqual({ ...registration, validUntil: 0 }, { ...state(before).registration, validUntil: 0 });
  });

  it("is not another endpoint's or server's", () => {
    const clock = new VirtualTime();
    const bytes = encodeState(state(clock), owner, clock);
    for (const other of [
      { ...owner, endpoint: 'f' },
      { ...owner, uri: 'coaps://i' },
    ]) {
      assert.deepEqual(decodeState(bytes, other, clock), { localPort: undefined, registration: undefined });
    }
  });

  it('is never valid for longer than its lifetime, whatever the wall clock does', () => {
    const before = new VirtualTime(2_000_000_000);
    const bytes = encodeState(state(before), owner, before);
    const after = new VirtualTime(0);
    assert.equal(decodeState(bytes, owner, after).registration?.validUntil, 300_000);
  });

  it('may last for ever, or not be there', () => {
    const clock = new VirtualTime();
    const endless = { ...state(clock).registration!, validUntil: NEVER };
    const bytes = encodeState({ localPort: undefined, registration: endless }, owner, clock);
    assert.equal(decodeState(bytes, owner, clock).registration?.validUntil, NEVER);
    const none = encodeState({ localPort: 5, registration: undefined }, owner, clock);
    assert.deepEqual(decodeState(none, owner, clock), { localPort: 5, registration: undefined });
  });

  it('is a value or a DecodeError for any bytes and any JSON', () => {
    const clock = new VirtualTime();
    const valid = JSON.parse(new TextDecoder().decode(encodeState(state(clock), owner, clock))) as Record<
      string,
      unknown
    >;
    const disturbed = fc
      .tuple(fc.constantFrom(...Object.keys(valid)), fc.jsonValue())
      .map(([name, value]) => utf8Encode(JSON.stringify({ ...valid, [name]: value })));
    const inner = fc
      .tuple(fc.constantFrom('location', 'version', 'parameters', 'validUntil'), fc.jsonValue())
      .map(([name, value]) =>
        utf8Encode(JSON.stringify({ ...valid, registration: { ...(valid['registration'] as object), [name]: value } })),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8Encode), disturbed, inner), (bytes) => {
        try {
          decodeState(bytes, owner, clock);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('has a key that storages take', () => assert.match(stateKey(65_534), /^[a-z0-9][a-z0-9._-]*$/));
});
