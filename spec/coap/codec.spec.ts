import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../lib/bytes/index.ts';
import { type CoapMessage, decodeMessage, encodeMessage, encodedLength, formatCode } from '../../lib/coap/index.ts';
import vectorFile from './vectors.json' with { type: 'json' };

interface Vector {
  readonly source: string;
  readonly hex: string;
  readonly malformed?: string;
  readonly type?: CoapMessage['type'];
  readonly code?: string;
  readonly messageId?: number;
  readonly token?: string;
  readonly options?: readonly (readonly [number, string])[];
  readonly payload?: string;
}

const vectors = vectorFile as readonly Vector[];

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

const messages: fc.Arbitrary<CoapMessage> = fc.record({
  type: fc.constantFrom(0, 1, 2, 3),
  code: fc.integer({ min: 1, max: 255 }),
  messageId: fc.integer({ min: 0, max: 0xffff }),
  token: bytes(8),
  options: fc
    .array(
      fc.record({
        number: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 0xffff })),
        value: bytes(300),
      }),
    )
    .map((options) => options.toSorted((a, b) => a.number - b.number)),
  payload: bytes(200),
});

function described(message: CoapMessage): object {
  return {
    ...message,
    token: toHex(message.token),
    options: message.options.map(({ number, value }) => [number, toHex(value)]),
    payload: toHex(message.payload),
  };
}

describe('CoAP codec', () => {
  for (const vector of vectors) {
    it(vector.source, () => {
      const wire = fromHex(vector.hex);
      if (vector.malformed !== undefined) {
        assert.throws(() => decodeMessage(wire), { name: 'DecodeError', field: vector.malformed });
        return;
      }
      const message = decodeMessage(wire);
      assert.equal(formatCode(message.code), vector.code);
      for (const field of ['type', 'messageId'] as const) assert.equal(message[field], vector[field]);
      for (const field of ['token', 'payload'] as const) assert.equal(toHex(message[field]), vector[field]);
      assert.deepEqual(
        message.options.map(({ number, value }) => [number, toHex(value)]),
        vector.options,
      );
      assert.equal(toHex(encodeMessage(message)), vector.hex);
    });
  }

  it('gives back every message it wrote', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const wire = encodeMessage(message);
        assert.equal(wire.length, encodedLength(message));
        assert.deepEqual(described(decodeMessage(wire)), described(message));
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives a value or DecodeError for arbitrary bytes, and writes the value back as bytes that mean the same', () => {
    const headed = fc
      .tuple(fc.integer({ min: 0x40, max: 0x7f }), bytes(80))
      .map(([first, rest]) => Uint8Array.of(first, ...rest));
    fc.assert(
      fc.property(fc.oneof(bytes(64), headed), (wire) => {
        let message: CoapMessage;
        try {
          message = decodeMessage(wire);
        } catch (error) {
          assert.ok(error instanceof DecodeError);
          return;
        }
        assert.deepEqual(described(decodeMessage(encodeMessage(message))), described(message));
      }),
      { numRuns: 3_000 },
    );
  });

  it('carries an option of 65,804 bytes, and refuses what does not fit', () => {
    const message = (length: number, number = 12): CoapMessage => ({
      type: 0,
      code: 1,
      messageId: 0,
      token: new Uint8Array(0),
      options: [{ number, value: new Uint8Array(length) }],
      payload: new Uint8Array(0),
    });
    assert.equal(decodeMessage(encodeMessage(message(65_804))).options[0]?.value.length, 65_804);
    assert.throws(() => encodeMessage(message(65_805)), RangeError);
    assert.throws(() => encodeMessage(message(0, 65_536)), RangeError);
    assert.throws(() => encodeMessage({ ...message(0), token: new Uint8Array(9) }), RangeError);
    assert.throws(() => encodeMessage({ ...message(0), messageId: 65_536 }), RangeError);
  });

  it('sorts options by number and keeps the order of equal ones', () => {
    const options = [
      [15, 'b'],
      [11, 'x'],
      [15, 'a'],
    ].map(([number, text]) => ({
      number: number as number,
      value: new TextEncoder().encode(text as string),
    }));
    const message = {
      type: 0,
      code: 1,
      messageId: 0,
      token: new Uint8Array(0),
      options,
      payload: new Uint8Array(0),
    } as const;
    assert.equal(toHex(encodeMessage(message)), '40010000' + 'b178' + '4162' + '0161');
  });
});
