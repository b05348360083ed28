// A provider that is verified piece by piece, when a piece is needed: so no start waits for curves that nobody uses.

import { verifyProvider } from './known-answers.ts';
import type { CryptoProvider, Primitive } from './provider.ts';
import { SIGNATURE_PARAMETERS, type SigningKey } from './signatures.ts';

/**
 * The same provider, each primitive of which runs its known answers before it is first used.
 * Its functions throw CryptoProviderError for a primitive that fails, CryptoUnsupportedError for one that is missing.
 */
export function verifiedOnUse(provider: CryptoProvider): CryptoProvider {
  const good = new Set<Primitive>();
  const verified = (primitive: Primitive): CryptoProvider => {
    if (!good.has(primitive)) verifyProvider(provider, [primitive]);
    good.add(primitive);
    return provider;
  };
  return {
    name: provider.name,
    primitives: provider.primitives,
    constantTime: provider.constantTime,
    createHash: (name) => verified('hash').createHash(name),
    hash: (name, bytes) => verified('hash').hash(name, bytes),
    hmac: (name, key, ...parts) => verified('hmac').hmac(name, key, ...parts),
    hmacKey: (name, key) => verified('hmac').hmacKey(name, key),
    aead: (name, key) => verified(name).aead(name, key),
    cbc: (name, key) => verified(name).cbc(name, key),
    keyAgreement: (group) => verified(group).keyAgreement(group),
    verify: (scheme, spki, message, signature) => verified(scheme).verify(scheme, spki, message, signature),
    sign: (scheme, pkcs8, message) => verified(scheme).sign(scheme, pkcs8, message),
    signingKey: (pkcs8) => signingKeyOf(provider.signingKey(pkcs8), verified),
  };
}

/** Which schemes a key is for shows only when it signs. */
function signingKeyOf(key: SigningKey, verify: (primitive: Primitive) => unknown): SigningKey {
  return {
    algorithm: key.algorithm,
    publicKey: () => key.publicKey(),
    sign(scheme, message) {
      if (SIGNATURE_PARAMETERS[scheme].key === key.algorithm) verify(scheme);
      return key.sign(scheme, message);
    },
    destroy: () => key.destroy(),
  };
}
