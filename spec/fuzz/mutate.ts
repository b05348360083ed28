// Mutations of byte strings: AFL's, and one for formats whose lengths nest.

/** Fast and seeded; no secret hangs on it. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x6a09e667) >>> 0 || 1;
  }

  /** xorshift32. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }
}

const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 0x7f, 0x80, 0x81, 0x82, 0xa0, 0xfd, 0xfe, 0xff];

export interface Mutation {
  readonly dice: Dice;
  readonly maxBytes: number;
  /** Another input of the corpus. */
  other(): Uint8Array;
  readonly dictionary: readonly Uint8Array[];
}

/** One to eight changes. */
export function mutated(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const { dice } = mutation;
  let result = bytes.slice();
  for (let left = 1 << dice.below(4); left > 0; left--) result = mutatedOnce(result, mutation);
  return result.length > mutation.maxBytes ? result.subarray(0, mutation.maxBytes) : result;
}

function mutatedOnce(bytes: Uint8Array<ArrayBuffer>, mutation: Mutation): Uint8Array<ArrayBuffer> {
  const { dice } = mutation;
  const at = dice.below(bytes.length);
  const length = 1 + dice.below(Math.min(32, bytes.length - at));
  const value = (byte: number): Uint8Array<ArrayBuffer> => {
    if (bytes.length > 0) bytes[at] = byte;
    return bytes;
  };
  switch (dice.below(15)) {
    case 0:
      return value((bytes[at] ?? 0) ^ (1 << dice.below(8)));
    case 1:
      return value(EDGES[dice.below(EDGES.length)]!);
    case 2:
      return value(dice.below(256));
    case 3:
      return value((bytes[at] ?? 0) + 1 + dice.below(16));
    case 4:
      return value((bytes[at] ?? 0) - 1 - dice.below(16));
    case 5:
      return spliced(bytes, at, length, new Uint8Array(0));
    case 6:
      return spliced(bytes, at, 0, bytes.slice(at, at + length));
    case 7:
      return spliced(bytes, at, 0, randomBytes(1 + dice.below(8), dice));
    case 8: {
      const word = mutation.dictionary[dice.below(mutation.dictionary.length)];
      return word === undefined ? bytes : spliced(bytes, at, dice.below(2) === 0 ? 0 : word.length, word);
    }
    case 9: {
      const other = mutation.other();
      const from = dice.below(other.length);
      return spliced(bytes, at, length, other.subarray(from, from + 1 + dice.below(64)));
    }
    case 10: {
      const other = mutation.other();
      return spliced(bytes, at, bytes.length - at, other.subarray(dice.below(other.length)));
    }
    case 11:
      return resized(bytes, dice);
    case 12:
    case 13:
      return element(bytes, dice);
    default:
      return bytes.slice(0, at);
  }
}

/** Puts bytes in or takes some out, and adds the difference to what may be the lengths they lie in. */
function resized(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = 1 + dice.below(bytes.length - 1);
  const change = 1 + dice.below(8);
  if (dice.below(2) === 0) return withLengths(bytes, at, 0, randomBytes(change, dice), dice);
  return withLengths(bytes, at, change, new Uint8Array(0), dice);
}

/** Repeats, or takes out, what has its length of one to three bytes before it, and in DER its tag before that. */
function element(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = 1 + dice.below(bytes.length - 1);
  const width = 1 + dice.below(3);
  let length = 0;
  for (let i = 0; i < width; i++) length = length * 256 + (bytes[at + i] ?? 0);
  const end = at + width + length;
  if (end > bytes.length) return resized(bytes, dice);
  const start = at - dice.below(2);
  if (dice.below(4) === 0) return withLengths(bytes, start, end - start, new Uint8Array(0), dice);
  return withLengths(bytes, start, 0, bytes.slice(start, end), dice);
}

function withLengths(
  bytes: Uint8Array,
  at: number,
  removed: number,
  put: Uint8Array,
  dice: Dice,
): Uint8Array<ArrayBuffer> {
  const result = spliced(bytes, at, removed, put);
  const difference = result.length - bytes.length;
  // DER and TLS alike: a length reaches beyond the change, and not beyond the end.
  for (let i = 0; i < Math.min(at, result.length); i++) {
    const end = i + 1 + bytes[i]!;
    const long = bytes[i]! * 256 + bytes[i + 1]!;
    const isLong = long > 127 && i + 2 + long > at && i + 2 + long <= bytes.length;
    if (isLong && i + 1 < at) setUint16(result, i, long + difference);
    else if (end > at && end <= bytes.length && dice.below(8) > 0) result[i] = bytes[i]! + difference;
    if (isLong) i++;
  }
  return result;
}

function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

function spliced(bytes: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array<ArrayBuffer> {
  const after = bytes.subarray(Math.min(bytes.length, at + removed));
  const result = new Uint8Array(at + put.length + after.length);
  result.set(bytes.subarray(0, at));
  result.set(put, at);
  result.set(after, at + put.length);
  return result;
}

function randomBytes(length: number, dice: Dice): Uint8Array {
  return Uint8Array.from({ length }, () => dice.below(256));
}
