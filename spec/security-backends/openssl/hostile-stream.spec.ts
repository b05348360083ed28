// What a server of TLS may do to the OpenSSL backend with what it does not read.

import assert from 'node:assert/strict';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import { SocketError, type StreamSocket } from '../../../lib/net/index.ts';
import { tcpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { opensslTls } from '../../../security-backends/openssl/index.ts';
import { FloodingServer, secretsOf } from '../hello-requests.ts';
import { describeOpenSsl } from './available.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);
const MOST = 16_384;

/** TCP that takes nothing once it is told so. */
function blockable(): { readonly socket: StreamSocket; block(): void } {
  const socket = tcpSocket();
  const send = socket.send.bind(socket);
  let isBlocked = false;
  socket.send = (bytes) => {
    if (isBlocked) throw new SocketError('EAGAIN', 'full', { fatal: false });
    send(bytes);
  };
  return { socket, block: () => void (isBlocked = true) };
}

describeOpenSsl('OpenSSL: to a server that does not read', () => {
  it('is held back when it asks for renegotiations without end: the refusals that wait are bounded', async () => {
    const server = new FloodingServer(KEY);
    const port = await server.listen();
    const lower = blockable();
    let secrets: ReturnType<typeof secretsOf>;
    const client = opensslTls({ streamSocket: () => lower.socket }).createSocket(
      {
        security: { mode: 'psk', identity: pskIdentityFromBuffer(Uint8Array.of(65)), key: pskKeyFromBuffer(KEY) },
        versions: ['TLS1.2'],
        ciphersuites: [0x00a8],
        socket: { maxBufferedBytes: MOST },
        dangerKeyLog: (line) => void (secrets = secretsOf(line) ?? secrets),
      },
      systemEnvironment(),
    );
    await client.connect('127.0.0.1', port);
    lower.block();
    server.flood(secrets, 50_000);
    for (let seen = -1n, same = 0; same < 100; same++) {
      await new Promise((resolve) => setImmediate(resolve));
      const received = client.getOption('bytesReceived');
      if (received !== seen) same = 0;
      seen = received;
    }
    const received = Number(client.getOption('bytesReceived'));
    assert.ok(received < 3 * MOST + 65_536, `${received} bytes were taken in of 1,650,000`);
    assert.equal(client.getOption('state'), 'connected');
    client.close();
    server.close();
  });
});
