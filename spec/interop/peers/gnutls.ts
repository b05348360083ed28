// GnuTLS' gnutls-serv over DTLS 1.2 with a pre-shared key, as an echo server.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeerProcess, freeUdpPort, startPeer } from './process.ts';

export interface GnutlsServer {
  readonly port: number;
  readonly process: PeerProcess;
  stop(): Promise<void>;
}

/** `cipher` by GnuTLS' name, e.g. `AES-128-CCM-8`. It asks for cookies, and listens on every address: it has no choice. */
export async function startGnutlsServer(options: {
  readonly cipher: 'AES-128-CCM-8' | 'AES-128-GCM';
  readonly identity: string;
  /** Hex. */
  readonly key: string;
  /** More of gnutls-serv's flags. */
  readonly flags?: readonly string[];
}): Promise<GnutlsServer> {
  const directory = mkdtempSync(join(tmpdir(), 'lwm2m-gnutls-'));
  const passwords = join(directory, 'psk.txt');
  writeFileSync(passwords, `${options.identity}:${options.key}\n`, { mode: 0o600 });
  const port = await freeUdpPort();
  const priority = `NORMAL:-KX-ALL:+PSK:-CIPHER-ALL:+${options.cipher}:-VERS-ALL:+VERS-DTLS1.2`;
  const args = [
    '--udp',
    '-p',
    `${port}`,
    '--echo',
    '--pskpasswd',
    passwords,
    '--priority',
    priority,
    ...(options.flags ?? []),
  ];
  const process = await startPeer('gnutls-serv', args, /listening on IPv4.*done/);
  const stop = async (): Promise<void> => {
    await process.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  return { port, process, stop };
}
