// Resumption over node:tls: sessions and ticket keys in stores that outlive sockets and servers, what each is bound to, and
// who is not let in by an earlier session.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, utf8Encode } from '../../../lib/bytes/index.ts';
import {
  certificateRevocationListFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import type {
  CertificateServerSecurity,
  Security,
  SessionStore,
  SslConfiguration,
  StreamSocket,
} from '../../../lib/net/index.ts';
import { days, settle } from '../../../lib/runtime/index.ts';
import { decodeKept, encodeKept } from '../../../security-backends/node-tls/stored-sessions.ts';
import { certificateDer, revocationListDer } from '../../crypto/fixtures/fixtures.ts';
import { KEY, PSK, PSK_SERVER, SERVER, SHOWING, TLS_VERSIONS, TRUSTING, World, chainOf } from './sockets.ts';

const ANYBODY: CertificateServerSecurity = { ...SERVER, clientCertificate: 'none' };

/** Sessions as a file would have them. */
class Store implements SessionStore {
  readonly entries = new Map<string, Uint8Array>();
  load(key: string): Promise<Uint8Array | undefined> {
    const bytes = this.entries.get(key);
    return Promise.resolve(bytes && Buffer.from(bytes)); // as a file is read
  }
  save(key: string, session: Uint8Array): Promise<void> {
    this.entries.set(key, session.slice());
    return Promise.resolve();
  }
  remove(key: string): Promise<void> {
    this.entries.delete(key);
    return Promise.resolve();
  }
}

let world: World;
let store: Store;
beforeEach(() => {
  world = new World();
  store = new Store();
});
afterEach(() => world.close());

/** One life of a client. @returns whether it resumed, as both sides see it */
async function life(
  server: StreamSocket,
  security: Security,
  more: Partial<SslConfiguration> = {},
): Promise<readonly [client: boolean, server: boolean]> {
  const client = world.client(security, { sessionStore: store, ...more });
  const session = await world.join(client, server);
  const resumed = [client.getOption('sessionResumed'), session.getOption('sessionResumed')] as const;
  client.close();
  session.close();
  return resumed;
}

for (const version of TLS_VERSIONS) {
  const versions = [version];

  describe(`node-tls: resumption in ${version}`, () => {
    it('resumes a session of certificates, known to each other as before', async () => {
      const server = await world.server(SERVER, { versions, resumption: true });
      assert.deepEqual(await life(server, SHOWING, { versions }), [false, false]);
      const client = world.client(SHOWING, { versions, sessionStore: store });
      const session = await world.join(client, server);
      assert.equal(client.getOption('sessionResumed'), true);
      assert.equal(session.getOption('sessionResumed'), true);
      const chain = [certificateDer('server'), certificateDer('inter')];
      assert.deepEqual(client.getOption('negotiated')?.peerCertificates, chain);
      const shown = [certificateDer('client'), certificateDer('inter')];
      assert.deepEqual(session.getOption('negotiated')?.peerCertificates, shown);
    });

    it('resumes at the next process of the server, whose ticket key is kept', async () => {
      const kept = new Store();
      const first = await world.server(ANYBODY, { versions, resumption: true, sessionStore: kept });
      await life(first, TRUSTING, { versions });
      const { port } = first.local ?? { port: 0 };
      first.close();
      const again = world.keep(
        world.backend.createServer(
          { security: ANYBODY, versions, resumption: true, sessionStore: kept },
          world.environment,
        ),
      );
      await again.bind('127.0.0.1', port);
      assert.deepEqual(await life(again, TRUSTING, { versions }), [true, true]);
    });

    it('lets a client with an intermediate certificate resume there too', async () => {
      const kept = new Store();
      const configuration = { security: SERVER, versions, resumption: true, sessionStore: kept } as const;
      const first = await world.server(SERVER, configuration);
      await life(first, SHOWING, { versions });
      const { port } = first.local ?? { port: 0 };
      first.close();
      const again = world.keep(world.backend.createServer(configuration, world.environment));
      await again.bind('127.0.0.1', port);
      assert.deepEqual(await life(again, SHOWING, { versions }), [true, true]);
    });

    it('changes the ticket key after the lifetime of a session, and shakes hands in full then', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: { lifetime: days(1) } });
      await life(server, TRUSTING, { versions });
      assert.deepEqual(await life(server, TRUSTING, { versions }), [true, true]);
      world.wallTime += days(1);
      assert.deepEqual(await life(server, TRUSTING, { versions }), [false, false]);
    });

    it('does not resume where the server does not, though it gives out tickets in TLS 1.3', async () => {
      const server = await world.server(ANYBODY, { versions });
      await life(server, TRUSTING, { versions });
      assert.deepEqual(await life(server, TRUSTING, { versions }), [false, false]);
    });

    it('finds no session after a change of trust, of name or of what we show', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: true });
      await life(server, TRUSTING, { versions });
      for (const [security, more] of [
        [{ ...TRUSTING, trustAnchors: chainOf('root', 'other-root') }, {}],
        [SHOWING, {}],
        [TRUSTING, { serverName: 'a.wild.example' }],
      ] as const) {
        assert.deepEqual(await life(server, security, { versions, ...more }), [false, false]);
      }
      assert.deepEqual(await life(server, TRUSTING, { versions }), [true, true]);
    });

    it('judges again today: a client whose certificate has ended since is not let in by its ticket', async () => {
      const kept = new Store();
      const server = await world.server(SERVER, { versions, resumption: true, sessionStore: kept });
      await life(server, SHOWING, { versions });
      world.wallTime += 80 * 365 * 86_400_000; // its certificate has ended
      await world.refused(
        world.client({ ...SHOWING, withoutClock: () => true }, { versions, sessionStore: store }),
        server,
      );
    });

    it('lets nobody in by the ticket of a server with other lists', async () => {
      const kept = new Store();
      const first = await world.server(SERVER, { versions, resumption: true, sessionStore: kept });
      await life(first, SHOWING, { versions });
      const { port } = first.local ?? { port: 0 };
      first.close();
      const revocationLists = certificateRevocationListFromBuffer(revocationListDer('inter-crl'));
      const security = { ...SERVER, revocationLists };
      const configuration = { security, versions, resumption: true, sessionStore: kept };
      const again = world.keep(world.backend.createServer(configuration, world.environment));
      await again.bind('127.0.0.1', port);
      assert.deepEqual(await life(again, SHOWING, { versions }), [false, false]);
    });

    it('costs a full handshake where the store has damage, or fails', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: true });
      await life(server, TRUSTING, { versions });
      for (const [key, bytes] of store.entries) store.entries.set(key, bytes.fill(0x5a, 12));
      assert.deepEqual(await life(server, TRUSTING, { versions }), [false, false]);
      for (const key of store.entries.keys()) store.entries.set(key, Uint8Array.of(9));
      assert.deepEqual(await life(server, TRUSTING, { versions }), [false, false]);
      const broken: SessionStore = {
        load: () => Promise.reject(new Error('disk')),
        save: () => Promise.reject(new Error('disk')),
        remove: () => Promise.reject(new Error('disk')),
      };
      assert.deepEqual(await life(server, TRUSTING, { versions, sessionStore: broken }), [false, false]);
      await world.logs(/cannot be (read|stored)/, 2);
    });

    it('forgets a session whose handshake failed', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: true, alpn: ['coap'] });
      await life(server, TRUSTING, { versions });
      assert.equal(store.entries.size, 1);
      await world.refused(world.client(TRUSTING, { versions, sessionStore: store, alpn: ['other'] }), server);
      await settle();
      assert.equal(store.entries.size, 0);
    });

    it('keeps no session of a server it refused', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: true });
      const strict = { ...TRUSTING, trustAnchors: chainOf('other-root') };
      await world.refused(world.client(strict, { versions, sessionStore: store }), server);
      assert.deepEqual([...store.entries.keys()], []);
    });

    it('forgets what its time is over for', async () => {
      const server = await world.server(ANYBODY, { versions, resumption: { lifetime: days(7) } });
      await life(server, TRUSTING, { versions });
      world.wallTime += days(1);
      assert.deepEqual(await life(server, TRUSTING, { versions }), [false, false]);
    });
  });
}

describe('node-tls: resumption with pre-shared keys', () => {
  const versions = ['TLS1.2'] as const;

  it('resumes in TLS 1.2, known by the same identity', async () => {
    const server = await world.server(PSK_SERVER, { versions, resumption: true });
    await life(server, PSK, { versions });
    const client = world.client(PSK, { versions, sessionStore: store });
    const session = await world.join(client, server);
    assert.equal(session.getOption('sessionResumed'), true);
    assert.deepEqual(session.getOption('negotiated')?.pskIdentity, client.getOption('negotiated')?.pskIdentity);
  });

  it('lets nobody in whose identity has no key any more', async () => {
    let known = true;
    const lookup = (): ReturnType<typeof pskKeyFromBuffer> | undefined => (known ? pskKeyFromBuffer(KEY) : undefined);
    const server = await world.server({ mode: 'psk', lookup }, { versions, resumption: true });
    await life(server, PSK, { versions });
    known = false;
    await world.refused(world.client(PSK, { versions, sessionStore: store }), server);
    await world.logs(/not known any more/);
  });

  it('is of its key and identity', async () => {
    const lookup = (): ReturnType<typeof pskKeyFromBuffer> => pskKeyFromBuffer(KEY);
    const server = await world.server({ mode: 'psk', lookup }, { versions, resumption: true });
    await life(server, PSK, { versions });
    const other: Security = {
      mode: 'psk',
      identity: pskIdentityFromBuffer(utf8Encode('other')),
      key: pskKeyFromBuffer(KEY),
    };
    assert.deepEqual(await life(server, other, { versions }), [false, false]);
    assert.deepEqual(await life(server, PSK, { versions }), [true, true]);
  });

  it('is refused for TLS 1.3, with the reason, and by ids', async () => {
    const create = (more: object) => () =>
      world.backend.createServer({ security: PSK_SERVER, resumption: true, ...more }, world.environment);
    assert.throws(create({}), { code: 'ENOTSUP', message: /whose ticket/ });
    assert.throws(create({ versions, resumption: { tickets: false } }), { code: 'ENOTSUP', message: /tickets/ });
    assert.throws(create({ versions, resumption: { lifetime: days(8) } }), { code: 'EINVAL', message: /lifetime/ });
  });

  it('never counts the key itself as a session in TLS 1.3, with a store as without', async () => {
    const server = await world.server(PSK_SERVER, { versions: ['TLS1.3'] });
    for (let time = 0; time < 3; time++) {
      assert.deepEqual(await life(server, PSK, { versions: ['TLS1.3'] }), [false, false]);
    }
  });
});

describe('node-tls: stored sessions', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  it('round-trip', () => {
    const property = fc.property(
      fc.nat(2 ** 45),
      fc.array(bytes, { maxLength: 10 }),
      bytes,
      (validUntil, chain, session) => {
        assert.deepEqual(decodeKept(encodeKept({ validUntil, chain, session })), { validUntil, chain, session });
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });

  it('are a value or a DecodeError, whatever they are', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (any) => {
      try {
        decodeKept(any);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
