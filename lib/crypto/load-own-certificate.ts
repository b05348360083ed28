// A certificate of our own: its chain and the key that signs for it, which have to go together.

import { loadCertificateChain } from './load-certificates.ts';
import type { LoadOptions } from './load-options.ts';
import {
  type LoadedPrivateKey,
  type PrivateKeyMaterial,
  checkKeyMatches,
  loadPrivateKey,
  loadPrivateKeyMaterial,
} from './load-private-key.ts';
import { SecurityInfoError } from './security-info-error.ts';
import type { CertificateChainInfo, PrivateKeyInfo } from './security-info.ts';
import type { Certificate } from './x509.ts';

/** In which form the key is wanted. */
export interface KeyForm<K> {
  load(info: PrivateKeyInfo, options: LoadOptions): K | undefined;
  close(key: K): void;
}

/** Signs by itself, or through its engine. */
export const SIGNING_KEY: KeyForm<LoadedPrivateKey> = { load: loadPrivateKey, close: (key) => key.close() };

/** For stacks that sign by themselves. */
export const KEY_MATERIAL: KeyForm<PrivateKeyMaterial> = {
  load: loadPrivateKeyMaterial,
  close: ({ pkcs8 }) => pkcs8.close(),
};

/**
 * Undefined where there is neither chain nor key. The key is to be closed by the caller.
 * @throws SecurityInfoError ENODATA for half of a pair, EINVAL for a key of another certificate; then the key is closed
 */
export function loadOwnCertificate<K extends Pick<LoadedPrivateKey, 'algorithm' | 'publicKey'>>(
  chainInfo: CertificateChainInfo | undefined,
  keyInfo: PrivateKeyInfo | undefined,
  options: LoadOptions,
  form: KeyForm<K>,
): { readonly chain: readonly Certificate[]; readonly key: K } | undefined {
  const chain = chainInfo === undefined ? [] : loadCertificateChain(chainInfo, options);
  const key = keyInfo === undefined ? undefined : form.load(keyInfo, options);
  const [leaf] = chain;
  if (leaf === undefined && key === undefined) return undefined;
  try {
    if (leaf === undefined || keyInfo === undefined || key === undefined) throw halfMissing(leaf === undefined);
    checkKeyMatches(leaf, key, keyInfo);
    return { chain, key };
  } catch (error) {
    if (key !== undefined) form.close(key);
    throw error;
  }
}

function halfMissing(chain: boolean): SecurityInfoError {
  const type = chain ? 'certificateChain' : 'privateKey';
  const place = { type, source: 'empty', position: type } as const;
  return new SecurityInfoError('ENODATA', place, 'expected a certificate chain and its private key, found one of them');
}
