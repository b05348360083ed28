// The values CBOR (RFC 8949) carries, as JavaScript has them.

/**
 * Integers are numbers where exact (below 2^53) and bigints beyond. A number with a whole value is written as an integer:
 * CborFloat makes it a float. `undefined` is CBOR's undefined.
 */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | CborFloat
  | CborSimple
  | CborTag
  | readonly CborValue[]
  | CborMap;

export interface CborMap extends ReadonlyMap<CborValue, CborValue> {}

/** A number written as a float even if it is whole; decoding gives plain numbers. */
export class CborFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A simple value without a meaning here: 0 to 19, 32 to 255. */
export class CborSimple {
  readonly value: number;

  /** @throws RangeError for false, true, null, undefined and the reserved values */
  constructor(value: number) {
    if (!Number.isInteger(value) || value < 0 || value > 255 || (value > 19 && value < 32)) {
      throw new RangeError(`a CBOR simple value is 0 to 19 or 32 to 255, not ${value}`);
    }
    this.value = value;
  }
}

/** A tagged value (§3.4). Tags are not interpreted. */
export class CborTag {
  /** 0 to 2^64 - 1; a bigint from 2^53 on. */
  readonly tag: number | bigint;
  readonly value: CborValue;

  constructor(tag: number | bigint, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

/** Major types (§3.1). */
export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, other: 7 } as const;
