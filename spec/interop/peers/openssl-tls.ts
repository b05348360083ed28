// OpenSSL's s_server and s_client over TLS 1.2 and 1.3, with a pre-shared key or certificates.

import type { SecurityVersion } from '../../../lib/net/index.ts';
import { PeerProcess, freeTcpPort, startPeer } from './process.ts';

export interface OpensslTls {
  readonly version: SecurityVersion;
  /** By OpenSSL's name; default: all of its own, with a pre-shared key in TLS 1.2 PSK-AES128-GCM-SHA256. */
  readonly suite?: string | undefined;
  /** With it, a pre-shared key. */
  readonly psk?: { readonly identity: string; readonly key: string } | undefined;
  /** Files of what is shown: the leaf, its key, and what is sent along. */
  readonly own?: { readonly certificate: string; readonly key: string; readonly chain?: string } | undefined;
  /** File of what is trusted. A server then requires a certificate. */
  readonly trusted?: string | undefined;
  /** More of OpenSSL's own flags. */
  readonly flags?: readonly string[] | undefined;
}

/** `reverse` (default): sends every line back, reversed. On the port given, or a free one. */
export async function startTlsServer(
  options: OpensslTls & { readonly port?: number | undefined; readonly reverse?: boolean },
): Promise<{ readonly port: number; readonly process: PeerProcess }> {
  const port = options.port ?? (await freeTcpPort());
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...common(options)];
  if (options.reverse !== false) args.push('-rev');
  if (options.own === undefined) args.push('-nocert');
  if (options.trusted !== undefined) args.push('-Verify', '4');
  const process = await startPeer('openssl', args, /^ACCEPT$/m);
  return { port, process };
}

/** Connects at once. What is written to it is sent. */
export function startTlsClient(options: OpensslTls & { readonly port: number; readonly cwd?: string }): PeerProcess {
  const args = ['s_client', '-connect', `127.0.0.1:${options.port}`, ...common(options)];
  return new PeerProcess('openssl', args, { cwd: options.cwd });
}

function common({ version, suite, psk, own, trusted, flags }: OpensslTls): string[] {
  const args = [version === 'TLS1.2' ? '-tls1_2' : '-tls1_3'];
  const chosen = suite ?? (psk !== undefined && version === 'TLS1.2' ? 'PSK-AES128-GCM-SHA256' : undefined);
  if (chosen !== undefined) args.push(version === 'TLS1.2' ? '-cipher' : '-ciphersuites', chosen);
  else if (psk !== undefined) args.push('-ciphersuites', 'TLS_AES_128_GCM_SHA256');
  if (psk !== undefined) args.push('-psk_identity', psk.identity, '-psk', psk.key);
  if (own !== undefined) {
    args.push('-cert', own.certificate, '-key', own.key);
    if (own.chain !== undefined) args.push('-cert_chain', own.chain);
  }
  if (trusted !== undefined) args.push('-CAfile', trusted, '-verify_return_error');
  return [...args, ...(flags ?? [])];
}
