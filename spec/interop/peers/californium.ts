// Californium's CoAP over TCP and TLS, by itself: a server of a few resources, and a client of lines.

import { leshanClassPath } from './install.ts';
import { JAVA_OPTIONS } from './leshan.ts';
import { type PeerProcess, freeTcpPort, startPeer } from './process.ts';

const START_LIMIT_MS = 60_000;

/** PEM files: TLS, certificates both ways. */
export interface CaliforniumCredentials {
  readonly key: string;
  /** Leaf first. */
  readonly chain: string;
  /** What the other's certificate leads to. */
  readonly authority: string;
}

/** Has `/store` (GET, PUT), `/counter` (each line of input counts and notifies) and `/echo` (FETCH, iPATCH). */
export async function startCaliforniumServer(
  credentials: CaliforniumCredentials | undefined,
): Promise<{ port: number; process: PeerProcess }> {
  const port = await freeTcpPort();
  return { port, process: await start('server', port, credentials) };
}

/** Does what lines say: see CaliforniumStreamPeer.java. */
export function startCaliforniumClient(
  port: number,
  credentials: CaliforniumCredentials | undefined,
): Promise<PeerProcess> {
  return start('client', port, credentials);
}

async function start(
  role: 'server' | 'client',
  port: number,
  credentials: CaliforniumCredentials | undefined,
): Promise<PeerProcess> {
  const secured =
    credentials === undefined
      ? []
      : ['-key', credentials.key, '-chain', credentials.chain, '-ca', credentials.authority];
  const peer = ['-cp', await leshanClassPath(), 'CaliforniumStreamPeer', '-r', role, '-p', `${port}`, ...secured];
  return startPeer('java', [...JAVA_OPTIONS, ...peer], /^ready$/m, START_LIMIT_MS);
}
