// OpenSSL's s_server and s_client over DTLS 1.2 with a pre-shared key.

import { PeerProcess, freeUdpPort, startPeer } from './process.ts';

/** The suites this project has, by OpenSSL's names. */
export type OpensslSuite = 'PSK-AES128-CCM8' | 'PSK-AES128-GCM-SHA256';

/** Every suite OpenSSL 3.0 shares with us, by its name. */
export const OPENSSL_SUITES = {
  'PSK-AES128-CCM': 0xc0a4,
  'PSK-AES256-GCM-SHA384': 0x00a9,
  'PSK-AES256-CCM': 0xc0a5,
  'PSK-AES256-CCM8': 0xc0a9,
  'ECDHE-PSK-CHACHA20-POLY1305': 0xccac,
  'PSK-AES128-CBC-SHA256': 0x00ae,
  'ECDHE-PSK-AES128-CBC-SHA256': 0xc037,
  'ECDHE-ECDSA-AES128-CCM8': 0xc0ae,
  'ECDHE-ECDSA-AES128-CCM': 0xc0ac,
  'ECDHE-ECDSA-AES128-GCM-SHA256': 0xc02b,
  'ECDHE-ECDSA-AES256-GCM-SHA384': 0xc02c,
  'ECDHE-ECDSA-CHACHA20-POLY1305': 0xcca9,
  'ECDHE-ECDSA-AES128-SHA256': 0xc023,
  'ECDHE-RSA-AES128-GCM-SHA256': 0xc02f,
  'ECDHE-RSA-CHACHA20-POLY1305': 0xcca8,
  'ECDHE-RSA-AES128-SHA256': 0xc027,
} as const;

export interface OpensslOptions {
  readonly suite: OpensslSuite | keyof typeof OPENSSL_SUITES;
  /** Hex. */
  readonly key: string;
  /** Bytes of the path's MTU as OpenSSL is told; small ones force fragments. */
  readonly mtu?: number;
  /** File for NSS key log lines. */
  readonly keyLogFile?: string;
  /** More of OpenSSL's own flags. */
  readonly flags?: readonly string[];
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
  return [...args, ...(options.flags ?? [])];
}

/** What either side shows and trusts, as files. */
export interface OpensslCertificates {
  /** By OpenSSL's name. */
  readonly suite: string;
  /** Shown: the leaf. */
  readonly certificate?: string;
  readonly key?: string;
  /** Sent along. */
  readonly chain?: string;
  /** Trusted. The server then requires a certificate of the client; the client refuses others (`-verify_return_error`). */
  readonly trusted?: string;
  /** More of OpenSSL's own flags. */
  readonly flags?: readonly string[];
}

/** s_server with certificates over DTLS 1.2. */
export async function startOpensslCertificateServer(options: OpensslCertificates): Promise<OpensslServer> {
  const port = await freeUdpPort();
  const args = ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, ...certificateArguments(options)];
  if (options.trusted !== undefined) args.push('-Verify', '4');
  const process = await startPeer('openssl', args, /^ACCEPT$/m);
  return { port, process };
}

/** s_client with certificates over DTLS 1.2. Connects at once. */
export function startOpensslCertificateClient(options: OpensslCertificates & { readonly port: number }): PeerProcess {
  const args = ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${options.port}`, ...certificateArguments(options)];
  return new PeerProcess('openssl', args);
}

function certificateArguments({ suite, certificate, key, chain, trusted, flags }: OpensslCertificates): string[] {
  const args = ['-cipher', suite];
  if (certificate !== undefined) args.push('-cert', certificate);
  if (key !== undefined) args.push('-key', key);
  if (chain !== undefined) args.push('-cert_chain', chain);
  if (trusted !== undefined) args.push('-CAfile', trusted, '-verify_return_error');
  return [...args, ...(flags ?? [])];
}
