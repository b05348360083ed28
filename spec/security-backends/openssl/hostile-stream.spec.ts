// What a server of TLS may do to the OpenSSL backend with what it does not read.

import assert from 'node:assert/strict';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import { SocketError, type StreamSocket } from '../../../lib/net/index.ts';
import { tcpSocket } from '../../../lib/net/node/index.ts';
import { seconds, systemEnvironment } from '../../../lib/runtime/index.ts';
import { SslConnection } from '../../../security-backends/openssl/connection.ts';
import { opensslTls } from '../../../security-backends/openssl/index.ts';
import { loadOpenSsl } from '../../../security-backends/openssl/library.ts';
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

describeOpenSsl('OpenSSL: to a server that shows another chain', () => {
  it('has the verdict on the first for the first alone', () => {
    const connection = new SslConnection(loadOpenSsl(), {
      transport: 'stream',
      versions: ['TLS1.3'],
      native: {
        cipherList: '',
        ciphersuites: 'TLS_AES_128_GCM_SHA256',
        groups: 'P-256',
        signatureAlgorithms: 'ecdsa_secp256r1_sha256',
      },
      credential: { mode: 'certificate', preSharedKey: () => undefined, showCertificate: () => undefined },
      serverName: undefined,
      alpn: [],
      maxFragmentLength: undefined,
      timeouts: { min: seconds(1), max: seconds(60) },
      mtu: 0,
      keyLog: false,
      resumption: undefined,
    });
    const chain = (...bytes: readonly number[]): readonly Uint8Array[] => bytes.map((byte) => Uint8Array.of(byte));
    assert.equal(connection.judge(chain(1, 2)), 'later');
    connection.giveVerdict('accepted');
    assert.equal(connection.judge(chain(1, 2)), 'accepted');
    for (const other of [chain(1), chain(1, 3), chain(2, 1), chain(1, 2, 3), chain()]) {
      assert.equal(connection.judge(other), 'later');
    }
    connection.free();
  });
});
