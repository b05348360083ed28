// Our DTLS against OpenSSL's: client against s_server, s_client against our server, in both suites.

import assert from 'node:assert/strict';
import { fromHex } from '../../lib/bytes/index.ts';
import { SocketError } from '../../lib/net/index.ts';
import { SUITES, clientSocket, listening, nextText, sendText } from './ours.ts';
import { type OpensslSuite, startOpensslClient, startOpensslServer } from './peers/openssl.ts';
import { needs, smoke } from './peers/peer.ts';
import { UdpRelay } from './peers/relay.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const OTHER_KEY = 'ff0102030405060708090a0b0c0d0e0f';
const IDENTITY = 'Client_identity';
const UDP_AND_IP_BYTES = 28;
const HELLO_VERIFY_REQUEST = 3;
const suites = Object.keys(SUITES) as OpensslSuite[];

describe('DTLS beside OpenSSL', () => {
  needs('openssl');

  for (const suite of suites) {
    describe(suite, () => {
      it('our client: handshake, lines both ways, close_notify', () => ourClient({ suite }));
      it('our client at a server that keeps no state before the cookie (-listen)', () =>
        ourClient({ suite, stateless: true }));
      it('our client with -mtu 256 on both sides', () => ourClient({ suite, stateless: true, mtu: 256 }));
      it('our server: handshake, lines both ways, close_notify', () => ourServer({ suite }));
      it('our server with -mtu 256 on both sides', () => ourServer({ suite, mtu: 256 }));
    });
  }

  it('a ClientKeyExchange of 128 bytes of identity leaves in fragments that fit, and OpenSSL puts them together', async () => {
    const mtu = 160;
    const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
    const relay = await UdpRelay.start({ target: server.port });
    const socket = clientSocket('i'.repeat(128), fromHex(KEY), { socket: { mtu } });
    try {
      await socket.connect('127.0.0.1', relay.port);
      const sent = relay.passed.filter(({ direction }) => direction === 'toServer');
      assert.ok(sent.some(({ bytes }) => isLaterFragment(bytes)));
      for (const { bytes } of sent) assert.ok(bytes.length <= mtu - UDP_AND_IP_BYTES, `${bytes.length} bytes`);
    } finally {
      socket.close();
      relay.close();
      await server.process.stop();
    }
  });

  it('a wrong key ends in a named error, not in silence', async () => {
    const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: OTHER_KEY });
    const socket = clientSocket(IDENTITY, fromHex(KEY), { handshakeTries: 2 });
    try {
      await assert.rejects(socket.connect('127.0.0.1', server.port), (error: unknown) => {
        assert.ok(error instanceof SocketError);
        assert.equal(error.code, 'ETIMEDOUT');
        assert.match(error.message, /Finished.*wrong key/);
        return true;
      });
      assert.equal(socket.getOption('state'), 'closed');
    } finally {
      socket.close();
      await server.process.stop();
    }
  });

  it('s_client with an identity that nobody knows is told so, where our server reveals it', async () => {
    const { server, port } = await listening({ known: fromHex(KEY) }, { unknownIdentity: 'alert' });
    const client = startOpensslClient({ suite: 'PSK-AES128-CCM8', key: KEY, port, identity: 'unknown' });
    try {
      await client.waitFor(/alert|error|no peer certificate/i);
      assert.equal(server.counters?.sessionsEstablished, 0);
    } finally {
      server.close();
      await client.stop();
    }
  });

  if (smoke) return;

  for (const suite of suites) {
    it(`${suite}: loses every third datagram of the handshake, doubles every fourth, and still completes`, async () => {
      const server = await startOpensslServer({ suite, key: KEY, stateless: true });
      let count = 0;
      const relay = await UdpRelay.start({
        target: server.port,
        hazard: ({ bytes }) => {
          count++;
          if (count % 3 === 0) return [];
          return count % 4 === 0 ? [bytes, bytes] : [bytes];
        },
      });
      const socket = clientSocket(IDENTITY, fromHex(KEY), { handshakeTries: 12 });
      try {
        await socket.connect('127.0.0.1', relay.port);
        assert.equal(socket.getOption('negotiated')?.ciphersuite, SUITES[suite]);
      } finally {
        socket.close();
        relay.close();
        await server.process.stop();
      }
    });
  }

  it('garbage, replays and flipped bits in a running session reach nobody', async () => {
    const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
    const relay = await UdpRelay.start({
      target: server.port,
      hazard: ({ bytes, direction }) => {
        if (direction === 'toServer' || bytes[0] !== 23) return [bytes];
        const flipped = Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
        return [flipped, bytes.subarray(0, bytes.length - 3), Uint8Array.of(23), bytes, bytes, flipped];
      },
    });
    const socket = clientSocket(IDENTITY, fromHex(KEY));
    try {
      await socket.connect('127.0.0.1', relay.port);
      for (const line of ['first', 'second', 'third']) {
        server.process.writeLine(line);
        assert.equal(await nextText(socket), `${line}\n`);
      }
      assert.equal(socket.getOption('hasBufferedData'), false);
    } finally {
      socket.close();
      relay.close();
      await server.process.stop();
    }
  });
});

/** Whether a datagram holds a handshake fragment (RFC 6347 §4.2.2) that does not begin its message. */
function isLaterFragment(datagram: Uint8Array): boolean {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  return datagram[0] === 22 && view.getUint16(3) === 0 && (view.getUint32(18) & 0xffffff) > 0;
}

interface Case {
  readonly suite: OpensslSuite;
  readonly stateless?: boolean;
  readonly mtu?: number;
}

async function ourClient({ suite, stateless = false, mtu }: Case): Promise<void> {
  const given = mtu === undefined ? {} : { mtu };
  const server = await startOpensslServer({ suite, key: KEY, stateless, ...given });
  const relay = await UdpRelay.start({ target: server.port });
  const socket = clientSocket(IDENTITY, fromHex(KEY), { ciphersuites: [SUITES[suite]], socket: given });
  try {
    await socket.connect('127.0.0.1', relay.port);
    const cookiesSeen = relay.passed.filter(({ bytes }) => bytes[0] === 22 && bytes[13] === HELLO_VERIFY_REQUEST);
    assert.equal(cookiesSeen.length, 1); // s_server asks for a cookie always; with -listen it keeps no state for it
    if (mtu !== undefined) assert.ok(relay.passed.every(({ bytes }) => bytes.length <= mtu - UDP_AND_IP_BYTES));
    const negotiated = socket.getOption('negotiated');
    assert.equal(negotiated?.ciphersuite, SUITES[suite]);
    assert.equal(negotiated.extendedMasterSecret, true);
    sendText(socket, 'from our client\n');
    await server.process.waitFor(/^from our client$/m);
    server.process.writeLine('hello from openssl');
    assert.equal(await nextText(socket), 'hello from openssl\n');
    await socket.shutdown();
    socket.close();
    await server.process.waitFor(/^DONE$/m);
  } finally {
    socket.close();
    relay.close();
    await server.process.stop();
  }
}

async function ourServer({ suite, mtu }: Case): Promise<void> {
  const given = mtu === undefined ? {} : { mtu };
  const { server, port } = await listening(
    { [IDENTITY]: fromHex(KEY) },
    { ciphersuites: [SUITES[suite]], socket: given },
  );
  const client = startOpensslClient({ suite, key: KEY, port, identity: IDENTITY, ...given });
  try {
    const session = await server.accept();
    assert.equal(session.getOption('negotiated')?.ciphersuite, SUITES[suite]);
    await client.waitFor(new RegExp(`Cipher\\s*: ${suite}`));
    client.writeLine('from openssl');
    assert.equal(await nextText(session), 'from openssl\n');
    sendText(session, 'hello from our server\n');
    await client.waitFor(/^hello from our server$/m);
    client.writeLine('Q'); // s_client's command: close_notify, then leave
    assert.equal(await nextText(session), null);
    await client.exited;
  } finally {
    server.close();
    await client.stop();
  }
}
