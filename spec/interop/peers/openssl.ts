// OpenSSL's s_server and s_client over DTLS 1.2 with a pre-shared key.

import { PeerProcess, freeUdpPort, startPeer } from './process.ts';

/** The suites this project has, by OpenSSL's names. */
export type OpensslSuite = 'PSK-AES128-CCM8' | 'PSK-AES128-GCM-SHA256';

export interface OpensslOptions {
  readonly suite: OpensslSuite;
  /** Hex. */
  readonly key: string;
  /** Bytes of the path's MTU as OpenSSL is told; small ones force fragments. */
  readonly mtu?: number;
  /** File for NSS key log lines. */
  readonly keyLogFile?: string;
}

export interface OpensslServer {
  readonly port: number;
  /** Prints what it receives; `writeLine` sends. Lines must not begin with one of s_server's command letters (Q, q, R, r, P, S, B). */
  readonly process: PeerProcess;
}

/**
 * Asks for a cookie always. `stateless`: keeps nothing before it comes back (`-listen`), and serves one peer only.
 * `reverse`: sends every line back, reversed, instead of printing it.
 */
export async function startOpensslServer(
  options: OpensslOptions & { readonly stateless?: boolean; readonly reverse?: boolean },
): Promise<OpensslServer> {
  const port = await freeUdpPort();
  const args = ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, '-nocert', ...common(options)];
  if (options.stateless === true) args.push('-listen');
  if (options.reverse === true) args.push('-rev');
  const process = await startPeer('openssl', args, /^ACCEPT$/m);
  return { port, process };
}

/** Connects at once. `waitFor(/Cipher\s*: /)` is the end of the handshake. */
export function startOpensslClient(
  options: OpensslOptions & { readonly port: number; readonly identity: string },
): PeerProcess {
  const args = ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${options.port}`, '-psk_identity', options.identity];
  return new PeerProcess('openssl', [...args, ...common(options)]);
}

function common(options: OpensslOptions): string[] {
  const args = ['-cipher', options.suite, '-psk', options.key];
  if (options.mtu !== undefined) args.push('-mtu', `${options.mtu}`);
  if (options.keyLogFile !== undefined) args.push('-keylogfile', options.keyLogFile);
  return args;
}
