// Answers to what a sans-IO connection asks: which key, whether the peer is known, and a signature.

import { type KeyObject, sign, timingSafeEqual } from 'node:crypto';
import { secureRandom } from '../../lib/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../security-backends/native/index.ts';
import { IDENTITY, type Role, privateKeyOf, pskBytes, publicKeyOf } from './credentials.ts';

export type Kind = 'psk' | 'rawPublicKey';

const BAD_CERTIFICATE = 42; // AlertDescription, RFC 5246 §7.2.2

export function answersOf(kind: Kind, role: Role): (job: DtlsJob) => DtlsJobAnswer {
  return kind === 'psk' ? pskAnswers(pskBytes()) : rawKeyAnswers(role);
}

function pskAnswers(key: Uint8Array): (job: DtlsJob) => DtlsJobAnswer {
  return (job) => {
    if (job.type === 'choosePsk') return { identity: IDENTITY, key };
    if (job.type !== 'lookupPsk') return undefined;
    if (same(job.identity, IDENTITY)) return { key };
    // Nobody is to find out which identities there are: this one looks like a wrong key.
    return { key: secureRandom.bytes(key.length), unknownIdentity: true };
  };
}

function rawKeyAnswers(role: Role): (job: DtlsJob) => DtlsJobAnswer {
  const own = { chain: [publicKeyOf(role)], algorithm: 'ec-p256', schemes: ['ecdsa_secp256r1_sha256'] } as const;
  const key = privateKeyOf(role);
  const known = publicKeyOf(role === 'server' ? 'device' : 'server');
  return (job) => {
    if (job.type === 'chooseCertificate') return own;
    if (job.type === 'sign') return { signature: signature(key, job.message) };
    if (job.type !== 'verifyChain') return undefined;
    const [shown] = job.chain;
    if (shown !== undefined && same(shown, known)) return { publicKey: shown };
    return { alert: BAD_CERTIFICATE, reason: 'expected the raw public key configured, found another' };
  };
}

function signature(key: KeyObject, message: Uint8Array): Uint8Array {
  return sign('sha256', message, key);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
