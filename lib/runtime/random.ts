// Randomness is an argument: secure for real use, seeded for simulations that must repeat.

export interface RandomSource {
  /** `length` new random bytes. */
  bytes(length: number): Uint8Array;
}

/** The platform's cryptographically secure generator. */
export const secureRandom: RandomSource = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    return bytes;
  },
};

/** A repeatable generator for simulations and tests (SplitMix32). Never for keys: it is predictable by design. */
export class SeededRandom implements RandomSource {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 uniform bits. */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32();
    return bytes;
  }
}

/** Uniform in [0, 1), from any source: for jitter and back-off. */
export function randomUnit(source: RandomSource): number {
  const bytes = source.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 0x1_0000_0000;
}

/** Uniform 16 bits, from any source: for first message ids. */
export function randomUint16(source: RandomSource): number {
  const bytes = source.bytes(2);
  return (bytes[0]! << 8) | bytes[1]!;
}
