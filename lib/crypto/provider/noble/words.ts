// Little-endian 32-bit words in byte arrays: what noble's AES block function takes and gives, on any host.

/** The word at `at`; four bytes must be there. */
export function load(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function store(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

/** The word at `at`, with zeros for what lies at or beyond `end`. */
export function loadPadded(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return load(bytes, at);
  let word = 0;
  for (let i = at; i < end; i++) word |= bytes[i]! << (8 * (i - at));
  return word;
}

/** The word with its bytes in the other order: big-endian counters and lengths. */
export function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** A block cipher's output. */
export interface Block {
  readonly s0: number;
  readonly s1: number;
  readonly s2: number;
  readonly s3: number;
}

/** Writes `from` xor `stream` to the same place of `to`: 16 bytes at `at`, or what there is before `end`. */
export function xorBlock(from: Uint8Array, to: Uint8Array, at: number, end: number, stream: Block): void {
  if (at + 16 <= end) {
    store(to, at, load(from, at) ^ stream.s0);
    store(to, at + 4, load(from, at + 4) ^ stream.s1);
    store(to, at + 8, load(from, at + 8) ^ stream.s2);
    store(to, at + 12, load(from, at + 12) ^ stream.s3);
    return;
  }
  for (let i = at; i < end; i++) {
    const offset = i - at;
    const word = offset < 4 ? stream.s0 : offset < 8 ? stream.s1 : offset < 12 ? stream.s2 : stream.s3;
    to[i] = from[i]! ^ (word >>> (8 * (offset & 3)));
  }
}
