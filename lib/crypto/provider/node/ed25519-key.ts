// Which Ed25519 public keys are taken: OpenSSL takes any 32 bytes that decompress.

import { copyBytes, fromHex, toHex } from '../../../bytes/index.ts';

/** 2^255 - 19, the last byte first. */
const PRIME = fromHex('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed');

/** The y-coordinates of the eight points of small order, little-endian. */
const SMALL_ORDER = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/**
 * Neither of small order, under which one signature fits many messages, nor with a y-coordinate that RFC 8032 §5.1.3
 * refuses. It is public: the time it takes tells nothing.
 */
export function isEd25519Key(bytes: Uint8Array): boolean {
  const y = copyBytes(bytes);
  y[31]! &= 0x7f;
  return !SMALL_ORDER.has(toHex(y)) && toHex(y.reverse()) < toHex(PRIME);
}
