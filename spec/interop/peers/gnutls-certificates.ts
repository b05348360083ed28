// GnuTLS' gnutls-serv and gnutls-cli over DTLS 1.2, with whatever credential: an echo server, and a client of lines.

import { PeerProcess, freeUdpPort, startPeer } from './process.ts';

export interface GnutlsSuite {
  /** GnuTLS' names. */
  readonly keyExchange: 'PSK' | 'ECDHE-PSK' | 'ECDHE-ECDSA' | 'ECDHE-RSA';
  readonly cipher: string;
  readonly id: number;
  /** Appended to the priority string. */
  readonly more?: string;
}

/** What GnuTLS 3.7 shares with us beside the two suites of gnutls.ts. */
export const GNUTLS_SUITES: readonly GnutlsSuite[] = [
  { keyExchange: 'PSK', cipher: 'AES-128-CCM', id: 0xc0a4 },
  { keyExchange: 'PSK', cipher: 'AES-256-CCM', id: 0xc0a5 },
  { keyExchange: 'PSK', cipher: 'AES-256-CCM-8', id: 0xc0a9 },
  { keyExchange: 'PSK', cipher: 'AES-256-GCM', id: 0x00a9 },
  { keyExchange: 'ECDHE-PSK', cipher: 'CHACHA20-POLY1305', id: 0xccac },
  { keyExchange: 'PSK', cipher: 'AES-128-CBC:-MAC-ALL:+SHA256', id: 0x00ae },
  { keyExchange: 'ECDHE-PSK', cipher: 'AES-128-CBC:-MAC-ALL:+SHA256', id: 0xc037 },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'AES-128-CCM-8', id: 0xc0ae },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'AES-128-CCM', id: 0xc0ac },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'AES-128-GCM', id: 0xc02b },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'AES-256-GCM', id: 0xc02c },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'CHACHA20-POLY1305', id: 0xcca9 },
  { keyExchange: 'ECDHE-ECDSA', cipher: 'AES-128-CBC:-MAC-ALL:+SHA256', id: 0xc023 },
  { keyExchange: 'ECDHE-RSA', cipher: 'AES-128-GCM', id: 0xc02f },
  { keyExchange: 'ECDHE-RSA', cipher: 'CHACHA20-POLY1305', id: 0xcca8 },
  { keyExchange: 'ECDHE-RSA', cipher: 'AES-128-CBC:-MAC-ALL:+SHA256', id: 0xc027 },
];

/** The suite alone, by GnuTLS' priority string. */
function priorityOf({ keyExchange, cipher, more = '' }: GnutlsSuite, raw: boolean): string {
  const types = raw ? '-CTYPE-ALL:+CTYPE-RAWPK' : '-CTYPE-ALL:+CTYPE-X509';
  return `NORMAL:-KX-ALL:+${keyExchange}:-CIPHER-ALL:+${cipher}:-VERS-ALL:+VERS-DTLS1.2:${types}${more}`;
}

export interface GnutlsOptions {
  readonly suite: GnutlsSuite;
  /** Raw public keys in place of X.509. */
  readonly raw?: boolean;
  /** Credentials and trust, as GnuTLS' own flags. */
  readonly flags: readonly string[];
}

/** Sends back every line. */
export async function startGnutlsEcho(options: GnutlsOptions): Promise<{ port: number; process: PeerProcess }> {
  const port = await freeUdpPort();
  const priority = priorityOf(options.suite, options.raw ?? false);
  const args = ['--udp', '-p', `${port}`, '--echo', '--priority', priority, ...options.flags];
  return { port, process: await startPeer('gnutls-serv', args, /listening on IPv4.*done/) };
}

/** Connects at once; lines on standard input are sent, what comes is printed. */
export function startGnutlsClient(options: GnutlsOptions & { readonly port: number }): PeerProcess {
  const priority = priorityOf(options.suite, options.raw ?? false);
  const args = ['--udp', '-p', `${options.port}`, '--priority', priority, ...options.flags, '127.0.0.1'];
  return new PeerProcess('gnutls-cli', args);
}
