// A growing big-endian buffer, the counterpart of the Reader.

/** Appends integers, bytes and length-prefixed vectors. @throws RangeError if a value does not fit its field. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  uint8(value: number): this {
    return this.uint(value, 1);
  }

  uint16(value: number): this {
    return this.uint(value, 2);
  }

  uint24(value: number): this {
    return this.uint(value, 3);
  }

  uint32(value: number): this {
    return this.uint(value, 4);
  }

  uint48(value: number): this {
    return this.uint(value, 6);
  }

  uint64(value: bigint): this {
    if (value < 0n || value >= 1n << 64n) throw new RangeError(`${value} does not fit in 64 bits`);
    return this.uint32(Number(value >> 32n)).uint32(Number(value & 0xffffffffn));
  }

  /** An unsigned integer in `size` bytes (0 to 6). */
  uint(value: number, size: number): this {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** size) {
      throw new RangeError(`${value} does not fit in ${size} bytes`);
    }
    const at = this.#grow(size);
    let rest = value;
    for (let i = size - 1; i >= 0; i--) {
      this.#bytes[at + i] = rest & 0xff;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length); // first: it may replace #bytes
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Writes what `body` appends, with its length in 8 bits before it. */
  vector8(body: Uint8Array | ((writer: this) => void)): this {
    return this.#vector(1, body);
  }

  /** Writes what `body` appends, with its length in 16 bits before it. */
  vector16(body: Uint8Array | ((writer: this) => void)): this {
    return this.#vector(2, body);
  }

  /** Writes what `body` appends, with its length in 24 bits before it. */
  vector24(body: Uint8Array | ((writer: this) => void)): this {
    return this.#vector(3, body);
  }

  /** The bytes written, as a view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #vector(size: number, body: Uint8Array | ((writer: this) => void)): this {
    const at = this.#length;
    this.uint(0, size);
    if (typeof body === 'function') body(this);
    else this.bytes(body);
    const length = this.#length - at - size;
    if (length >= 256 ** size) throw new RangeError(`a vector of ${length} bytes does not fit a ${size}-byte length`);
    for (let i = 0, rest = length; i < size; i++, rest >>>= 8) this.#bytes[at + size - 1 - i] = rest & 0xff;
    return this;
  }

  #grow(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}
