// ECDHE-ECDSA handshakes with a client certificate against `openssl s_server` (AES_128_GCM, with a cookie): ours beside
// werift-dtls', in one run. werift judges no certificate: ours is measured with and without.

import { createSocket } from 'node:dgram';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { certificateChainFromBuffer } from '../../lib/crypto/index.ts';
import type { CertificateSecurity } from '../../lib/net/index.ts';
import { backend, environment } from '../interop/ours.ts';
import { clientSecurity } from '../interop/ours-certificates.ts';
import { startOpensslCertificateServer } from '../interop/peers/openssl.ts';
import { Pki } from '../interop/peers/pki.ts';
import type { BenchResult } from './bench.ts';
import { type Handshake, type StartServer, measure, rows } from './handshakes.ts';
import { npmPeer } from './npm-peer.ts';

const PEER = 'werift-dtls';
const PEER_VERSION = '0.5.8';
const SUITE = 0xc02b;
const OPENSSL_SUITE = 'ECDHE-ECDSA-AES128-GCM-SHA256';
const HANDSHAKES = 40;
const ALERT = 21; // ContentType, RFC 5246 §6.2.1
const CLOSE_NOTIFY = Uint8Array.of(1, 0);
const SHA256_WITH_ECDSA = { hash: 4, signature: 3 }; // RFC 5246 §7.4.1.4.1

/** As much of werift-dtls as is used here. */
interface WeriftClient {
  readonly onConnect: { subscribe(heard: () => void): unknown };
  readonly onError: { subscribe(heard: (error: Error) => void): unknown };
  readonly dtls: { recordSequenceNumber: number };
  readonly cipher: { encryptPacket(packet: unknown): { serialize(): Uint8Array } };
  connect(): Promise<void>;
}
interface WeriftModule {
  readonly DtlsClient: new (options: object) => WeriftClient;
}
interface WeriftRecords {
  createPlaintext(dtls: unknown): (records: readonly object[], sequence: number) => readonly unknown[];
}

/** Shows the leaf alone, as werift does. */
function ours(pki: Pki, more: Partial<CertificateSecurity>): Handshake {
  const clientChain = certificateChainFromBuffer(pki.bytes('client.pem'));
  const security = { ...clientSecurity(pki, 'client'), clientChain, ...more };
  return async (port) => {
    const socket = backend.createSocket({ security, ciphersuites: [SUITE] }, environment);
    await socket.connect('127.0.0.1', port);
    await socket.shutdown();
    socket.close();
  };
}

async function peerHandshake(pki: Pki): Promise<Handshake> {
  const source = path.join(npmPeer(PEER, PEER_VERSION), 'lib/dtls/src');
  const module = async <T>(file: string): Promise<T> =>
    (await import(pathToFileURL(path.join(source, file)).href)) as T;
  const { DtlsClient } = await module<WeriftModule>('client.js');
  const records = await module<WeriftRecords>('record/builder.js');
  const [cert, key] = [pki.text('client.pem'), pki.text('client.key')];
  const common = { cert, key, signatureHash: SHA256_WITH_ECDSA, certificateRequest: true, extendedMasterSecret: true };
  return async (port) => {
    const socket = createSocket('udp4');
    const transport = {
      type: 'udp',
      onData: (_data: Uint8Array): void => undefined,
      send: async (data: Uint8Array): Promise<void> => socket.send(data),
      close: async (): Promise<void> => void socket.close(),
    };
    socket.on('message', (data) => transport.onData(data));
    await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve));
    const client = new DtlsClient({ ...common, transport });
    await new Promise<void>((resolve, reject) => {
      client.onConnect.subscribe(resolve);
      client.onError.subscribe(reject);
      client.connect().catch(reject);
    });
    // It has no close_notify of its own, and s_server takes nobody else before one.
    const plain = [{ type: ALERT, fragment: Buffer.from(CLOSE_NOTIFY) }];
    const [packet] = records.createPlaintext(client.dtls)(plain, ++client.dtls.recordSequenceNumber);
    const last = client.cipher.encryptPacket(packet).serialize();
    await new Promise<void>((resolve) => socket.send(last, () => socket.close(() => resolve())));
  };
}

/** Needs `openssl`; the peer's rows are left out, with a line that says why, if it is not to be had or driven. */
export async function run(): Promise<readonly BenchResult[]> {
  const pki = new Pki('ec');
  try {
    return await compare(pki);
  } finally {
    pki.remove();
  }
}

async function compare(pki: Pki): Promise<readonly BenchResult[]> {
  const [certificate, key, chain] = [pki.file('server.pem'), pki.file('server.key'), pki.file('inter.pem')];
  const trusted = pki.file('authorities.pem');
  const start: StartServer = () =>
    startOpensslCertificateServer({ suite: OPENSSL_SUITE, certificate, key, chain, trusted });
  const mine = [ours(pki, {}), ours(pki, { dangerSkipPeerValidation: true })];
  const peer = await drivable(start, pki).catch((error: Error) => {
    console.error(`not run: ${PEER} (${error.message})`);
    return undefined;
  });
  const costs = await measure(start, peer === undefined ? mine : [...mine, peer], HANDSHAKES);
  const name = peer === undefined ? undefined : `${PEER} ${PEER_VERSION}`;
  const [judging, trusting, theirs] = costs;
  return [
    ...(theirs === undefined ? [] : rows(name!, theirs)),
    ...rows('this project', judging!, name),
    ...rows("this project, the server's chain not judged", trusting!, name),
  ];
}

async function drivable(start: StartServer, pki: Pki): Promise<Handshake> {
  const handshake = await peerHandshake(pki);
  const server = await start();
  try {
    await handshake(server.port);
    return handshake;
  } finally {
    await server.process.stop();
  }
}
