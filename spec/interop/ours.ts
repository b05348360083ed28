// Our side of the interop specs: the native backend over UDP of this machine, and what a session says in lines.

import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import type {
  DatagramSocket,
  PskSecurity,
  PskServerSecurity,
  ServerConfiguration,
  SslConfiguration,
} from '../../lib/net/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { milliseconds, seconds, systemEnvironment } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import type { DtlsClientSocket } from '../../security-backends/native/socket.ts';
import type { DtlsServerSocket } from '../../security-backends/native/server-socket.ts';

export const environment = systemEnvironment();
export const backend = nativeDtls({ datagramSocket: (configuration, world) => udpSocket(configuration, world) });

/** Suites by OpenSSL's names. */
export const SUITES = { 'PSK-AES128-CCM8': 0xc0a8, 'PSK-AES128-GCM-SHA256': 0x00a8 } as const;

/** Quick retransmission: peers on loopback answer at once or not at all. */
export const QUICK = { handshakeTimeouts: { min: milliseconds(250), max: seconds(1) }, handshakeTries: 4 } as const;

export const psk = (identity: string, key: Uint8Array): PskSecurity => ({
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode(identity)),
  key: pskKeyFromBuffer(key),
});

export function clientSocket(
  identity: string,
  key: Uint8Array,
  more: Omit<Partial<SslConfiguration>, 'security'> = {},
): DtlsClientSocket {
  return backend.createSocket({ security: psk(identity, key), ...QUICK, ...more }, environment);
}

/** Listens on a free port of loopback and lets in who is in `keys`. */
export async function listening(
  keys: Readonly<Record<string, Uint8Array>>,
  more: Omit<ServerConfiguration, 'security'> & Pick<PskServerSecurity, 'unknownIdentity'> = {},
): Promise<{ readonly server: DtlsServerSocket; readonly port: number }> {
  const lookup = (identity: Uint8Array): ReturnType<typeof pskKeyFromBuffer> | undefined => {
    const key = keys[utf8Decode(identity)];
    return key === undefined ? undefined : pskKeyFromBuffer(key);
  };
  const { unknownIdentity, ...common } = more;
  const security = { mode: 'psk', lookup, unknownIdentity } as const;
  const server = backend.createServer({ security, ...QUICK, ...common }, environment);
  await server.bind('127.0.0.1', 0);
  return { server, port: server.local!.port };
}

export function sendText(socket: DatagramSocket, text: string): void {
  socket.send(utf8Encode(text));
}

/** The next message as text, or null at the session's end. */
export async function nextText(socket: DatagramSocket): Promise<string | null> {
  const bytes = await socket.next();
  return bytes === null ? null : utf8Decode(bytes);
}
