// Records sessions with OpenSSL and GnuTLS for the specs that play them back without these peers: one of each suite they
// share with us, with our randomness seeded. Run: `node --import tsx spec/interop/record-sessions.ts`

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toHex } from '../../lib/bytes/index.ts';
import {
  loadPrivateKey,
  parseCertificate,
  privateKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import {
  loadCertificateChain,
  loadRawPublicKeys,
  nodeProvider,
  certificateChainFromBuffer,
} from '../../lib/crypto/index.ts';
import type { RecordedCertificate, Session } from '../security-backends/native/recorded-session.ts';
import { GNUTLS_SUITES, startGnutlsClient, startGnutlsEcho } from './peers/gnutls-certificates.ts';
import {
  OPENSSL_SUITES,
  startOpensslCertificateClient,
  startOpensslCertificateServer,
  startOpensslClient,
  startOpensslServer,
} from './peers/openssl.ts';
import { versionOf } from './peers/install.ts';
import type { PeerProcess } from './peers/process.ts';
import { Pki } from './peers/pki.ts';
import { COMMON, FIXTURES, IDENTITY, type Open, PSK, type Peer, asClient, asServer, noKey } from './recorder.ts';

const SAYS = 'hello from the peer';
const groups = ['x25519', 'secp256r1', 'secp384r1'] as const;
const signatureSchemes = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ed25519',
  'rsa_pss_rsae_sha256',
  'rsa_pkcs1_sha256',
] as const;
const common = { groups, signatureSchemes, ...COMMON } as const;

function certified(
  pki: Pki,
  role: 'client' | 'server',
  raw: boolean,
): { certificate: RecordedCertificate; sign: Peer['sign'] } {
  const other = role === 'client' ? 'server' : 'client';
  const key = loadPrivateKey(privateKeyFromBuffer(pki.bytes(`${role}.key`)), { provider: nodeProvider })!;
  const chain = raw
    ? loadRawPublicKeys(rawPublicKeyFromBuffer(pki.bytes(`${role}.pub`))).map(({ spki }) => spki)
    : loadCertificateChain(certificateChainFromBuffer(pki.bytes(`${role}-chain.pem`))).map(({ der }) => der);
  const [peer] = loadCertificateChain(certificateChainFromBuffer(pki.bytes(`${other}.pem`)));
  const peerPublicKey = toHex(parseCertificate(peer!.der).publicKey.spki);
  const algorithm = key.algorithm.name === 'rsa' ? 'rsa' : 'ec-p256';
  const credential = raw ? 'rawPublicKey' : 'certificate';
  return {
    certificate: { credential, algorithm, chain: chain.map(toHex), signature: '', peerPublicKey },
    sign: (job) => key.sign(job.scheme, job.message) as Uint8Array,
  };
}

async function withOpenssl(pkis: { ec: Pki; rsa: Pki }): Promise<Session[]> {
  const version = await versionOf('openssl', ['version'], /OpenSSL \S+/);
  const sessions: Session[] = [];
  for (const suite of Object.keys(OPENSSL_SUITES) as (keyof typeof OPENSSL_SUITES)[]) {
    const id = OPENSSL_SUITES[suite];
    const source = (role: string): string => `${version}, openssl ${role} -dtls1_2 -cipher ${suite}`;
    if (suite.includes('PSK')) {
      const open = { ...common, suite: id, psk: PSK, identity: IDENTITY };
      const client = { open: { ...open, source: source('s_server'), role: 'client' }, sign: noKey } as const;
      sessions.push(await asClient(client, await startOpensslServer({ suite, key: PSK }), SAYS));
      const server = { open: { ...open, source: source('s_client'), role: 'server' }, sign: noKey } as const;
      const start = (port: number): PeerProcess => startOpensslClient({ suite, key: PSK, port, identity: IDENTITY });
      sessions.push(await asServer(server, { start, says: SAYS, bye: 'Q' }));
      continue;
    }
    const pki = suite.includes('RSA') ? pkis.rsa : pkis.ec;
    const shown = (role: string): { certificate: string; key: string; chain: string; trusted: string } => ({
      certificate: pki.file(`${role}.pem`),
      key: pki.file(`${role}.key`),
      chain: pki.file('inter.pem'),
      trusted: pki.file('root.pem'),
    });
    for (const role of ['client', 'server'] as const) {
      const { certificate, sign } = certified(pki, role, false);
      const open: Open = {
        ...common,
        suite: id,
        role,
        certificate,
        source: source(role === 'client' ? 's_server' : 's_client'),
      };
      if (role === 'client') {
        const peer = await startOpensslCertificateServer({ suite, ...shown('server') });
        sessions.push(await asClient({ open, sign }, peer, SAYS));
      } else {
        const start = (port: number): PeerProcess => startOpensslCertificateClient({ suite, ...shown('client'), port });
        sessions.push(await asServer({ open, sign }, { start, says: SAYS, bye: 'Q' }));
      }
    }
  }
  return sessions;
}

async function withGnutls({ ec }: { ec: Pki }): Promise<Session[]> {
  const version = await versionOf('gnutls-serv', ['--version'], /\d+\.\d+\.\d+/);
  const sessions: Session[] = [];
  const suite = GNUTLS_SUITES.find(({ id }) => id === 0xc0ae)!;
  for (const role of ['client', 'server'] as const) {
    const { certificate, sign } = certified(ec, role, true);
    const other = role === 'client' ? 'server' : 'client';
    const flags = ['--rawpkkeyfile', ec.file(`${other}.key`), '--rawpkfile', ec.file(`${other}.pub`)];
    const source = `GnuTLS ${version}, ${role === 'client' ? 'gnutls-serv' : 'gnutls-cli'} with raw public keys`;
    const open: Open = { ...common, suite: suite.id, role, certificate, source };
    if (role === 'client') {
      sessions.push(
        await asClient({ open, sign }, await startGnutlsEcho({ suite, raw: true, flags: [...flags, '-r'] }), undefined),
      );
    } else {
      const start = (port: number): PeerProcess =>
        startGnutlsClient({ suite, raw: true, flags: [...flags, '--insecure'], port });
      sessions.push(await asServer({ open, sign }, { start, says: SAYS }));
    }
  }
  return sessions;
}

/** The one session of gnutls-sessions.json that our own answer to record_size_limit has changed. */
async function gnutlsWithoutSessionHash(): Promise<void> {
  const file = path.join(FIXTURES, 'gnutls-sessions.json');
  const known = JSON.parse(readFileSync(file, 'utf8')) as Session[];
  const at = known.findIndex(({ role }) => role === 'server');
  const { datagrams: _datagrams, keyLog: _keyLog, received: _received, from: _from, ...open } = known[at]!;
  const args = ['--pskusername', IDENTITY, '--pskkey', PSK];
  const suite = { keyExchange: 'PSK', cipher: 'AES-128-CCM-8', id: 0xc0a8, more: ':%NO_SESSION_HASH' } as const;
  const start = (port: number): PeerProcess => startGnutlsClient({ suite, flags: args, port });
  known[at] = await asServer({ open, sign: noKey }, { start, says: SAYS });
  writeFileSync(file, `${JSON.stringify(known, undefined, 2)}\n`);
}

async function main(): Promise<void> {
  const pkis = { ec: new Pki('ec'), rsa: new Pki('rsa') };
  try {
    const sessions = [...(await withOpenssl(pkis)), ...(await withGnutls(pkis))];
    writeFileSync(path.join(FIXTURES, 'suite-sessions.json'), `${JSON.stringify(sessions, undefined, 1)}\n`);
    await gnutlsWithoutSessionHash();
    console.log(`${sessions.length} sessions recorded`);
  } finally {
    pkis.ec.remove();
    pkis.rsa.remove();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
