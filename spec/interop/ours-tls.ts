// Our side over TLS in the interop specs: node-tls on loopback, with what is needed to talk lines.

import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { nodeKeyDecryption } from '../../lib/crypto/node/index.ts';
import { type PskKeyInfo, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import {
  type PskServerSecurity,
  type Security,
  type ServerConfiguration,
  type ServerSecurity,
  SocketError,
  type SslConfiguration,
  type StreamSocket,
} from '../../lib/net/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';

export const ADDRESS = '127.0.0.1';
export const PSK = { identity: 'Client_identity', key: '000102030405060708090a0b0c0d0e0f' } as const;

export const PSK_CLIENT: Security = {
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode(PSK.identity)),
  key: pskKeyFromBuffer(fromHex(PSK.key)),
};

export const PSK_SERVER: PskServerSecurity = {
  mode: 'psk',
  lookup: (identity): PskKeyInfo | undefined =>
    new TextDecoder().decode(identity) === PSK.identity ? pskKeyFromBuffer(fromHex(PSK.key)) : undefined,
};

const environment = systemEnvironment();
const backend = nodeTls({ keyDecryption: nodeKeyDecryption });

export function client(security: Security, more: Partial<SslConfiguration> = {}): StreamSocket {
  return backend.createSocket({ security, ...more }, environment);
}

/** Bound, on the port given or any. */
export async function server(
  security: ServerSecurity,
  more: Partial<ServerConfiguration> = {},
  port = 0,
): Promise<StreamSocket> {
  const socket = backend.createServer({ security, ...more }, environment);
  await socket.bind(ADDRESS, port);
  return socket;
}

/** Sends a line, and hears a whole one. @throws SocketError EOF if there is none */
export async function talk(socket: StreamSocket, line: string): Promise<string> {
  socket.send(utf8Encode(`${line}\n`));
  return heardLine(socket);
}

export async function heardLine(socket: StreamSocket): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) {
    const bytes = await socket.next();
    if (bytes === null) throw new SocketError('EOF', `the stream ended after '${text}'`);
    text += new TextDecoder().decode(bytes);
  }
  return text.trimEnd();
}

/** Why a client does not get in; an EBADF tells its cause. */
export async function refusal(socket: StreamSocket, port: number): Promise<SocketError> {
  try {
    await socket.connect(ADDRESS, port);
    await talk(socket, 'let me in');
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return error.code === 'EBADF' && error.cause instanceof SocketError ? error.cause : error;
  } finally {
    socket.close();
  }
  throw new Error('it got in');
}
