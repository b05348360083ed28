// PSK handshakes against `openssl s_server` (AES_128_CCM_8, with a cookie): ours beside node-dtls-client's, in one run.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fromHex } from '../../lib/bytes/index.ts';
import { clientSocket } from '../interop/ours.ts';
import { startOpensslServer } from '../interop/peers/openssl.ts';
import type { BenchResult } from './bench.ts';
import { type Handshake, measure, rows } from './handshakes.ts';
import { npmPeer } from './npm-peer.ts';

const PEER = 'node-dtls-client';
const PEER_VERSION = '2.0.3';

const IDENTITY = 'Client_identity';
const KEY = '000102030405060708090a0b0c0d0e0f';
const SUITE = 0xc0a8;
const HANDSHAKES = 100;

/** As much of node-dtls-client as is used here. */
interface PeerModule {
  readonly dtls: {
    createSocket(options: object): {
      once(event: 'connected' | 'close', heard: () => void): unknown;
      once(event: 'error', heard: (error: Error) => void): unknown;
      close(): void;
    };
  };
}

async function ours(port: number): Promise<void> {
  const socket = clientSocket(IDENTITY, fromHex(KEY), { ciphersuites: [SUITE], handshakeTimeouts: undefined });
  await socket.connect('127.0.0.1', port);
  await socket.shutdown();
  socket.close();
}

async function peerHandshake(): Promise<Handshake> {
  const folder = npmPeer(PEER, PEER_VERSION);
  const { dtls } = (await import(pathToFileURL(path.join(folder, 'build/dtls.js')).href)) as PeerModule;
  const options = { type: 'udp4', address: '127.0.0.1', ciphers: ['TLS_PSK_WITH_AES_128_CCM_8'] };
  return (port) =>
    new Promise((resolve, reject) => {
      const psk = { [IDENTITY]: Buffer.from(fromHex(KEY)) };
      const socket = dtls.createSocket({ ...options, port, psk });
      socket.once('error', reject);
      socket.once('close', resolve);
      socket.once('connected', () => socket.close());
    });
}

const startServer = () => startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });

/** Needs `openssl`; the peer's rows are left out, with a line that says why, if it is not to be had. */
export async function run(): Promise<readonly BenchResult[]> {
  const peer = await peerHandshake().catch((error: Error) => {
    console.error(`not run: ${PEER} (${error.message})`);
    return undefined;
  });
  if (peer === undefined) return rows('this project', (await measure(startServer, [ours], HANDSHAKES))[0]!);
  const [mine, theirs] = await measure(startServer, [ours, peer], HANDSHAKES);
  const name = `${PEER} ${PEER_VERSION}`;
  return [...rows(name, theirs!), ...rows('this project', mine!, name)];
}
