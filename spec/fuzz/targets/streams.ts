// What a peer at the other end of a stream sends (RFC 8323): frames in any pieces, and the signals in them.

import { concatBytes, equalBytes, fromHex } from '../../../lib/bytes/index.ts';
import type { MessageContent } from '../../../lib/coap/index.ts';
import { BadSignalOption, isSignalCode, readSignal } from '../../../lib/coap/signalling.ts';
import { type Frame, FrameDecoder, encodeFrame } from '../../../lib/coap/stream-frame.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';

const MAX_BYTES = 400;
const MOST_MESSAGE_BYTES = 300;

/** Its first byte says how the rest is cut into pieces. */
export const streamFrames: FuzzTarget = {
  name: 'stream-frames',
  maxBytes: MAX_BYTES,
  seeds: () =>
    [
      '00 40e12204802040 01437f 0000',
      '05 40e1220480 20 d00545ff 6162636465666768696a6b6c6d6e6f',
      '03 01e2aa 21e2aa20 01e3aa 21e3aa20',
      '02 b0e4 2131 c0 4101 ff 627965 30e4 230a0b0c',
      '01 30e5 2104 ff 6e6f 10e510 20e52101',
      '09 e0000a45ff f0000000 0145 0009 f1ffffffff45',
      '00 8102aa b474657374 6201 22 11ff 6869',
    ].map((hex) => fromHex(hex.replaceAll(' ', ''))),
  dictionary: ['40e1', '20e2', '22', 'f1ffffffff', 'd0', 'e0ffff', '0000', '40e4', '40e5'].map((hex) => fromHex(hex)),
  run(input) {
    const pieceBytes = 1 + ((input[0] ?? 0) & 0x1f);
    const stream = input.subarray(1);
    const whole = orDecodeError(() => framesOf([stream]));
    const pieces = orDecodeError(() => framesOf(cut(stream, pieceBytes)));
    promise((whole === undefined) === (pieces === undefined), 'pieces are refused where the whole is');
    if (whole === undefined || pieces === undefined) return;
    promise(equalBytes(written(whole), written(pieces)), 'pieces give the messages of the whole');
    for (const frame of whole) if (frame.kind === 'message') heed(frame.content);
  },
};

function framesOf(pieces: readonly Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder(MOST_MESSAGE_BYTES);
  const frames: Frame[] = [];
  for (const piece of pieces) {
    decoder.push(piece.slice());
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
  }
  return frames;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** All that was read, as bytes; of what was passed over its head. */
function written(frames: readonly Frame[]): Uint8Array {
  return concatBytes(
    ...frames.map((frame) => {
      if (frame.kind === 'message') return encodeFrame(frame.content);
      return concatBytes(Uint8Array.of(frame.head.code), frame.head.token);
    }),
  );
}

function heed(content: MessageContent): void {
  if (!isSignalCode(content.code)) return;
  try {
    const signal = orDecodeError(() => readSignal(content));
    if (signal?.kind !== 'csm') return;
    const { maxMessageSize = 64 } = signal.changes;
    promise(maxMessageSize >= 64 && maxMessageSize <= 0xffffffff, 'a size that a message can have');
  } catch (error) {
    if (!(error instanceof BadSignalOption)) throw error;
  }
}
