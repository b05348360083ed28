// ECDSA signatures as keys outside give them, and as TLS wants them (RFC 3279 §2.2.3).

import { derSequence, derUnsigned } from './der-write.ts';

/**
 * The DER of a signature that PKCS#11, WebCrypto, a TPM or a secure element gives as r and s side by side, each as long as
 * the curve's order: what `EnginePrivateKey.sign` answers.
 *
 * @throws RangeError unless there are two halves of the same length
 */
export function ecdsaSignature(raw: Uint8Array): Uint8Array {
  if (raw.length < 2 || raw.length % 2 !== 0) {
    throw new RangeError(`raw: expected r and s of the same length, found ${raw.length} bytes`);
  }
  const half = raw.length / 2;
  return derSequence(derUnsigned(raw.subarray(0, half)), derUnsigned(raw.subarray(half)));
}
