// What hostile peers of TLS on node:tls may do, by name: each is bounded, or refused.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import { Secret, defaultProvider, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import type { Security, SessionStore, StreamSocket } from '../../../lib/net/index.ts';
import { days, settle } from '../../../lib/runtime/index.ts';
import { ClientKeys } from '../../../security-backends/node-tls/client-keys.ts';
import type { ServerCredentials } from '../../../security-backends/node-tls/server-credentials.ts';
import { SessionKeys } from '../../../security-backends/node-tls/session-keys.ts';
import { ClientSessions } from '../../../security-backends/node-tls/stored-sessions.ts';
import { TicketKeys } from '../../../security-backends/node-tls/ticket-keys.ts';
import { certificateDer } from '../../crypto/fixtures/fixtures.ts';
import { FloodingServer, secretsOf } from '../hello-requests.ts';
import { ADDRESS, HOST, KEY, PSK, SERVER, SHOWING, TRUSTING, World } from './sockets.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** Sessions as a file would have them. */
class Kept implements SessionStore {
  readonly #entries = new Map<string, Uint8Array>();
  load(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#entries.get(key)?.slice());
  }
  save(key: string, session: Uint8Array): void {
    this.#entries.set(key, session.slice());
  }
  remove(key: string): void {
    this.#entries.delete(key);
  }
}

const named = (identity: string): Security => ({
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode(identity)),
  key: pskKeyFromBuffer(KEY),
});

const stateOf = (socket: StreamSocket): string => socket.getOption('state');

describe('node-tls, to hostile clients: who fills a server', () => {
  it('makes room by sessions of his own, while others keep theirs', async () => {
    const server = await world.server({ mode: 'psk', lookup: () => pskKeyFromBuffer(KEY) }, { maxSessions: 3 });
    const honest = await world.join(world.client(named('honest')), server);
    const his: StreamSocket[] = [];
    for (let count = 0; count < 6; count++) his.push(await world.join(world.client(named('greedy')), server));
    assert.equal(stateOf(honest), 'accepted', 'the longest idle, but nobody of the greedy one');
    assert.deepEqual(his.map(stateOf), ['closed', 'closed', 'closed', 'closed', 'accepted', 'accepted']);
  });

  it('is known by his key, where certificates are shown', async () => {
    const server = await world.server(SERVER, { maxSessions: 1 });
    const first = await world.join(world.client(SHOWING), server);
    const second = await world.join(world.client(SHOWING), server);
    assert.deepEqual([first, second].map(stateOf), ['closed', 'accepted']);
  });

  it('is nobody in particular without either: then the longest idle gives way', async () => {
    const server = await world.server({ ...SERVER, clientCertificate: 'none' }, { maxSessions: 2 });
    const sessions = [];
    for (let count = 0; count < 3; count++) sessions.push(await world.join(world.client(TRUSTING), server));
    assert.deepEqual(sessions.map(stateOf), ['closed', 'accepted', 'accepted']);
  });

  it('makes room for those who come, and never by who has just come', async () => {
    const server = await world.server({ mode: 'psk', lookup: () => pskKeyFromBuffer(KEY) }, { maxSessions: 2 });
    const sessions: StreamSocket[] = [];
    for (const name of ['a', 'b', 'c']) sessions.push(await world.join(world.client(named(name)), server));
    assert.deepEqual(sessions.map(stateOf), ['closed', 'accepted', 'accepted']);
  });
});

describe('node-tls, to hostile clients: who stole a key that has been replaced', () => {
  const versions = ['TLS1.2'] as const;
  const [OLD, NEW] = [KEY, new Uint8Array(16).fill(7)];
  const by = (key: Uint8Array): Security => ({
    mode: 'psk',
    identity: pskIdentityFromBuffer(utf8Encode('device')),
    key: pskKeyFromBuffer(key),
  });
  let key = OLD;
  beforeEach(() => (key = OLD));
  const lookup = (): ReturnType<typeof pskKeyFromBuffer> => pskKeyFromBuffer(key);
  const resumed = (client: StreamSocket): boolean => client.getOption('sessionResumed');

  it('does not go on with a session of it', async () => {
    const server = await world.server({ mode: 'psk', lookup }, { versions, resumption: true });
    const sessionStore = new Kept();
    await world.join(world.client(by(OLD), { versions, sessionStore }), server);
    const again = world.client(by(OLD), { versions, sessionStore });
    await world.join(again, server);
    assert.equal(resumed(again), true);
    key = NEW;
    await world.refused(world.client(by(OLD), { versions, sessionStore }), server);
    await world.logs(/made by another key/);
  });

  it('nor once the owner has come with the new one, though the ticket was taken just before', async () => {
    const server = await world.server({ mode: 'psk', lookup }, { versions, resumption: true });
    const sessionStore = new Kept();
    await world.join(world.client(by(OLD), { versions, sessionStore }), server);
    key = NEW;
    await world.join(world.client(by(NEW), { versions }), server);
    await world.refused(world.client(by(OLD), { versions, sessionStore }), server);
    const owner = new Kept();
    for (const expected of [false, true]) {
      const client = world.client(by(NEW), { versions, sessionStore: owner });
      await world.join(client, server);
      assert.equal(resumed(client), expected);
    }
  });

  it("nor at the server's next process, whose tickets are those of before", async () => {
    const [sessionStore, kept] = [new Kept(), new Kept()];
    const first = await world.server({ mode: 'psk', lookup }, { versions, resumption: true, sessionStore: kept });
    const port = first.local?.port ?? 0;
    await world.join(world.client(by(OLD), { versions, sessionStore }), first);
    const start = async (before: StreamSocket): Promise<StreamSocket> => {
      before.close();
      const configuration = {
        security: { mode: 'psk', lookup },
        versions,
        resumption: true,
        sessionStore: kept,
      } as const;
      const next = world.keep(world.backend.createServer(configuration, world.environment));
      await next.bind(ADDRESS, port);
      return next;
    };
    const second = await start(first);
    const honest = world.client(by(OLD), { versions, sessionStore });
    await world.join(honest, second);
    assert.equal(resumed(honest), true, 'the key is the same');
    key = NEW;
    const third = await start(second);
    await world.join(world.client(by(NEW), { versions }), third);
    await world.refused(world.client(by(OLD), { versions, sessionStore }), third);
  });

  it('nor by a connection that was there before: its ticket key is one of before', async () => {
    const { clientKeys, tickets } = clientKeysOf();
    const before = tickets.current();
    await clientKeys.remember(Uint8Array.of(1), OLD);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(1), OLD, before), true);
    await clientKeys.remember(Uint8Array.of(1), NEW);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(1), NEW, before), false);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(1), NEW, tickets.current()), true);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(1), OLD, tickets.current()), false);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(2), OLD, tickets.current()), false);
  });

  it('nor by making the server forget: who is forgotten has tickets no more', async () => {
    const { clientKeys, tickets } = clientKeysOf(2);
    const before = tickets.current();
    for (const name of [1, 2, 1, 2]) await clientKeys.remember(Uint8Array.of(name), OLD);
    assert.equal(tickets.current(), before);
    await clientKeys.remember(Uint8Array.of(3), OLD);
    assert.notEqual(tickets.current(), before);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(3), OLD, tickets.current()), true);
    assert.equal(await clientKeys.mayResume(Uint8Array.of(1), OLD, tickets.current()), false);
  });

  function clientKeysOf(maxClients?: number): { readonly clientKeys: ClientKeys; readonly tickets: TicketKeys } {
    const { environment } = world;
    const tickets = new TicketKeys(days(1), undefined, 'tickets', environment);
    const provider = defaultProvider();
    return { tickets, clientKeys: new ClientKeys({ tickets, store: undefined, provider, environment, maxClients }) };
  }
});

describe('node-tls, to hostile clients: who names one identity again and again', () => {
  it('has few look-ups made, and leaves no key behind', async () => {
    const made: Secret[] = [];
    const credentials: ServerCredentials = {
      credential: 'psk',
      requiresCertificate: false,
      options: () => ({ ca: [], requestCert: false }),
      lookup: async () => {
        await settle();
        const key = new Secret(KEY);
        made.push(key);
        return key;
      },
      hidesIdentities: true,
      judge: () => Promise.resolve(),
      sessionContext: '',
      forget: () => undefined,
    };
    const keys = new SessionKeys(credentials, { address: ADDRESS, port: 1 }, world.environment);
    await Promise.all(Array.from({ length: 20 }, () => keys.resume(utf8Encode('device')).catch(() => undefined)));
    assert.equal(made.length, 8);
    assert.equal(made.filter(({ length }) => length > 0).length, 1, 'the one in use');
    keys.close();
    assert.ok(made.every(({ length }) => length === 0));
  });
});

describe('node-tls, to hostile servers: renegotiation', () => {
  it('is not asked for without end: each refusal would wait for a server that does not read', async () => {
    const server = world.keep(new FloodingServer(KEY));
    const port = await server.listen();
    let secrets: ReturnType<typeof secretsOf>;
    const client = world.client(PSK, {
      versions: ['TLS1.2'],
      ciphersuites: [0x00a8],
      dangerKeyLog: (line) => void (secrets = secretsOf(line) ?? secrets),
    });
    await client.connect(HOST, port);
    const closed = new Promise<Error | undefined>((resolve) => {
      client.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
    });
    server.flood(secrets, 16);
    server.flood(secrets, 10_000);
    assert.match(String(await closed), /EPROTO.*renegotiation/);
  });
});

describe('node-tls, to hostile servers: a session to keep', () => {
  const place = { host: 'h', port: 1, serverName: undefined, fingerprint: new Uint8Array(), tlsa: [] };

  function saved(chain: readonly Uint8Array[]): { readonly stored: number; readonly session: Uint8Array } {
    let stored = 0;
    const store: SessionStore = {
      load: () => Promise.resolve(undefined),
      save: () => void stored++,
      remove: () => undefined,
    };
    const session = Uint8Array.of(1, 2, 3);
    new ClientSessions(store, place, defaultProvider(), world.environment).save(session, chain);
    return { stored, session };
  }

  it('is kept with a chain that can be read', () => {
    const { stored, session } = saved([certificateDer('server'), certificateDer('inter')]);
    assert.equal(stored, 1);
    assert.deepEqual(session, new Uint8Array(3), 'its secret stays in no memory of ours');
  });

  it('is not kept with a chain that is longer than a path may be', () => {
    const { stored, session } = saved(Array.from({ length: 11 }, () => certificateDer('server')));
    assert.equal(stored, 0);
    assert.deepEqual(session, new Uint8Array(3));
  });

  it('is not kept with a chain that nobody can read, whatever it is', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 100 }), (junk) => {
      const { stored, session } = saved([certificateDer('server'), junk]);
      assert.equal(stored, 0);
      assert.deepEqual(session, new Uint8Array(3));
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
