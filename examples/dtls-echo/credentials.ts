// Who is who: a server and a device that know each other by a pre-shared key, by raw public keys, and by certificates.

import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Environment,
  certificateChainFromBuffer,
  fromHex,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromBuffer,
  utf8Encode,
} from '../../lib/index.ts';
import { CredentialPool } from '../../security-backends/native/index.ts';

export type Role = 'server' | 'device';

export const IDENTITY = utf8Encode('sensor-1');

/** Tags of the pool. */
export const TAGS = { psk: 1, rawPublicKey: 2, certificate: 3 } as const;

const HINT = utf8Encode('echo'); // tells a client which of its keys is meant

/** A test key of the neighbour, which protects nothing. The examples are run from the project's root. */
const read = (name: string): Buffer => readFileSync(path.join('examples', 'security-object', 'credentials', name));

/** What a role needs for all three kinds of handshake. */
export function poolOf(role: Role, environment: Environment): CredentialPool {
  const peer = role === 'server' ? 'device' : 'server';
  const privateKey = privateKeyFromBuffer(read(`${role}.key`));
  const pool = new CredentialPool({}, environment);
  const identity = pskIdentityFromBuffer(IDENTITY);
  pool.add(TAGS.psk, { type: 'psk', identity, key: pskKeyFromBuffer(pskBytes()), hint: HINT });
  pool.add(TAGS.rawPublicKey, { type: 'rawKey', privateKey });
  pool.add(TAGS.rawPublicKey, { type: 'peerKeys', keys: rawPublicKeyFromBuffer(read(`${peer}.pub`)) });
  pool.add(TAGS.certificate, {
    type: 'certificate',
    chain: certificateChainFromBuffer(read(`${role}.pem`)),
    key: privateKey,
    trustAnchors: certificateChainFromBuffer(read('ca.pem')),
  });
  return pool;
}

/** Without a pool: the pre-shared key. */
export function pskBytes(): Uint8Array {
  return fromHex(read('psk.hex').toString().trim());
}

/** Without a pool: a key that stays in `node:crypto`, as another would in a chip. */
export function privateKeyOf(role: Role): KeyObject {
  return createPrivateKey(read(`${role}.key`));
}

/** A raw public key as it is sent: SubjectPublicKeyInfo, DER. */
export function publicKeyOf(role: Role): Uint8Array {
  return createPublicKey(read(`${role}.pub`)).export({ type: 'spki', format: 'der' });
}
