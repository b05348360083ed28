// CoAP between two processes over loopback: the transports that are measured, and how. A further one needs a port of the
// peer and a way to connect.

import { fileURLToPath } from 'node:url';
import { utf8Encode } from '../../lib/bytes/index.ts';
import { type CoapConnection, TcpCoapConnection, UdpCoapConnection } from '../../lib/coap/index.ts';
import type { DatagramSocket, StreamSocket } from '../../lib/net/index.ts';
import { tcpSocket, udpSocket } from '../../lib/net/node/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { clientSocket, environment, psk } from '../interop/ours.ts';
import { type PeerProcess, startPeer } from '../interop/peers/process.ts';

const IDENTITY = 'bench';
const KEY = '0123456789abcdef';
const FAR = fileURLToPath(new URL('./coap-echo-peer.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));

/** One connection to the far process. */
export interface Opened {
  readonly connection: CoapConnection;
  close(): void;
}

export interface Transport {
  readonly name: string;
  /** @param port of the far process, in the order it prints them */
  open(port: number): Promise<Opened>;
}

export const WINDOW = 16;

/** In the order of the far process's ports. */
export const TRANSPORTS: readonly Transport[] = [
  { name: 'UDP', open: (port) => datagrams(udpSocket(), port) },
  { name: 'DTLS, AES_128_CCM_8', open: (port) => datagrams(clientSocket(IDENTITY, utf8Encode(KEY)), port) },
  { name: 'TCP', open: (port) => streams(tcpSocket(), port) },
  { name: 'TLS 1.3', open: (port) => streams(tlsSocket(), port) },
];

function tlsSocket(): StreamSocket {
  return nodeTls().createSocket({ security: psk(IDENTITY, utf8Encode(KEY)), alpn: ['coap'] }, environment);
}

async function streams(socket: StreamSocket, port: number): Promise<Opened> {
  await socket.connect('127.0.0.1', port);
  const connection = new TcpCoapConnection(socket, environment);
  await connection.introduced();
  return {
    connection,
    close: () => {
      connection.close();
      socket.close();
    },
  };
}

async function datagrams(socket: DatagramSocket, port: number): Promise<Opened> {
  await socket.connect('127.0.0.1', port);
  const connection = new UdpCoapConnection(socket, environment, { transmission: { nstart: WINDOW } });
  return {
    connection,
    close: () => {
      connection.close();
      socket.close();
    },
  };
}

/** Starts the far process; it serves streams of `bytes`. */
export async function startFar(
  bytes: number,
): Promise<{ readonly peer: PeerProcess; readonly ports: readonly number[] }> {
  const peer = await startPeer(process.execPath, ['--import', TSX, FAR, IDENTITY, KEY, `${bytes}`], /^ports( \d+)+$/m);
  const line = /^ports((?: \d+)+)$/m.exec(peer.output)!;
  return { peer, ports: line[1]!.trim().split(' ').map(Number) };
}

export interface RequestRate {
  readonly perSecond: number;
  /** Processor time that one took here, in microseconds: it says the same on a busy machine. */
  readonly microseconds: number;
}

/** Requests of 64 bytes there and back, `WINDOW` of them at once. */
export async function requestRate({ connection }: Opened, count: number): Promise<RequestRate> {
  const payload = new Uint8Array(64);
  let left = count;
  const ask = async (): Promise<void> => {
    while (left-- > 0) await connection.request({ method: 'POST', path: ['echo'], payload });
  };
  const start = process.hrtime.bigint();
  const usedBefore = process.cpuUsage();
  await Promise.all(Array.from({ length: WINDOW }, ask));
  const { user, system } = process.cpuUsage(usedBefore);
  return { perSecond: count / secondsSince(start), microseconds: (user + system) / count };
}

export interface Transfer {
  readonly megabytesPerSecond: number;
  /** Most memory that was held while it ran, beyond what was before, in MB: heap and buffers without garbage. */
  readonly heldMegabytes: number;
}

/** Fetches the far process's stream, and throws it away. */
export async function fetchLarge({ connection }: Opened, bytes: number): Promise<Transfer> {
  return transferred(bytes, async (sample) => {
    const { body } = await connection.requestStream({ method: 'GET', path: ['large'] });
    let got = 0;
    for await (const part of body) {
      got += part.length;
      sample(got);
    }
    if (got !== bytes) throw new Error(`${got} of ${bytes} bytes came`);
  });
}

/** Sends a stream that the far process throws away. */
export async function sendLarge({ connection }: Opened, bytes: number): Promise<Transfer> {
  const chunk = new Uint8Array(65_536);
  return transferred(bytes, async (sample) => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let left = bytes; left > 0; left -= chunk.length) {
        sample(bytes - left);
        yield chunk.subarray(0, left);
      }
    }
    const request = { method: 'PUT', path: ['large'], stream: chunks(), streamBytes: bytes } as const;
    const { payload } = await connection.request(request);
    const got = Number(new TextDecoder().decode(payload));
    if (got !== bytes) throw new Error(`${got} of ${bytes} bytes arrived`);
  });
}

const SAMPLES = 20;

// Twice: for the time, and for the memory, which needs collections in between.
async function transferred(bytes: number, run: (sample: (done: number) => void) => Promise<void>): Promise<Transfer> {
  const start = process.hrtime.bigint();
  await run(() => undefined);
  const seconds = secondsSince(start);
  const before = memoryInUse();
  let peak = before;
  let next = 0;
  await run((done) => {
    if (done < next) return;
    next += bytes / SAMPLES;
    peak = Math.max(peak, memoryInUse());
  });
  return { megabytesPerSecond: bytes / 1e6 / seconds, heldMegabytes: (peak - before) / 1e6 };
}

function memoryInUse(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function secondsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1e9;
}
