// The TLS 1.2 pseudo-random function (RFC 5246 §5): P_hash over the suite's hash.

import { utf8Encode } from '../bytes/index.ts';
import type { CryptoProvider, HashName } from './provider/provider.ts';

/**
 * PRF(secret, label, seed) of `length` bytes, as a new array. The seed may come in parts.
 * @param label ASCII, without a terminating zero, e.g. `master secret`
 * @throws RangeError if `length` is not a whole number of bytes, 0 or more
 */
export function prf(
  provider: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  length: number,
  ...seed: readonly Uint8Array[]
): Uint8Array {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RangeError(`PRF length: expected a whole number of bytes, found ${length}`);
  }
  const labelBytes = utf8Encode(label);
  const output = new Uint8Array(length);
  const keyed = provider.hmacKey(hash, secret);
  let a = keyed.mac(labelBytes, ...seed);
  for (let at = 0; at < length; at += a.length) {
    const block = keyed.mac(a, labelBytes, ...seed);
    output.set(at + block.length <= length ? block : block.subarray(0, length - at), at);
    block.fill(0);
    const next = keyed.mac(a);
    a.fill(0);
    a = next;
  }
  a.fill(0);
  keyed.destroy();
  return output;
}
