// Records sessions with OpenSSL and GnuTLS for the specs that play them back without these peers: one of each suite they
// share with us, with our randomness seeded. Run: `node --import tsx spec/interop/record-sessions.ts`

import { type Socket, createSocket } from 'node:dgram';
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
import type { DtlsJob, DtlsJobAnswer } from '../../security-backends/native/connection.ts';
import { type RecordedCertificate, Replayed, type Session } from '../security-backends/native/recorded-session.ts';
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

const FIXTURES = path.join(import.meta.dirname, '../security-backends/native/fixtures');
const PSK = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'Client_identity';
const MTU = 1_252; // of loopback's IPv4, as the peers are told

type Open = Omit<Session, 'datagrams' | 'keyLog' | 'received'>;

/** A session as it happens: keys sign, and what they signed is kept. */
class Live extends Replayed {
  readonly datagrams: { from: 'client' | 'server'; hex: string }[] = [];
  certificate: RecordedCertificate | undefined;
  readonly #open: Open;
  readonly #sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array;
  #flushed = 0;

  constructor(open: Open, sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array) {
    super({ ...open, datagrams: [], keyLog: '', received: '' }, nodeProvider);
    this.#open = open;
    this.#sign = sign;
    this.certificate = open.certificate;
  }

  flush(send: (datagram: Uint8Array) => void): void {
    for (const hex of this.sent.slice(this.#flushed)) {
      this.datagrams.push({ from: this.#open.role, hex });
      send(Buffer.from(hex, 'hex'));
    }
    this.#flushed = this.sent.length;
  }

  session(): Session {
    const certificate = this.certificate === undefined ? {} : { certificate: this.certificate };
    const { received, datagrams } = this;
    return { ...this.#open, ...certificate, keyLog: this.keyLog[0] ?? '', received, datagrams };
  }

  protected override answer(job: DtlsJob): DtlsJobAnswer {
    if (job.type !== 'sign' || this.certificate === undefined) return super.answer(job);
    const signature = this.#sign(job);
    this.certificate = { ...this.certificate, signature: toHex(signature) };
    return { signature };
  }
}

function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket)));
}

async function until(done: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 800; i++) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never: ${what()}`);
}

interface Peer {
  readonly open: Open;
  readonly sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array;
}

async function asClient(
  { open, sign }: Peer,
  server: { readonly port: number; readonly process: PeerProcess },
  says: string | undefined,
): Promise<Session> {
  const socket = await bound();
  const live = new Live(open, sign);
  const send = (datagram: Uint8Array): void => socket.send(datagram, server.port, '127.0.0.1');
  socket.on('message', (bytes) => {
    live.datagrams.push({ from: 'server', hex: toHex(bytes) });
    live.take(Uint8Array.from(bytes));
    live.flush(send);
    if (live.negotiated === undefined || says === undefined) return;
    server.process.writeLine(says);
    says = undefined;
  });
  live.flush(send);
  await until(
    () => live.state === 'closed',
    () => `${open.source}: ${live.state}\n${server.process.output}`,
  );
  socket.close();
  await server.process.stop();
  return live.session();
}

async function asServer({ open, sign }: Peer, start: (port: number) => PeerProcess, bye: string): Promise<Session> {
  const socket = await bound();
  const client = start(socket.address().port);
  let live: Live | undefined;
  let stage = 0;
  socket.on('message', (bytes, from) => {
    live ??= new Live({ ...open, from: { address: from.address, port: from.port } }, sign);
    live.datagrams.push({ from: 'client', hex: toHex(bytes) });
    live.take(Uint8Array.from(bytes));
    live.flush((datagram) => socket.send(datagram, from.port, from.address));
    if (live.negotiated !== undefined && stage === 0) {
      stage = 1;
      client.writeLine('hello from the peer');
    } else if (live.received !== '' && stage === 1) {
      stage = 2;
      if (bye === '') client.endInput();
      else client.writeLine(bye);
    }
  });
  await until(
    () => live?.state === 'closed',
    () => `${open.source}: ${live?.state}\n${client.output}`,
  );
  socket.close();
  await client.stop();
  return live!.session();
}

const groups = ['x25519', 'secp256r1', 'secp384r1'] as const;
const signatureSchemes = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ed25519',
  'rsa_pss_rsae_sha256',
  'rsa_pkcs1_sha256',
] as const;
const common = { groups, signatureSchemes, seed: 1, gateSeed: 2, mtu: MTU, sent: 'hello from us\n' } as const;

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

const noKey = (): Uint8Array => {
  throw new Error('a pre-shared key signs nothing');
};

async function withOpenssl(pkis: { ec: Pki; rsa: Pki }): Promise<Session[]> {
  const version = await versionOf('openssl', ['version'], /OpenSSL \S+/);
  const sessions: Session[] = [];
  for (const suite of Object.keys(OPENSSL_SUITES) as (keyof typeof OPENSSL_SUITES)[]) {
    const id = OPENSSL_SUITES[suite];
    const source = (role: string): string => `${version}, openssl ${role} -dtls1_2 -cipher ${suite}`;
    if (suite.includes('PSK')) {
      const open = { ...common, suite: id, psk: PSK, identity: IDENTITY };
      const client = { open: { ...open, source: source('s_server'), role: 'client' }, sign: noKey } as const;
      sessions.push(await asClient(client, await startOpensslServer({ suite, key: PSK }), 'hello from the peer'));
      const server = { open: { ...open, source: source('s_client'), role: 'server' }, sign: noKey } as const;
      const start = (port: number): PeerProcess => startOpensslClient({ suite, key: PSK, port, identity: IDENTITY });
      sessions.push(await asServer(server, start, 'Q'));
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
        sessions.push(await asClient({ open, sign }, peer, 'hello from the peer'));
      } else {
        const start = (port: number): PeerProcess => startOpensslCertificateClient({ suite, ...shown('client'), port });
        sessions.push(await asServer({ open, sign }, start, 'Q'));
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
      sessions.push(await asServer({ open, sign }, start, ''));
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
  known[at] = await asServer({ open, sign: noKey }, start, '');
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
