// The cases' own reading of CoAP beside the project's codec: two that were written apart, and say the same.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toHex } from '../../lib/bytes/index.ts';
import { type CoapMessage, decodeMessage, encodeMessage, formatCode } from '../../lib/coap/index.ts';
import { encodeFrame as encodeOurFrame } from '../../lib/coap/stream-frame.ts';
import { type WireMessage, decodeFrame, decodeWire, encodeFrame, encodeWire } from './wire.ts';

const TYPES = ['CON', 'NON', 'ACK', 'RST'] as const;
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

const messages: fc.Arbitrary<CoapMessage> = fc.record({
  type: fc.constantFrom(0, 1, 2, 3),
  code: fc.constantFrom(0x01, 0x02, 0x05, 0x07, 0x44, 0x45, 0x80, 0xa3),
  messageId: fc.nat(0xffff),
  token: bytes(8),
  options: fc
    .array(fc.record({ number: fc.nat(2_000), value: fc.oneof(bytes(20), bytes(400)) }), { maxLength: 6 })
    .map((options) => options.toSorted((a, b) => a.number - b.number)),
  payload: bytes(100),
});

function onTheWire({ type, code, messageId, token, options, payload }: CoapMessage): WireMessage {
  const plain = options.map(({ number, value }) => ({ number, value }));
  return { type: TYPES[type], code: formatCode(code), messageId, token: toHex(token), options: plain, payload };
}

describe('CoAP by hand', () => {
  it('reads what the codec writes', () => {
    fc.assert(
      fc.property(messages, (message) => assert.deepEqual(decodeWire(encodeMessage(message)), onTheWire(message))),
      { numRuns: 1_000 },
    );
  });

  it('writes what the codec reads', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const read = decodeMessage(Uint8Array.from(encodeWire(onTheWire(message))));
        assert.deepEqual(onTheWire(read), onTheWire(message));
      }),
      { numRuns: 1_000 },
    );
  });

  it('frames messages of a stream as the codec does, and reads them once they are whole', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const { type: _type, messageId: _messageId, ...frame } = onTheWire(message);
        const bytes = encodeOurFrame(message);
        assert.deepEqual(Uint8Array.from(encodeFrame(frame)), bytes);
        assert.deepEqual(decodeFrame(bytes), { frame, length: bytes.length });
        assert.equal(decodeFrame(bytes.subarray(0, -1)), undefined);
      }),
      { numRuns: 1_000 },
    );
  });
});
