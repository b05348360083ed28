// Signals of streams (RFC 8323 §5, §11): each as its bytes, and whatever a peer may put into one.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, toHex } from '../../lib/bytes/index.ts';
import type { MessageContent } from '../../lib/coap/index.ts';
import {
  BadSignalOption,
  SIGNAL_CODES,
  abortMessage,
  csmMessage,
  isSignalCode,
  pingMessage,
  readSignal,
  releaseMessage,
} from '../../lib/coap/signalling.ts';
import { encodeFrame } from '../../lib/coap/stream-frame.ts';

const NONE: Uint8Array = new Uint8Array(0);
const token = Uint8Array.of(0xaa);

describe('Signals', () => {
  for (const [name, message, hex] of [
    ['CSM', csmMessage({ maxMessageSize: 1_152, blockWise: true }), '40e122048020'],
    ['CSM without block-wise', csmMessage({ maxMessageSize: 65_536, blockWise: false }), '40e123010000'],
    ['Ping', pingMessage('ping', token, false), '01e2aa'],
    ['Ping that wants custody', pingMessage('ping', token, true), '11e2aa20'],
    ['Pong with custody', pingMessage('pong', token, true), '11e3aa20'],
    ['Release', releaseMessage({}), '00e4'],
    ['Release with Hold-Off', releaseMessage({ holdOffSeconds: 300 }), '30e442012c'],
    ['Release with two addresses', releaseMessage({ alternativeAddresses: ['a', 'b:1'] }), '60e4216103623a31'],
    ['Abort with words', abortMessage('no'), '30e5ff6e6f'],
    ['Abort for a CSM option', abortMessage('', 33), '20e52121'],
  ] as const) {
    it(`${name} has the bytes of RFC 8323`, () => assert.equal(toHex(encodeFrame(message)), hex));
  }

  it('what was written is read again', () => {
    const reasons = { alternativeAddresses: ['[2001:db8::1]:5684'], holdOffSeconds: 0xffffff, diagnostic: 'later' };
    assert.deepEqual(readSignal(releaseMessage(reasons)), { kind: 'release', reasons });
    assert.deepEqual(readSignal(abortMessage('why', 9)), { kind: 'abort', badCsmOption: 9, diagnostic: 'why' });
    assert.deepEqual(readSignal(pingMessage('pong', token, true)), { kind: 'pong', token, custody: true });
    const capabilities = { maxMessageSize: 0xffffffff, blockWise: true };
    assert.deepEqual(readSignal(csmMessage(capabilities)), { kind: 'csm', changes: capabilities });
  });

  it('a CSM that leaves something out says nothing about it; elective options that nobody knows are passed over', () => {
    const options = [{ number: 6, value: Uint8Array.of(1, 2, 3) }];
    const signal = readSignal({ code: SIGNAL_CODES.csm, token: NONE, options, payload: NONE });
    assert.deepEqual(signal, { kind: 'csm', changes: {} });
  });

  it('codes that are not assigned are unknown', () => {
    for (let code = 0xe6; code <= 0xff; code++) {
      assert.equal(isSignalCode(code), true);
      assert.deepEqual(readSignal({ code, token: NONE, options: [], payload: NONE }), { kind: 'unknown' });
    }
  });

  it('refuses reasons that do not fit', () => {
    assert.throws(() => releaseMessage({ holdOffSeconds: 0x1000000 }), RangeError);
    assert.throws(() => releaseMessage({ alternativeAddresses: [''] }), RangeError);
    assert.throws(() => releaseMessage({ alternativeAddresses: ['x'.repeat(256)] }), RangeError);
  });

  it('arbitrary options and payloads give a signal, DecodeError or BadSignalOption; words hold nothing a terminal acts on', () => {
    const content = fc.record({
      code: fc.integer({ min: 0xe0, max: 0xff }),
      token: fc.uint8Array({ maxLength: 8 }),
      options: fc.array(fc.record({ number: fc.nat(12), value: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 4 }),
      payload: fc.uint8Array({ maxLength: 400 }),
    });
    fc.assert(
      fc.property(content, (message: MessageContent) => {
        try {
          const signal = readSignal(message);
          const words =
            signal.kind === 'abort' ? signal.diagnostic : signal.kind === 'release' ? signal.reasons.diagnostic : '';
          assert.ok(words.length <= 256 && !/[\p{Cc}]/u.test(words));
        } catch (error) {
          assert.ok(error instanceof DecodeError || error instanceof BadSignalOption, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
