// Scandium's DTLS 1.2 (Californium's, as Leshan brings it): an echo server, and a client of lines.

import { leshanClassPath } from './install.ts';
import { JAVA_OPTIONS } from './leshan.ts';
import { type PeerProcess, freeUdpPort, startPeer } from './process.ts';

const START_LIMIT_MS = 60_000;

export interface ScandiumOptions {
  /** The one suite, by its IANA name. */
  readonly suite: string;
  /** As the peer's own flags: see ScandiumPeer.java. */
  readonly credential: readonly string[];
  /** Bytes of the connection ids it gives out; 0: it takes ours. Default: it has none. */
  readonly connectionId?: number;
}

export async function startScandiumServer(options: ScandiumOptions): Promise<{ port: number; process: PeerProcess }> {
  const port = await freeUdpPort();
  return {
    port,
    process: await startPeer('java', await commandLine('server', port, options), /^ready$/m, START_LIMIT_MS),
  };
}

/** Shakes hands with the first line that it is to send; then prints `cipher SUITE of PEER` and what came back. */
export async function startScandiumClient(options: ScandiumOptions & { readonly port: number }): Promise<PeerProcess> {
  return startPeer('java', await commandLine('client', options.port, options), /^ready$/m, START_LIMIT_MS);
}

async function commandLine(role: 'server' | 'client', port: number, options: ScandiumOptions): Promise<string[]> {
  const classPath = ['-cp', await leshanClassPath(), 'ScandiumPeer'];
  const ids = options.connectionId === undefined ? [] : ['-cid', `${options.connectionId}`];
  return [
    ...JAVA_OPTIONS,
    ...classPath,
    '-r',
    role,
    '-p',
    `${port}`,
    '-s',
    options.suite,
    ...ids,
    ...options.credential,
  ];
}
