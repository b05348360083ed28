// A client's sessions in the store of its configuration: what is kept, what is offered, and what is gone with a change.

import assert from 'node:assert/strict';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import type { SessionStore, SslConfiguration } from '../../../lib/net/index.ts';
import { hours } from '../../../lib/runtime/index.ts';
import { IDENTITY, KEY } from './pair.ts';
import { LOOKUP, PSK, SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

interface Recorded extends SessionStore {
  readonly sessions: Map<string, Uint8Array>;
  readonly log: string[];
}

function memory(later = false): Recorded {
  const sessions = new Map<string, Uint8Array>();
  const log: string[] = [];
  const done = <T>(value: T): T | Promise<T> => (later ? Promise.resolve(value) : value);
  return {
    sessions,
    log,
    load(key) {
      log.push('load');
      return done(sessions.get(key)?.slice());
    },
    save(key, session) {
      log.push('save');
      sessions.set(key, session.slice());
      return done(undefined);
    },
    remove(key) {
      log.push('remove');
      sessions.delete(key);
      return done(undefined);
    },
  };
}

async function world(server: object = {}) {
  const simulation = new Simulation();
  const listener = await simulation.listening({ resumption: true, ...server });
  const connect = async (configuration: Partial<SslConfiguration>): Promise<boolean> => {
    const socket = simulation.client(configuration);
    const accepted = listener.accept();
    await simulation.run(socket.connect(SERVER_ADDRESS, SERVER_PORT));
    const session = await simulation.run(accepted);
    const resumed = socket.getOption('sessionResumed');
    assert.equal(session.getOption('sessionResumed'), resumed, 'both sides say the same');
    socket.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    assert.deepEqual(session.receive(), Uint8Array.of(1));
    socket.close();
    await simulation.time.advance(100);
    return resumed;
  };
  return { simulation, listener, connect };
}

describe('the session store of a client', () => {
  for (const later of [false, true]) {
    it(`keeps a session and offers it again, answering ${later ? 'later' : 'at once'}`, async () => {
      const { connect } = await world();
      const sessionStore = memory(later);
      assert.deepEqual([await connect({ sessionStore }), await connect({ sessionStore })], [false, true]);
      assert.deepEqual(sessionStore.log, ['load', 'save', 'load', 'save']);
      assert.equal(sessionStore.sessions.size, 1);
      assert.match([...sessionStore.sessions.keys()][0]!, /^dtls-[0-9a-f]{40}$/);
    });
  }

  it('serves the same server and credential alone', async () => {
    const { connect } = await world({
      security: { mode: 'psk', lookup: () => pskKeyFromBuffer(KEY) },
    });
    const sessionStore = memory();
    await connect({ sessionStore });
    const other = { ...PSK, identity: pskIdentityFromBuffer(new TextEncoder().encode('device-2')) } as const;
    assert.equal(await connect({ sessionStore, security: other }), false);
    assert.equal(sessionStore.sessions.size, 2);
    assert.equal(await connect({ sessionStore, serverName: 'other.example' }), false);
    assert.equal(await connect({ sessionStore }), true);
  });

  it('finds nothing once the key has changed on both sides', async () => {
    let key = KEY;
    const { connect } = await world({ security: { mode: 'psk', lookup: () => pskKeyFromBuffer(key) } });
    const sessionStore = memory();
    await connect({ sessionStore });
    key = KEY.map((byte) => byte ^ 7);
    const security = { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(key) } as const;
    assert.equal(await connect({ sessionStore, security }), false);
  });

  it('does without where a server forgets, and keeps the new session', async () => {
    const first = await world();
    const sessionStore = memory();
    await first.connect({ sessionStore });
    const second = await world(); // other ticket keys
    second.simulation.environment.random.bytes(7);
    assert.equal(await second.connect({ sessionStore }), false);
    assert.equal(await second.connect({ sessionStore }), true);
  });

  it('is not resumed from after its lifetime', async () => {
    const { connect, simulation } = await world();
    const sessionStore = memory();
    await connect({ sessionStore });
    await simulation.time.advance(hours(25));
    assert.equal(await connect({ sessionStore }), false);
  });

  it('that fails costs a full handshake and nothing else', async () => {
    const { connect } = await world();
    const fail = (): never => {
      throw new Error('the disk is gone');
    };
    const failing: SessionStore = { load: fail, save: fail, remove: fail };
    assert.equal(await connect({ sessionStore: failing }), false);
    const failsLater: SessionStore = {
      load: async () => fail(),
      save: async () => fail(),
      remove: async () => fail(),
    };
    assert.equal(await connect({ sessionStore: failsLater }), false);
  });

  it('with something else in it is emptied of that', async () => {
    const { connect } = await world();
    const sessionStore = memory();
    await connect({ sessionStore });
    const [key] = sessionStore.sessions.keys();
    sessionStore.sessions.set(key!, Uint8Array.of(1, 2, 3));
    assert.equal(await connect({ sessionStore }), false);
    assert.deepEqual(sessionStore.log.slice(2), ['load', 'remove', 'save']);
    assert.equal(await connect({ sessionStore }), true);
  });

  it('forgets a session whose resumption fails', async () => {
    const { connect, simulation } = await world();
    const sessionStore = memory();
    await connect({ sessionStore });
    const [[key, session]] = [...sessionStore.sessions] as [[string, Uint8Array]];
    for (let at = 0; at < session.length; at++) {
      sessionStore.sessions.set(
        key,
        session.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      const socket = simulation.client({ sessionStore, handshakeTries: 1 });
      await simulation.run(socket.connect(SERVER_ADDRESS, SERVER_PORT).catch(() => undefined));
      const connected = socket.getOption('state') === 'connected';
      assert.equal(sessionStore.sessions.has(key), connected, `byte ${at}`);
      socket.close();
      await simulation.time.advance(200_000);
    }
  });

  it('keeps nothing where the server lets nobody resume', async () => {
    const { connect } = await world({ resumption: false });
    const sessionStore = memory();
    assert.equal(await connect({ sessionStore }), false);
    assert.deepEqual(sessionStore.log, ['load']);
    assert.equal(await connect({}), false);
  });

  it('a resumption of this server that is on has limits', () => {
    const { backend, environment } = new Simulation();
    for (const resumption of [{ lifetime: hours(24 * 8) }, { lifetime: hours(0) }, { maxSessions: 0 }]) {
      const security = { mode: 'psk', lookup: LOOKUP } as const;
      assert.throws(() => backend.createServer({ security, resumption }, environment), {
        code: 'EINVAL',
        message: /resumption\./,
      });
    }
  });
});
