// CoAP over TCP and TLS of Java's implementations, Californium and java-coap: a server of a few resources, and a client of lines.

import { leshanClassPath } from './install.ts';
import { JAVA_OPTIONS } from './leshan.ts';
import { type PeerProcess, freeTcpPort, startPeer } from './process.ts';

const START_LIMIT_MS = 60_000;

/** The peer's class: both take the same arguments and lines, and print the same. */
const CLASSES = { Californium: 'CaliforniumStreamPeer', 'java-coap': 'JavaCoapStreamPeer' } as const;
export type JavaImplementation = keyof typeof CLASSES;

/** PEM files: TLS, certificates both ways. */
export interface PeerCredentials {
  readonly key: string;
  /** Leaf first. */
  readonly chain: string;
  /** What the other's certificate leads to. */
  readonly authority: string;
}

/** Has `/store` (GET, PUT), `/counter` (each line of input counts and notifies) and `/echo` (FETCH, iPATCH). */
export async function startJavaServer(
  implementation: JavaImplementation,
  credentials: PeerCredentials | undefined,
): Promise<{ port: number; process: PeerProcess }> {
  const port = await freeTcpPort();
  return { port, process: await start(implementation, 'server', port, credentials) };
}

/** Does what lines say: see CaliforniumStreamPeer.java. */
export function startJavaClient(
  implementation: JavaImplementation,
  port: number,
  credentials: PeerCredentials | undefined,
): Promise<PeerProcess> {
  return start(implementation, 'client', port, credentials);
}

async function start(
  implementation: JavaImplementation,
  role: 'server' | 'client',
  port: number,
  credentials: PeerCredentials | undefined,
): Promise<PeerProcess> {
  const secured =
    credentials === undefined
      ? []
      : ['-key', credentials.key, '-chain', credentials.chain, '-ca', credentials.authority];
  const peer = ['-cp', await leshanClassPath(), CLASSES[implementation], '-r', role, '-p', `${port}`, ...secured];
  return startPeer('java', [...JAVA_OPTIONS, ...peer], /^ready$/m, START_LIMIT_MS);
}
