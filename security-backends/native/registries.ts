// IANA's numbers of groups and signature schemes, there and back.

import {
  type CryptoProvider,
  GROUP_PARAMETERS,
  type SigningKeyAlgorithm,
  NAMED_GROUPS,
  type NamedGroup,
  SIGNATURE_PARAMETERS,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
} from '../../lib/crypto/provider/provider.ts';
import { type Ciphersuite, type KeyExchange, usesEcdhe } from './ciphersuites.ts';

export function groupId(group: NamedGroup): number {
  return GROUP_PARAMETERS[group].id;
}

export function schemeId(scheme: SignatureScheme): number {
  return SIGNATURE_PARAMETERS[scheme].id;
}

export function groupById(id: number): NamedGroup | undefined {
  return NAMED_GROUPS.find((group) => groupId(group) === id);
}

/** Of each number one, as a list on the wire has them. */
export function schemeIds(schemes: readonly SignatureScheme[]): readonly number[] {
  return [...new Set(schemes.map(schemeId))];
}

/** A number of TLS 1.2 names the hash and not the curve (RFC 8422 §5.1.1): which scheme it is, the key tells. */
export function schemesById(id: number): readonly SignatureScheme[] {
  return SIGNATURE_SCHEMES.filter((scheme) => schemeId(scheme) === id);
}

/** The kind of key a scheme takes. */
export function schemeKey(scheme: SignatureScheme): SigningKeyAlgorithm {
  return SIGNATURE_PARAMETERS[scheme].key;
}

/** Whether a key of this kind can be the one of the suite's certificate (RFC 8422 §2.1, §5.3). */
export function keyFits(keyExchange: KeyExchange, algorithm: SigningKeyAlgorithm): boolean {
  return (keyExchange === 'ecdheRsa') === (algorithm === 'rsa');
}

/** Every group the provider has, in order of preference. */
export function supportedGroups(provider: CryptoProvider): readonly NamedGroup[] {
  return supportedBy(provider).groups;
}

/** Every scheme the provider has, in order of preference. */
export function supportedSchemes(provider: CryptoProvider): readonly SignatureScheme[] {
  return supportedBy(provider).schemes;
}

interface Supported {
  readonly groups: readonly NamedGroup[];
  readonly schemes: readonly SignatureScheme[];
}

const supported = new WeakMap<CryptoProvider, Supported>(); // asked for by every connection

function supportedBy(provider: CryptoProvider): Supported {
  const known = supported.get(provider);
  if (known !== undefined) return known;
  const found = {
    groups: NAMED_GROUPS.filter((group) => provider.primitives.has(group)),
    schemes: SIGNATURE_SCHEMES.filter((scheme) => provider.primitives.has(scheme)),
  };
  supported.set(provider, found);
  return found;
}

/** Whether there is a cipher, a group and a signature scheme for the suite among what is given. */
export function hasPrimitivesFor(
  suite: Ciphersuite,
  provider: CryptoProvider,
  groups: readonly NamedGroup[] = supportedGroups(provider),
  schemes: readonly SignatureScheme[] = supportedSchemes(provider),
): boolean {
  if (!provider.primitives.has(suite.protection === 'cbc' ? suite.cbc : suite.aead)) return false;
  if (usesEcdhe(suite) && groups.length === 0) return false;
  if (suite.keyExchange === 'psk' || suite.keyExchange === 'ecdhePsk') return true;
  return schemes.some((scheme) => keyFits(suite.keyExchange, schemeKey(scheme)));
}
