// AES in cipher block chaining (NIST SP 800-38A §6.2), bare: for the CBC suites, which are used with encrypt-then-MAC
// (RFC 7366) alone, so nothing is deciphered whose MAC was not good.

export type CbcName = 'aes-128-cbc' | 'aes-256-cbc';

/** Bytes. */
export const CBC_KEY_LENGTH: Readonly<Record<CbcName, 16 | 32>> = { 'aes-128-cbc': 16, 'aes-256-cbc': 32 };

/** Every block chaining cipher's name. */
export const CBC_NAMES: readonly CbcName[] = Object.keys(CBC_KEY_LENGTH) as CbcName[];

/** Bytes: AES's block, and so the initialization vector. */
export const CBC_BLOCK_LENGTH = 16;

/** A block chaining cipher with its key set up once. It neither pads nor authenticates: that is the caller's part. */
export interface Cbc {
  /**
   * As many bytes as `plaintext`, as a new array.
   * @param iv 16 bytes, unpredictable for each message
   * @throws RangeError if `iv` has not 16 bytes or `plaintext` is not whole blocks
   */
  encrypt(iv: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /**
   * As many bytes as `ciphertext`, padding included, as a new array; undefined if it is not whole blocks.
   * @throws RangeError if `iv` has not 16 bytes
   */
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
  /** Zeroes what key material this provider can reach; any later call throws. */
  destroy(): void;
}

/** @throws RangeError if `key` has not the length `name` asks for */
export function checkCbcKey(name: CbcName, key: Uint8Array): void {
  const expected = CBC_KEY_LENGTH[name];
  if (key.length !== expected) throw new RangeError(`${name} key: expected ${expected} bytes, found ${key.length}`);
}

/** @throws RangeError if `iv` has not 16 bytes */
export function checkCbcIv(iv: Uint8Array): void {
  if (iv.length === CBC_BLOCK_LENGTH) return;
  throw new RangeError(`CBC initialization vector: expected ${CBC_BLOCK_LENGTH} bytes, found ${iv.length}`);
}

/** @throws RangeError if `plaintext` is not whole blocks */
export function checkCbcPlaintext(plaintext: Uint8Array): void {
  if (isWholeBlocks(plaintext)) return;
  throw new RangeError(`CBC plaintext: expected a multiple of ${CBC_BLOCK_LENGTH} bytes, found ${plaintext.length}`);
}

export function isWholeBlocks(bytes: Uint8Array): boolean {
  return bytes.length % CBC_BLOCK_LENGTH === 0;
}
