// From security infos to raw public keys (RFC 7250): SubjectPublicKeyInfos, compared byte for byte.

import { DecodeError, equalBytes } from '../bytes/index.ts';
import { leaves } from './leaves.ts';
import { type LoadOptions, expectType, leafContent, parsed } from './load-options.ts';
import { engineLookup } from './load-private-key.ts';
import { looksLikePem, parsePem } from './pem.ts';
import { type PublicKey, parsePublicKey } from './public-key.ts';
import type { RawPublicKeyInfo } from './security-info.ts';

/**
 * The keys in order, copied; empty for `empty`.
 * @throws SecurityInfoError EINVAL (malformed, or no key we could verify with), ENODATA, ENOTSUP, EIO
 */
export function loadRawPublicKeys(info: RawPublicKeyInfo, options: LoadOptions = {}): readonly PublicKey[] {
  expectType(info, 'rawPublicKey');
  const keys: PublicKey[] = [];
  for (const leaf of leaves(info, options)) {
    const { source } = leaf.info;
    if (source.kind === 'engine') {
      const { publicKey } = engineLookup(leaf, source.query, options);
      keys.push(parsed(leaf, () => usable(publicKey.slice())));
      continue;
    }
    const bytes = leafContent(leaf, options);
    if (bytes !== undefined) keys.push(...parsed(leaf, () => readAll(bytes)));
  }
  return keys;
}

/** Whether `spki` is one of `keys`, exactly. */
export function isKnownKey(spki: Uint8Array, keys: readonly PublicKey[]): boolean {
  return keys.some((key) => equalBytes(key.spki, spki));
}

function readAll(bytes: Uint8Array): readonly PublicKey[] {
  if (!looksLikePem(bytes)) return [usable(bytes)];
  const keys = parsePem(bytes).filter(({ label }) => label === 'PUBLIC KEY');
  if (keys.length === 0) throw new DecodeError('PEM', 'a block PUBLIC KEY', 'others');
  return keys.map((block) => usable(block.bytes));
}

function usable(spki: Uint8Array): PublicKey {
  const key = parsePublicKey(spki);
  const { name } = key.algorithm;
  if (name !== 'unsupported' && name !== 'x25519') return key;
  throw new DecodeError('SubjectPublicKeyInfo algorithm', 'ECDSA on P-256 or P-384, Ed25519 or RSA', 'another');
}
