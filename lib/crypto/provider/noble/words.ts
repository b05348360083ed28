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

/** Writes those bytes of the word that lie before `end`. */
export function storeCut(bytes: Uint8Array, at: number, end: number, word: number): void {
  if (at + 4 <= end) return store(bytes, at, word);
  for (let i = at; i < end; i++) bytes[i] = word >>> (8 * (i - at));
}

/** The word with its bytes in the other order: big-endian counters and lengths. */
export function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
