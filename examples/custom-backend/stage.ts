// What the chapters' programs share: servers of the native backend in this process, and a conversation with one.

import { readFileSync } from 'node:fs';
import {
  type SecurityConfiguration,
  type ServerConfiguration,
  type SslConfiguration,
  certificateChainFromBuffer,
  fromHex,
  nodeBackends,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  systemEnvironment,
  udpSocket,
  utf8Decode,
  utf8Encode,
} from '../../lib/index.ts';
import type { DatagramSocket, SecurityBackend } from '../../lib/net/index.ts';
import { securities } from '../security-object/servers.ts';
import { credential, visit } from '../security-object/visit.ts';
import type { BackendOptions } from './1-stub.ts';

export const environment = systemEnvironment();
export const HOST = '127.0.0.1';

const bytes = (name: string): Uint8Array => readFileSync(credential(name));

export const PSK: SecurityConfiguration = {
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode('sensor-1')),
  key: pskKeyFromBuffer(fromHex(utf8Decode(bytes('psk.hex')).trim())),
};

/** The device's certificate; the server's must lead to `anchors`. */
export function certificate(
  anchors: 'ca.pem' | 'stranger.pem',
): Extract<SecurityConfiguration, { mode: 'certificate' }> {
  return {
    mode: 'certificate',
    trustAnchors: certificateChainFromBuffer(bytes(anchors)),
    clientChain: certificateChainFromBuffer(bytes('device.pem')),
    clientKey: privateKeyFromBuffer(bytes('device.key')),
  };
}

/** A server that sends every message back. */
export async function echoServer(
  kind: 'psk' | 'certificate',
  configuration: Partial<ServerConfiguration> = {},
): Promise<{ readonly port: number; close(): void }> {
  const server = nodeBackends().dtls.createServer({ security: securities()[kind], ...configuration }, environment);
  await server.bind(HOST, 0);
  void serve(server);
  return { port: server.local!.port, close: () => server.close() };
}

async function serve(server: DatagramSocket): Promise<void> {
  try {
    for (;;) {
      const session = await server.accept();
      session.handler = {
        readable: () => {
          do {
            const heard = session.receive();
            if (heard !== undefined) session.send(heard);
          } while (session.getOption('hasBufferedData'));
        },
        writable: () => undefined,
        closed: () => undefined,
      };
    }
  } catch {
    return; // closed
  }
}

/** Connects, says hello and hears it; tells what `look` sees of the connected socket, or why there was none. */
export async function converse(
  backend: SecurityBackend<DatagramSocket>,
  port: number,
  configuration: SslConfiguration,
  look: (socket: DatagramSocket) => string = () => '',
): Promise<string> {
  await using socket = backend.createSocket(configuration, environment);
  try {
    await socket.connect(HOST, port);
    const seen = look(socket);
    socket.send(utf8Encode('hello'));
    const heard = await socket.next();
    return `heard "${utf8Decode(heard ?? new Uint8Array(0))}"${seen === '' ? '' : `, ${seen}`}`;
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message.split(',')[0] : String(error)}`;
  }
}

/** Registers a device at a server of this process, by the backend of a chapter. */
export async function register(
  title: string,
  make: (options: BackendOptions) => SecurityBackend<DatagramSocket>,
  uri: string,
  security: SecurityConfiguration,
): Promise<void> {
  const dtls = make({ datagramSocket: udpSocket });
  await visit(title, { uri, security }, { udp: udpSocket, dtls });
}
