// Frames of streams (RFC 8323 §3.2): known bytes, any pieces, and sizes that lie.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { DecodeError, concatBytes, fromHex, toHex } from '../../lib/bytes/index.ts';
import { type MessageContent, uintOption } from '../../lib/coap/index.ts';
import { type Frame, FrameDecoder, encodeFrame, frameLength } from '../../lib/coap/stream-frame.ts';

interface Vector {
  readonly name: string;
  readonly hex: string;
  /** A payload of so many bytes 0x61 follows. */
  readonly payloadBytes?: number;
  readonly code: number;
  readonly token: string;
  readonly options: readonly { readonly number: number; readonly value: string }[];
}

const { vectors } = JSON.parse(readFileSync(new URL('vectors/stream-frames.json', import.meta.url), 'utf8')) as {
  vectors: readonly Vector[];
};
const NONE: Uint8Array = new Uint8Array(0);
const MOST = 100_000;

function contentOf({ code, token, options, payloadBytes = 0 }: Vector): MessageContent {
  return {
    code,
    token: fromHex(token),
    options: options.map(({ number, value }) => ({ number, value: fromHex(value) })),
    payload: new Uint8Array(payloadBytes).fill(0x61),
  };
}

/** All frames of a stream given in pieces. */
function framesOf(pieces: readonly Uint8Array[], most = MOST): Frame[] {
  const decoder = new FrameDecoder(most);
  const frames: Frame[] = [];
  for (const piece of pieces) {
    decoder.push(piece);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
  }
  return frames;
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places]
    .map((start, i) => bytes.slice(start, places[i] ?? bytes.length))
    .filter(({ length }) => length > 0);
}

const messages = fc.array(
  fc.record({
    code: fc.integer({ min: 0, max: 255 }),
    token: fc.uint8Array({ maxLength: 8 }),
    options: fc
      .array(fc.record({ number: fc.nat(65_535), value: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 4 })
      .map((options) => options.sort((a, b) => a.number - b.number)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(70_000).map((length) => new Uint8Array(length).fill(7)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

const plain = ({ code, token, options, payload }: MessageContent): unknown => ({
  code,
  token: toHex(token),
  options: options.map(({ number, value }) => [number, toHex(value)]),
  payload: toHex(payload),
});

describe('Frames of a stream', () => {
  for (const vector of vectors) {
    it(`reads and writes ${vector.name}`, () => {
      const content = contentOf(vector);
      const bytes = concatBytes(fromHex(vector.hex), content.payload);
      assert.equal(toHex(encodeFrame(content)), toHex(bytes));
      assert.equal(frameLength(content), bytes.length);
      const [frame] = framesOf([bytes]);
      assert.equal(frame?.kind, 'message');
      assert.deepEqual(frame.kind === 'message' && plain(frame.content), plain(content));
    });
  }

  it('any pieces give the same messages', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 12 }), (contents, at) => {
        const stream = concatBytes(...contents.map((content) => encodeFrame(content)));
        const frames = framesOf(cut(stream, at), 1_000_000);
        const found = frames.map((frame) => (frame.kind === 'message' ? plain(frame.content) : frame));
        assert.deepEqual(found, contents.map(plain));
      }),
      { numRuns: 1_000 },
    );
  });

  it('byte by byte too', () => {
    const content = {
      code: 2,
      token: Uint8Array.of(1, 2),
      options: [uintOption(12, 60)],
      payload: new Uint8Array(300),
    };
    const stream = concatBytes(encodeFrame(content), encodeFrame(content));
    const frames = framesOf([...stream].map((byte) => Uint8Array.of(byte)));
    assert.equal(frames.length, 2);
  });

  it('arbitrary bytes give messages or DecodeError, in any pieces the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 5 }), (bytes, at) => {
        const outcome = (pieces: readonly Uint8Array[]): unknown => {
          try {
            return framesOf(pieces, 200).map((frame) => (frame.kind === 'message' ? plain(frame.content) : frame.head));
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error;
            return error.field;
          }
        };
        const whole = outcome([bytes.slice()]);
        assert.deepEqual(outcome(cut(bytes, at)), whole);
      }),
      { numRuns: 3_000 },
    );
  });

  it('a claim of 4 GB costs nothing: its head is told at once, its rest is passed over', () => {
    const decoder = new FrameDecoder(1_152);
    decoder.push(fromHex('f1ffffffff45aa'));
    const frame = decoder.next();
    assert.equal(frame?.kind, 'tooLarge');
    assert.equal(frame.kind === 'tooLarge' && frame.head.messageBytes, 7 + 0xffffffff + 65_805);
    assert.equal(decoder.isAmidst, true);
    decoder.push(new Uint8Array(100_000));
    assert.equal(decoder.next(), undefined);
  });

  it('after one that is too large the next is read', () => {
    const large = encodeFrame({ code: 2, token: Uint8Array.of(9), options: [], payload: new Uint8Array(2_000) });
    const small = encodeFrame({ code: 1, token: NONE, options: [], payload: NONE });
    const frames = framesOf(cut(concatBytes(large, small), [5, 1_000, 2_004]), 1_152);
    assert.deepEqual(
      frames.map(({ kind }) => kind),
      ['tooLarge', 'message'],
    );
  });

  it('tokens of 9 to 15 bytes are refused as soon as they are announced', () => {
    for (let length = 9; length <= 15; length++) {
      const decoder = new FrameDecoder(MOST);
      decoder.push(Uint8Array.of(length));
      assert.throws(() => decoder.next(), { name: 'DecodeError', field: 'token length' });
    }
  });

  it('what is announced is not allocated before it comes', () => {
    const decoder = new FrameDecoder(0x4000_0000);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i++) {
      const one = new FrameDecoder(0x4000_0000);
      one.push(fromHex('f03fe0000045'));
      assert.equal(one.next(), undefined);
      one.push(new Uint8Array(10));
      assert.equal(one.next(), undefined);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 16_777_216);
    assert.equal(decoder.isAmidst, false);
  });

  it('refuses to write what does not fit', () => {
    assert.throws(() => encodeFrame({ code: 1, token: new Uint8Array(9), options: [], payload: NONE }), RangeError);
  });
});
