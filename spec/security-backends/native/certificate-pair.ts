// Pairs that show each other certificates or raw public keys: keys from node:crypto, judged by a test that knows them.
// What stands in for an X.509 chain here is opaque to a handshake: path validation is a job, with specs of its own.

import { type KeyPairKeyObjectResult, generateKeyPairSync } from 'node:crypto';
import { equalBytes } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { SigningKeyAlgorithm } from '../../../lib/crypto/provider/provider.ts';
import type { Credential } from '../../../security-backends/native/ciphersuites.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../../security-backends/native/connection.ts';
import { Pair, type PairOptions } from './pair.ts';

/** A key with what is shown of it. */
export interface Holder {
  readonly algorithm: SigningKeyAlgorithm;
  readonly spki: Uint8Array;
  readonly pkcs8: Uint8Array;
  /** Leaf first. */
  readonly chain: readonly Uint8Array[];
}

const made = new Map<string, Holder>();

/** The key of this name, made on first use; its chain is three pieces of which the first is as long as a certificate. */
export function holder(algorithm: SigningKeyAlgorithm, name = 'one'): Holder {
  const known = made.get(`${algorithm} ${name}`);
  if (known !== undefined) return known;
  const { spki, pkcs8 } = keyPair(algorithm);
  const leaf = new Uint8Array(600).fill(name.charCodeAt(0));
  const chain = [leaf, new Uint8Array(500).fill(2), new Uint8Array(400).fill(3)];
  const fresh = { algorithm, spki, pkcs8, chain };
  made.set(`${algorithm} ${name}`, fresh);
  return fresh;
}

function keyPair(algorithm: SigningKeyAlgorithm): { spki: Uint8Array; pkcs8: Uint8Array } {
  const { publicKey, privateKey } = keyObjects(algorithm);
  const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
  return { spki, pkcs8: Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' })) };
}

function keyObjects(algorithm: SigningKeyAlgorithm): KeyPairKeyObjectResult {
  if (algorithm === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (algorithm === 'ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: algorithm === 'ec-p256' ? 'P-256' : 'P-384' });
}

/** How a side that has `own` and trusts `peer` answers. */
export function answering(
  own: Holder | undefined,
  peer: Holder | undefined,
  raw: boolean,
): (job: DtlsJob) => DtlsJobAnswer {
  return (job) => {
    if (job.type === 'verifyChain') {
      if (peer === undefined) return { alert: 48, reason: 'nobody is trusted' };
      const expected = raw ? peer.spki : peer.chain[0]!;
      return equalBytes(job.chain[0]!, expected)
        ? { publicKey: peer.spki }
        : { alert: 42, reason: 'another certificate than the one trusted' };
    }
    if (job.type === 'chooseCertificate') {
      return own && { chain: raw ? [own.spki] : own.chain, algorithm: own.algorithm };
    }
    if (job.type !== 'sign' || own === undefined) return undefined;
    return { signature: nodeProvider.sign(job.scheme, own.pkcs8, job.message) };
  };
}

export interface CertificatePairOptions extends PairOptions {
  readonly credential?: Exclude<Credential, 'psk'>;
  readonly serverKey?: Holder;
  /** Undefined: the server asks for none. */
  readonly clientHolder?: Holder | undefined;
  readonly suite?: number;
}

/** Client and server that trust each other's keys. */
export function certificatePair(options: CertificatePairOptions = {}): Pair {
  const { credential = 'certificate', serverKey = holder('ec-p256'), clientHolder, suite } = options;
  const raw = credential === 'rawPublicKey';
  const common = { credential, ...(suite === undefined ? {} : { ciphersuites: [suite] }) };
  return new Pair({
    clientAnswer: answering(clientHolder, serverKey, raw),
    serverAnswer: answering(serverKey, clientHolder, raw),
    ...options,
    client: { ...common, ...options.client },
    server: { ...common, clientCertificate: clientHolder === undefined ? 'none' : 'require', ...options.server },
    clientHello: { hasCertificate: clientHolder !== undefined, ...options.clientHello },
  });
}
