// Messages as a stream carries them (RFC 8323 §3.2): each says its own length, and there is no message layer.

import { DecodeError } from '../bytes/index.ts';
import { allocate, bodyLength, copyInto, decodeBody, encodeBody, sortedOptions } from './body-codec.ts';
import { MAX_TOKEN_LENGTH } from './codec.ts';
import { type MessageContent, NO_BYTES, NO_OPTIONS } from './message.ts';

const BASES = [0, 13, 269, 65_805] as const; // RFC 8323 §3.2: nibbles 13, 14 and 15 announce 1, 2 and 4 bytes, less these
const EXTENSION_BYTES = [0, 1, 2, 4] as const;
const LARGEST_LENGTH = 0xffffffff + BASES[3];

/** Nibble 0 to 12: no extension; 13, 14 and 15: the first, second and third. */
function extensionOf(length: number): 0 | 1 | 2 | 3 {
  return length < BASES[1] ? 0 : length < BASES[2] ? 1 : length < BASES[3] ? 2 : 3;
}

/** Writes one message. @throws RangeError if a field does not fit */
export function encodeFrame(content: MessageContent): Uint8Array {
  const { token, payload, code } = content;
  if (token.length > MAX_TOKEN_LENGTH) throw new RangeError(`a token has at most 8 bytes, not ${token.length}`);
  const options = sortedOptions(content.options);
  const length = bodyLength(options, payload);
  if (length > LARGEST_LENGTH) throw new RangeError(`${length} bytes do not fit one message`);
  const extension = extensionOf(length);
  const codeAt = 1 + EXTENSION_BYTES[extension];
  const bytes = allocate(codeAt + 1 + token.length + length);
  bytes[0] = ((extension === 0 ? length : 12 + extension) << 4) | token.length;
  const rest = length - BASES[extension];
  for (let i = codeAt - 1, left = rest; extension > 0 && i > 0; i--, left = Math.floor(left / 256)) bytes[i] = left;
  bytes[codeAt] = code;
  copyInto(token, bytes, codeAt + 1);
  encodeBody(options, payload, bytes, codeAt + 1 + token.length);
  return bytes;
}

/** Bytes that `content` takes in a stream. @throws RangeError if an option does not fit */
export function frameLength({ token, options, payload }: MessageContent): number {
  const length = bodyLength(sortedOptions(options), payload);
  return 2 + EXTENSION_BYTES[extensionOf(length)] + token.length + length;
}

/** What a message says before its options. */
export interface FrameHead {
  readonly code: number;
  readonly token: Uint8Array;
  /** Of the whole message, header included. */
  readonly messageBytes: number;
}

/** What comes out of a stream: a message, or the head of one that is too large and whose rest is passed over. */
export type Frame =
  | { readonly kind: 'message'; readonly content: MessageContent }
  | { readonly kind: 'tooLarge'; readonly head: FrameHead };

interface Begun extends FrameHead {
  /** Where options and payload begin. */
  readonly bodyAt: number;
}

/** Takes a stream in any pieces and gives its messages. Memory: what has come of one message, at most `maxMessageBytes`. */
export class FrameDecoder {
  readonly #maxMessageBytes: number;
  /** What has come and is not taken; of it `#start` to `#end` count. */
  #bytes: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  #skip = 0;
  #begun: Begun | undefined;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Whether a message has begun and not ended. */
  get isAmidst(): boolean {
    return this.#end > this.#start || this.#skip > 0;
  }

  /** Takes the next piece; it becomes the decoder's. Call `next` until it gives nothing before the next piece. */
  push(piece: Uint8Array): void {
    const passed = Math.min(this.#skip, piece.length);
    this.#skip -= passed;
    if (passed < piece.length) this.#append(passed === 0 ? piece : piece.subarray(passed));
  }

  /** The next message, of which token, options and payload are views. @throws DecodeError: nothing after it can be read */
  next(): Frame | undefined {
    if (this.#end === this.#start) return undefined;
    const begun = (this.#begun ??= this.#readHead());
    if (begun === undefined) return undefined;
    const { messageBytes } = begun;
    if (messageBytes > this.#maxMessageBytes) return this.#passOver(begun);
    if (this.#end - this.#start < messageBytes) return undefined;
    const message = this.#bytes.subarray(this.#start, this.#start + messageBytes);
    this.#begun = undefined;
    this.#drop(messageBytes);
    const content = { code: begun.code, token: begun.token, options: NO_OPTIONS, payload: NO_BYTES };
    if (begun.bodyAt < messageBytes) decodeBody(message, begun.bodyAt, content);
    return { kind: 'message', content };
  }

  #readHead(): Begun | undefined {
    const bytes = this.#bytes;
    const waiting = this.#end - this.#start;
    const first = bytes[this.#start]!;
    const tokenLength = first & 0x0f;
    if (tokenLength > MAX_TOKEN_LENGTH) throw new DecodeError('token length', '0 to 8', `${tokenLength}`);
    const nibble = first >> 4;
    const extension = Math.max(0, nibble - 12) as 0 | 1 | 2 | 3;
    const codeAt = 1 + EXTENSION_BYTES[extension];
    const bodyAt = codeAt + 1 + tokenLength;
    if (waiting < bodyAt) return undefined;
    let length = extension === 0 ? nibble : 0;
    for (let i = 1; i < codeAt; i++) length = length * 256 + bytes[this.#start + i]!;
    const messageBytes = bodyAt + length + (extension === 0 ? 0 : BASES[extension]);
    const at = this.#start + codeAt;
    return { code: bytes[at]!, token: bytes.slice(at + 1, at + 1 + tokenLength), messageBytes, bodyAt };
  }

  #passOver(head: Begun): Frame {
    const here = Math.min(this.#end - this.#start, head.messageBytes);
    this.#skip = head.messageBytes - here;
    this.#begun = undefined;
    this.#drop(here);
    return { kind: 'tooLarge', head };
  }

  #drop(length: number): void {
    this.#start += length;
    if (this.#start < this.#end) return;
    this.#bytes = NO_BYTES; // what was given out may be views of it
    this.#start = this.#end = 0;
  }

  // A piece on its own is read where it lies. Where a message goes on, room grows with what comes, not with what is announced.
  #append(piece: Uint8Array): void {
    const waiting = this.#end - this.#start;
    if (waiting === 0) {
      this.#bytes = piece;
      this.#start = 0;
      this.#end = piece.length;
      return;
    }
    const needed = waiting + piece.length;
    if (this.#start > 0 || needed > this.#bytes.length) {
      const announced = Math.min(this.#begun?.messageBytes ?? 0, this.#maxMessageBytes);
      const grown = new Uint8Array(Math.max(needed, Math.min(2 * needed, announced)));
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = grown;
      this.#start = 0;
      this.#end = waiting;
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }
}
