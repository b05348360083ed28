// The credentials of the cases, for either side, by kind.

import { equalBytes, utf8Encode } from '../../../bytes/index.ts';
import {
  type PskKeyInfo,
  certificateChainFromArray,
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromArray,
  rawPublicKeyFromBuffer,
} from '../../../crypto/index.ts';
import type { Capabilities } from '../../security-backend.ts';
import type { Security, ServerSecurity } from '../../ssl-configuration.ts';
import { AUTHORITY, CLIENT, SERVER, STRANGER } from './test-keys.ts';

export type CredentialKind = Capabilities['credentials'][number];

/** In the order in which a case that needs any takes one. */
export const KINDS: readonly CredentialKind[] = ['psk', 'certificate', 'rawPublicKey'];

export const IDENTITY = utf8Encode('conformance-device');

const OTHER_IDENTITY = utf8Encode('other-conformance-device');

/** Of 16 bytes that no other text or number of the cases contains. */
export const KEY = Uint8Array.of(
  0xd1,
  0x7e,
  0x42,
  0x9b,
  0x05,
  0xc8,
  0x63,
  0xfa,
  0x2d,
  0x94,
  0x38,
  0xe7,
  0xab,
  0x50,
  0x1f,
  0x86,
);

export const OTHER_KEY = KEY.map((byte) => byte ^ 0xff);

/** What a client that may come in is made from. */
export function clientSecurity(kind: CredentialKind): Security {
  if (kind === 'psk') return { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(KEY) };
  const key = privateKeyFromBuffer(CLIENT.key);
  if (kind === 'certificate') {
    return {
      mode: 'certificate',
      trustAnchors: certificateChainFromBuffer(AUTHORITY.certificate),
      clientChain: certificateChainFromBuffer(CLIENT.certificate),
      clientKey: key,
    };
  }
  return {
    mode: 'rawPublicKey',
    serverKeys: rawPublicKeyFromBuffer(SERVER.publicKey),
    publicKey: rawPublicKeyFromBuffer(CLIENT.publicKey),
    privateKey: key,
  };
}

/** What a server is made from that lets such clients in, and nobody else. */
export function serverSecurity(kind: CredentialKind): ServerSecurity {
  if (kind === 'psk') return { mode: 'psk', lookup: keyOf };
  if (kind === 'certificate') {
    return {
      mode: 'certificate',
      chain: certificateChainFromBuffer(SERVER.certificate),
      key: privateKeyFromBuffer(SERVER.key),
      trustAnchors: certificateChainFromBuffer(AUTHORITY.certificate),
    };
  }
  return {
    mode: 'rawPublicKey',
    publicKey: rawPublicKeyFromBuffer(SERVER.publicKey),
    privateKey: privateKeyFromBuffer(SERVER.key),
    accept: (spki) => equalBytes(spki, CLIENT.publicKey),
  };
}

/** Another client that may come in too, or the same that trusts somebody else as well. */
export function otherSecurity(kind: CredentialKind): Security {
  const security = clientSecurity(kind);
  if (security.mode === 'psk') return { ...security, identity: pskIdentityFromBuffer(OTHER_IDENTITY) };
  if (security.mode === 'certificate') {
    const anchors = [AUTHORITY, STRANGER].map(({ certificate }) => certificateChainFromBuffer(certificate));
    return { ...security, trustAnchors: certificateChainFromArray(anchors) };
  }
  const keys = [SERVER, STRANGER].map(({ publicKey }) => rawPublicKeyFromBuffer(publicKey));
  return { ...security, serverKeys: rawPublicKeyFromArray(keys) };
}

/** The key of `IDENTITY` and `OTHER_IDENTITY`, and of nobody else. */
export function keyOf(identity: Uint8Array): PskKeyInfo | undefined {
  const known = equalBytes(identity, IDENTITY) || equalBytes(identity, OTHER_IDENTITY);
  return known ? pskKeyFromBuffer(KEY) : undefined;
}
