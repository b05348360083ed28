// TLS servers on node:tls with pre-shared keys: who gets in, what strangers learn, bounds, and the endings.

import assert from 'node:assert/strict';
import { connect as connectRaw, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import {
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyEmpty,
  privateKeyEmpty,
} from '../../../lib/crypto/index.ts';
import { type PskServerSecurity, type Security, type StreamSocket, TlsAlertError } from '../../../lib/net/index.ts';
import { tcpSocket } from '../../../lib/net/node/index.ts';
import { milliseconds, seconds, settle } from '../../../lib/runtime/index.ts';
import { ADDRESS, HOST, IDENTITY, KEY, PSK, PSK_SERVER, TLS_VERSIONS, World } from './sockets.ts';

const SECURITY = PSK as Extract<Security, { mode: 'psk' }>;
const STRANGER: Security = { ...SECURITY, identity: pskIdentityFromBuffer(utf8Encode('stranger')) };
const WRONG_KEY: Security = { ...SECURITY, key: pskKeyFromBuffer(new Uint8Array(16).fill(9)) };
const SUITES = { 'TLS1.2': 'PSK-AES128-GCM-SHA256', 'TLS1.3': 'TLS_AES_128_GCM_SHA256' } as const;

let world: World;
let serving: Promise<StreamSocket> | undefined;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

for (const version of ['TLS1.2', 'TLS1.3'] as const) {
  const versions = [version];

  describe(`node-tls: servers with pre-shared keys in ${version}`, () => {
    it('let in who knows the key, and know who it is', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const client = world.client(PSK, { versions });
      const session = await world.join(client, server);
      const known = session.getOption('negotiated');
      assert.deepEqual(known?.pskIdentity, utf8Encode(IDENTITY));
      assert.equal(known?.version, version);
      assert.equal(session.getOption('state'), 'accepted');
      assert.equal(session.getOption('sessionResumed'), false, 'a first connection was counted as resumed');
      assert.equal(client.getOption('sessionResumed'), false, 'a first connection was counted as resumed');
      assert.equal(session.remote?.port, client.local?.port);
    });

    it('answer a stranger as they answer a wrong key, unless they are to say it', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const stranger = await world.refused(world.client(STRANGER, { versions }), server);
      const wrong = await world.refused(world.client(WRONG_KEY, { versions }), server);
      assert.ok(stranger instanceof TlsAlertError && wrong instanceof TlsAlertError);
      assert.equal(stranger.description, wrong.description);
      const open = await world.server({ ...PSK_SERVER, unknownIdentity: 'alert' }, { versions });
      const told = await world.refused(world.client(STRANGER, { versions }), open);
      assert.ok(told instanceof TlsAlertError && told.direction === 'received');
      assert.equal(told.description, version === 'TLS1.2' ? 115 : 40, told.message);
    });

    it('wait for a look-up that answers later', async () => {
      const asked: string[] = [];
      const lookup: PskServerSecurity['lookup'] = async (identity) => {
        asked.push(new TextDecoder().decode(identity));
        await settle();
        return PSK_SERVER.lookup(identity, { address: '', port: 0 });
      };
      const server = await world.server({ mode: 'psk', lookup }, { versions });
      const session = await world.join(world.client(PSK, { versions }), server);
      assert.deepEqual(session.getOption('negotiated')?.pskIdentity, utf8Encode(IDENTITY));
      assert.deepEqual(asked, [IDENTITY], 'asked once');
      const stranger = await world.refused(world.client(STRANGER, { versions }), server);
      assert.ok(stranger instanceof TlsAlertError, stranger.message);
    });

    it('let a client go that leaves while its key is looked up', async () => {
      let answer: ((key: ReturnType<typeof pskKeyFromBuffer>) => void) | undefined;
      const asked = new Promise<void>((told) => {
        const lookup: PskServerSecurity['lookup'] = () =>
          new Promise((resolve) => {
            answer = resolve;
            told();
          });
        serving = world.server({ mode: 'psk', lookup }, { versions });
      });
      const server = await serving!;
      const client = world.client(PSK, { versions });
      const connecting = assert.rejects(client.connect(HOST, server.local?.port ?? 0), { code: 'ECANCELED' });
      await asked;
      client.close();
      await connecting;
      server.close();
      answer?.(pskKeyFromBuffer(KEY));
      await settle();
    });

    it('survive a look-up that throws, at once or later', async () => {
      const down = (): never => {
        throw new Error('the database is down');
      };
      for (const lookup of [down, async () => down()]) {
        const server = await world.server({ mode: 'psk', lookup }, { versions });
        await world.refused(world.client(PSK, { versions }), server);
        assert.equal(server.getOption('state'), 'bound');
      }
      await world.logs(/look-up failed/, 2);
    });

    it('refuse identities that are no text, which Node would change', async () => {
      const asked: Uint8Array[] = [];
      const lookup: PskServerSecurity['lookup'] = (identity) => {
        asked.push(identity);
        return pskKeyFromBuffer(KEY);
      };
      const server = await world.server({ mode: 'psk', lookup }, { versions });
      const port = server.local?.port ?? 0;
      for (const identity of ['\ufffd', 'a\u0001b']) {
        const client = connectTls({
          host: ADDRESS,
          port,
          ciphers: SUITES[version],
          minVersion: version === 'TLS1.2' ? 'TLSv1.2' : 'TLSv1.3',
          maxVersion: version === 'TLS1.2' ? 'TLSv1.2' : 'TLSv1.3',
          pskCallback: () => ({ psk: KEY, identity }),
        });
        const [error] = (await once(client, 'error')) as [Error];
        assert.match(error.message, /alert/);
      }
      await world.logs(/expected text/, 2);
      assert.deepEqual(asked, []);
    });

    it('take what is not TLS for what it is', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\u0000'.repeat(600)]) {
        const raw = connectRaw(server.local?.port ?? 0, ADDRESS);
        raw.write(garbage);
        await closed(raw);
      }
      await world.logs(/a TLS handshake failed/, 3);
      await world.join(world.client(PSK, { versions }), server);
    });

    it('let a client go that leaves during the handshake', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const raw = connectRaw(server.local?.port ?? 0, ADDRESS);
      raw.end(Uint8Array.of(0x16, 3, 1, 0, 200, 1));
      await world.logs(/the peer closed during the handshake/);
    });

    it('end a handshake that stands still, after the time that is configured', async () => {
      const handshakeTimeouts = { min: milliseconds(20), max: milliseconds(20) };
      const server = await world.server(PSK_SERVER, { versions, handshakeTimeouts, handshakeTries: 2 });
      const silent = connectRaw(server.local?.port ?? 0, ADDRESS);
      await closed(silent);
      await world.logs(/longer than 40.0 ms/);
    });

    it('notice an end without close_notify, which anybody can forge', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const lower = tcpSocket(undefined, world.environment);
      await lower.connect(ADDRESS, server.local?.port ?? 0);
      const accepted = server.accept();
      const client = world.client(PSK, { versions });
      await client.decorate(lower);
      const session = world.keep(await accepted);
      const over = new Promise<Error | undefined>((resolve) => {
        session.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
      });
      client.send(utf8Encode('transfer 100'));
      assert.equal((await session.next())?.length, 12);
      await lower.shutdown(); // FIN under TLS
      const cause = await over;
      assert.ok(cause !== undefined && 'code' in cause && cause.code === 'EOF', String(cause));
    });

    it('end a session, on both sides, whose records were tampered with', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const lower = tcpSocket(undefined, world.environment);
      await lower.connect(ADDRESS, server.local?.port ?? 0);
      const accepted = server.accept();
      const client = world.client(PSK, { versions });
      await client.decorate(lower);
      const session = world.keep(await accepted);
      const [here, there] = [client, session].map(
        (socket) =>
          new Promise<Error | undefined>((resolve) => {
            socket.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
          }),
      );
      lower.send(Uint8Array.of(23, 3, 3, 0, 40, ...new Uint8Array(40).fill(7)));
      const [sent, received] = [await there, await here];
      assert.ok(sent instanceof TlsAlertError && sent.direction === 'sent', String(sent));
      assert.ok(received instanceof TlsAlertError && received.direction === 'received', String(received));
      assert.deepEqual([sent.description, received.description], [20, 20]);
    });

    it('say close_notify and FIN when they shut down, and hear the peer on', async () => {
      const server = await world.server(PSK_SERVER, { versions });
      const client = world.client(PSK, { versions });
      const session = await world.join(client, server);
      await session.shutdown();
      assert.equal(await client.next(), null);
      client.send(utf8Encode('still here'));
      assert.equal((await session.next())?.length, 10);
      await client.shutdown();
      assert.equal(await session.next(), null);
    });

    it('write a key log only when asked, for both sides', async () => {
      const lines: string[] = [];
      const server = await world.server(PSK_SERVER, { versions, dangerKeyLog: (line) => lines.push(line) });
      await world.join(world.client(PSK, { versions }), server);
      const labels = lines.map((line) => line.split(' ')[0]);
      assert.ok(labels.includes(version === 'TLS1.2' ? 'CLIENT_RANDOM' : 'SERVER_TRAFFIC_SECRET_0'), labels.join());
    });
  });
}

describe('node-tls: servers', () => {
  it('bound sessions: the longest idle one gives way', async () => {
    const server = await world.server(PSK_SERVER, { maxSessions: 2 });
    const clients = [world.client(PSK), world.client(PSK), world.client(PSK)] as const;
    const first = await world.join(clients[0], server);
    const second = await world.join(clients[1], server);
    clients[0].send(Uint8Array.of(1));
    await first.next();
    await world.join(clients[2], server);
    assert.equal(second.getOption('state'), 'closed');
    assert.equal(first.getOption('state'), 'accepted');
  });

  it('bound handshakes: the oldest gives way, so that whoever stands still keeps nobody out', async () => {
    const server = await world.server(PSK_SERVER, { maxHandshakes: 2 });
    const silent = [0, 1, 2].map(() => connectRaw(server.local?.port ?? 0, ADDRESS));
    await closed(silent[0]!);
    await world.join(world.client(PSK), server);
    for (const each of silent) each.destroy();
  });

  it('ask for an extended master secret unless told otherwise', async () => {
    const noExtendedMasterSecret = (native: unknown): void =>
      void Object.assign(native as object, { secureOptions: 1 }); // SSL_OP_NO_EXTENDED_MASTER_SECRET
    const old = { versions: ['TLS1.2'], additionalConfiguration: noExtendedMasterSecret } as const;
    const server = await world.server(PSK_SERVER, { versions: ['TLS1.2'] });
    await world.refused(world.client(PSK, { ...old, extendedMasterSecret: 'prefer' }), server);
    await world.logs(/extended master secret, which is required/);
    const lax = await world.server(PSK_SERVER, { versions: ['TLS1.2'], extendedMasterSecret: 'prefer' });
    const session = await world.join(world.client(PSK, { ...old, extendedMasterSecret: 'prefer' }), lax);
    assert.equal(session.getOption('negotiated')?.extendedMasterSecret, false);
  });

  it('stand on any stream socket, one of their own too', async () => {
    const outer = await world.server(PSK_SERVER);
    const { port } = outer.local ?? { port: 0 };
    const server = world.keep(world.backend.createServer({ security: PSK_SERVER }, world.environment));
    await server.decorate(outer);
    const below = world.client(PSK);
    await below.connect(HOST, port);
    const client = world.client(PSK);
    const accepted = server.accept();
    await client.decorate(below);
    const session = world.keep(await accepted);
    client.send(new Uint8Array(100_000).fill(5));
    for (let heard = 0; heard < 100_000;) heard += (await session.next())?.length ?? Number.NaN;
    await client.shutdown();
    assert.equal(await session.next(), null);
  });

  it('serve over a listening socket they are given', async () => {
    const lower = tcpSocket(undefined, world.environment);
    await lower.bind(ADDRESS, 0);
    const server = world.keep(world.backend.createServer({ security: PSK_SERVER }, world.environment));
    await server.decorate(lower);
    await world.join(world.client(PSK), server);
    server.close();
    assert.equal(lower.getOption('state'), 'closed');
    await assert.rejects(server.accept(), { code: 'EBADF' });
  });

  it('refuse raw public keys, with the reason', () => {
    const security = {
      mode: 'rawPublicKey',
      publicKey: rawPublicKeyEmpty(),
      privateKey: privateKeyEmpty(),
      accept: () => true,
    } as const;
    assert.throws(() => world.backend.createServer({ security }, world.environment), {
      code: 'ENOTSUP',
      message: /RFC 7250/,
    });
  });

  it('refuse what they cannot hold: an identity hint that is no text, no time for a handshake', () => {
    const hint = { ...PSK_SERVER, identityHint: Uint8Array.of(0xff) };
    const create = (more: object) => () =>
      world.backend.createServer({ security: PSK_SERVER, ...more }, world.environment);
    assert.throws(create({ security: hint }), { code: 'ENOTSUP', message: /identityHint/ });
    assert.throws(create({ handshakeTimeouts: { min: seconds(0), max: seconds(1) } }), { code: 'EINVAL' });
    assert.throws(create({ maxSessions: 0 }), { code: 'EINVAL', message: /maxSessions/ });
    assert.throws(create({ alpn: [''] }), { code: 'EINVAL', message: /alpn/ });
  });

  it('never print a secret', async () => {
    const server = await world.server(PSK_SERVER);
    await world.refused(world.client(WRONG_KEY), server);
    await world.logs(/a TLS handshake failed/);
    assert.doesNotMatch(world.logged.join('\n'), /0001020304|AAECAwQ|"0":0,"1":1/);
  });

  for (const version of TLS_VERSIONS) {
    it(`hold their peers back while nobody reads (${version})`, async () => {
      const server = await world.server(PSK_SERVER, { versions: [version], socket: { maxBufferedBytes: 65_536 } });
      const client = world.client(PSK, { versions: [version], socket: { maxBufferedBytes: 65_536 } });
      const session = await world.join(client, server);
      let sent = 0;
      assert.throws(
        () => {
          for (; sent < 4_096; sent++) client.send(new Uint8Array(16_384));
        },
        { code: 'EAGAIN' },
      );
      let received = 0;
      while (received < sent * 16_384) received += (await session.next())?.length ?? Number.NaN;
      assert.equal(received, sent * 16_384);
    });
  }
});

function closed(socket: Socket): Promise<unknown> {
  socket.on('error', () => undefined).resume();
  return once(socket, 'close');
}
