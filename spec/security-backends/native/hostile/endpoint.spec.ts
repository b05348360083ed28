// DTLS-PITFALLS rules 19 and 20, and the bounds of a server with many peers: cookies, floods, restarts, refusals.

import assert from 'node:assert/strict';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../../lib/crypto/index.ts';
import type { Endpoint } from '../../../../lib/net/index.ts';
import { SeededRandom, minutes, seconds } from '../../../../lib/runtime/index.ts';
import { MESSAGE, ScriptedPeer, join } from '../scripted-peer.ts';
import { IDENTITY, KEY } from '../pair.ts';
import { LOOKUP, SERVER_ADDRESS, SERVER_PORT, Simulation } from '../sockets.ts';

const SERVER: Endpoint = { address: SERVER_ADDRESS, port: SERVER_PORT };
const ATTACKER: Endpoint = { address: '10.66.66.66', port: 6_666 };

/** A scripted client on the simulated network. */
class Stranger {
  readonly at: Endpoint;
  readonly script = new ScriptedPeer('client', KEY);
  readonly heard: Uint8Array[] = [];
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, at: Endpoint = ATTACKER, random = 0xc1) {
    this.#simulation = simulation;
    this.at = at;
    this.script.clientRandom = new Uint8Array(32).fill(random);
    simulation.network.onDatagram((_from, to, bytes) => {
      if (to.address === at.address && to.port === at.port) this.heard.push(bytes);
      return 'pass';
    });
  }

  async say(datagram: Uint8Array, ms = 100): Promise<void> {
    this.#simulation.network.inject(this.at, SERVER, datagram);
    await this.#simulation.time.advance(ms);
  }

  /** Shows the cookie; the server's hello is taken. */
  async hello(): Promise<void> {
    await this.say(this.script.clientHello({ hash: false }));
    const cookie = this.cookie();
    await this.say(this.script.clientHello({ cookie }));
    this.script.take(this.script.messages(this.heard.at(-1)!));
  }

  cookie(): Uint8Array {
    const [request] = this.script.messages(this.heard.at(-1)!);
    assert.equal(request?.type, MESSAGE.helloVerifyRequest);
    return request.body.slice(3);
  }

  /** From ClientKeyExchange to Finished. */
  async finish(): Promise<void> {
    const exchange = this.script.clientKeyExchange(IDENTITY);
    this.script.deriveKeys();
    await this.say(join(exchange, this.script.changeCipherSpec(), this.script.finished()));
  }
}

describe('hostile: rule 19, a new ClientHello from a known address', () => {
  it('rule 19: does not evict the session until its Finished verifies, which then gives way', async () => {
    const simulation = new Simulation();
    const { client, server, session } = await simulation.pair();
    const ended: (string | undefined)[] = [];
    session.handler = {
      readable: () => undefined,
      writable: () => undefined,
      closed: (cause) => ended.push(cause?.code),
    };
    const again = new Stranger(simulation, client.local!, 0x77);

    await again.hello();
    assert.deepEqual(server.load, { handshakes: 1, sessions: 1 });
    client.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    assert.deepEqual(session.receive(), Uint8Array.of(1), 'the old session hears, beside the new handshake');

    const accepted = server.accept();
    await again.finish();
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
    assert.deepEqual(ended, ['ECONNRESET']);
    await again.say(again.script.data(Uint8Array.of(2)));
    assert.deepEqual((await simulation.run(accepted)).receive(), Uint8Array.of(2), 'the new session talks');
    assert.equal(server.counters?.sessionsReplaced, 1);
  });

  it('rule 19: a handshake that fails leaves the session as it was', async () => {
    const simulation = new Simulation();
    const { client, server, session } = await simulation.pair();
    const again = new Stranger(simulation, client.local!, 0x78);
    await again.hello();
    again.script.clientKeyExchange(IDENTITY);
    await again.say(again.script.message(MESSAGE.clientKeyExchange, Uint8Array.of(0, 0), { messageSeq: 2 }));
    await simulation.time.advance(minutes(5));
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
    session.send(Uint8Array.of(3));
    assert.deepEqual(await simulation.run(client.next()), Uint8Array.of(3));
  });

  it('rule 19: a late copy of the hello that made the session makes nothing', async () => {
    const simulation = new Simulation();
    const hellos: Uint8Array[] = [];
    simulation.network.onDatagram((_from, to, bytes) => {
      if (to.port === SERVER_PORT && bytes[13] === MESSAGE.clientHello) hellos.push(bytes);
      return 'pass';
    });
    const { client, server, session } = await simulation.pair();
    simulation.network.inject(client.local!, SERVER, hellos.at(-1)!);
    await simulation.time.advance(100);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
    assert.equal(server.counters?.straysDropped, 1);
    client.send(Uint8Array.of(4));
    assert.deepEqual(await simulation.run(session.next()), Uint8Array.of(4));
  });
});

describe('hostile: rule 20, cost before the address is verified', () => {
  it('rule 20: no state, and no more bytes than came', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    for (let i = 0; i < 500; i++) {
      const stranger = new ScriptedPeer('client', KEY);
      stranger.clientRandom = new SeededRandom(i).bytes(32);
      simulation.network.inject(
        { address: `10.9.${i >> 8}.${i & 255}`, port: 1_000 + i },
        SERVER,
        stranger.clientHello(),
      );
    }
    const before = simulation.network.traffic.bytes;
    await simulation.time.advance(1_000);
    const hello = new ScriptedPeer('client', KEY).clientHello();
    assert.deepEqual(server.load, { handshakes: 0, sessions: 0 });
    assert.equal(server.counters?.cookiesSent, 500);
    assert.ok(simulation.network.traffic.bytes - before <= 500 * hello.length, 'more bytes went out than came in');
  });

  it('rule 20: a cookie counts for its address and port alone, and for the hello it was given for', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const one = new Stranger(simulation);
    await one.say(one.script.clientHello({ hash: false }));
    const cookie = one.cookie();
    for (const at of [
      { ...ATTACKER, port: 6_667 },
      { ...ATTACKER, address: '10.66.66.67' },
    ]) {
      const other = new Stranger(simulation, at);
      await other.say(other.script.clientHello({ cookie }));
      assert.equal(server.load.handshakes, 0);
    }
    one.script.clientRandom = new Uint8Array(32).fill(0xee);
    await one.say(one.script.clientHello({ cookie }));
    assert.equal(server.load.handshakes, 0);
  });

  it('rule 20: an expired cookie makes no state; the one sent in its place does', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const stranger = new Stranger(simulation);
    await stranger.say(stranger.script.clientHello({ hash: false }));
    const cookie = stranger.cookie();
    await simulation.time.advance(minutes(5));
    await stranger.say(stranger.script.clientHello({ cookie, hash: false }));
    assert.equal(server.load.handshakes, 0);
    assert.equal(server.counters?.handshakesStarted, 0);
    assert.notDeepEqual(stranger.cookie(), cookie);
    await stranger.say(stranger.script.clientHello({ cookie: stranger.cookie() }));
    assert.equal(server.load.handshakes, 1);
  });

  it('rule 20: half-open peers are bounded, and their count comes down on every path', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({ maxHandshakes: 5, handshakeTries: 2 });
    for (let i = 0; i < 12; i++) await new Stranger(simulation, { ...ATTACKER, port: 1_000 + i }).hello();
    assert.deepEqual(server.load, { handshakes: 5, sessions: 0 });
    assert.equal(server.counters?.handshakesDisplaced, 7);
    await simulation.time.advance(minutes(1));
    assert.deepEqual(server.load, { handshakes: 0, sessions: 0 }, 'time-out');
    assert.equal(simulation.time.pending, 0, 'a timer was left');

    const unknown = new Stranger(simulation, { ...ATTACKER, port: 2_000 });
    await unknown.hello();
    await unknown.say(unknown.script.clientKeyExchange(Uint8Array.of(1)));
    await simulation.time.advance(minutes(1));
    assert.equal(server.load.handshakes, 0, 'unknown identity');

    const alerting = new Stranger(simulation, { ...ATTACKER, port: 2_001 });
    await alerting.hello();
    await alerting.say(alerting.script.alert(2, 40));
    await simulation.time.advance(seconds(2));
    assert.equal(server.load.handshakes, 0, 'alert');

    const restarting = new Stranger(simulation, { ...ATTACKER, port: 2_002 }, 1);
    await restarting.hello();
    await new Stranger(simulation, { ...ATTACKER, port: 2_002 }, 2).hello();
    assert.equal(server.load.handshakes, 1, 'a second hello takes the place of the first');

    const completing = new Stranger(simulation, { ...ATTACKER, port: 2_003 });
    await completing.hello();
    await completing.finish();
    assert.deepEqual(server.load, { handshakes: 1, sessions: 1 }, 'completed');
    await completing.say(completing.script.alert(1, 0, 1));
    assert.equal(server.load.sessions, 0, 'close_notify');
    server.close();
    await simulation.time.advance(100); // what is on its way arrives
    assert.equal(simulation.time.pending, 0, 'a timer was left after close');
  });

  it('rule 20: sessions are bounded, and the longest idle one gives way', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({ maxSessions: 3 });
    const clients = [];
    for (let i = 0; i < 3; i++) {
      const client = simulation.client();
      await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
      clients.push(client);
      await simulation.time.advance(10);
    }
    const ended: number[] = [];
    for (const [at, client] of clients.entries()) {
      client.handler = { readable: () => undefined, writable: () => undefined, closed: () => ended.push(at) };
    }
    clients[0]!.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    await simulation.run(simulation.client().connect(SERVER_ADDRESS, SERVER_PORT));
    await simulation.time.advance(100);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 3 });
    assert.deepEqual(ended, [1], 'not the longest idle one');
    assert.equal(server.counters?.sessionsDisplaced, 1);
  });

  it('rule 20: a client that comes again and again, from ever new addresses, takes nobody else’s place', async () => {
    const simulation = new Simulation();
    const lookup = (): ReturnType<typeof LOOKUP> => pskKeyFromBuffer(KEY);
    const ids = { connectionId: true } as const;
    const server = await simulation.listening({ maxSessions: 3, security: { mode: 'psk', lookup }, ...ids });
    const connect = async (identity: string): Promise<ReturnType<Simulation['client']>> => {
      const name = pskIdentityFromBuffer(new TextEncoder().encode(identity));
      const client = simulation.client({
        ...ids,
        security: { mode: 'psk', identity: name, key: pskKeyFromBuffer(KEY) },
      });
      await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
      await simulation.time.advance(10);
      return client;
    };
    const quiet = await connect('quiet');
    for (let i = 0; i < 10; i++) await connect('restless');
    assert.equal(quiet.getOption('state'), 'connected');
    assert.equal(server.counters?.sessionsDisplaced, 8);
    await connect('another');
    await connect('and another');
    assert.equal(server.counters?.sessionsDisplaced, 10);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 3 });
    await simulation.time.advance(100);
    assert.equal(quiet.getOption('state'), 'closed', 'who has no other session gives way by idleness');
  });

  it('64 KB of random datagrams, from known and unknown addresses, are counted and dropped', async () => {
    const simulation = new Simulation();
    const { client, server, session } = await simulation.pair();
    const random = new SeededRandom(9);
    for (let bytes = 0; bytes < 65_536;) {
      const datagram = random.bytes(1 + (random.uint32() % 1_200));
      if (random.unit() < 0.5 && datagram.length > 14) datagram.set([22, 0xfe, 0xfd, 0, 0]);
      if (random.unit() < 0.3 && datagram.length > 14) datagram[13] = 1;
      simulation.network.inject(random.unit() < 0.5 ? client.local! : ATTACKER, SERVER, datagram);
      bytes += datagram.length;
    }
    await simulation.time.advance(1_000);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
    assert.ok((server.counters?.straysDropped ?? 0) > 0);
    client.send(Uint8Array.of(5));
    assert.deepEqual(await simulation.run(session.next()), Uint8Array.of(5));
  });
});

describe('hostile: identities and keys', () => {
  it('an unknown identity is counted and looks like a wrong key: nobody learns which identities exist', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({ handshakeTries: 2 });
    const identity = pskIdentityFromBuffer(new TextEncoder().encode('nobody'));
    const client = simulation.client({
      security: { mode: 'psk', identity, key: pskKeyFromBuffer(KEY) },
      handshakeTries: 3,
    });
    const refusal = { code: 'ETIMEDOUT', message: /Finished: wrong key likely/ };
    await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), refusal);
    await simulation.time.advance(60_000);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 0 });
    assert.equal(server.counters?.unknownIdentities, 1);
    assert.equal(server.counters?.handshakesFailed, 1);
  });

  it('where the server is told to, an unknown identity is answered by its alert', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({
      security: { mode: 'psk', lookup: LOOKUP, unknownIdentity: 'alert' },
    });
    const identity = pskIdentityFromBuffer(new TextEncoder().encode('nobody'));
    const client = simulation.client({ security: { mode: 'psk', identity, key: pskKeyFromBuffer(KEY) } });
    await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), {
      code: 'ETLSALERT',
      description: 115,
    });
    assert.deepEqual(server.load, { handshakes: 0, sessions: 0 });
    assert.equal(server.counters?.handshakesFailed, 1);
  });

  it('a wrong key ends in ETIMEDOUT that says so, after the configured tries, in the computed bound', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const key = pskKeyFromBuffer(new Uint8Array(16).fill(9));
    const security = { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key } as const;
    const client = simulation.client({ security, handshakeTries: 3 });
    const started = simulation.time.now();
    const refusal = { code: 'ETIMEDOUT', message: /Finished: wrong key likely/ };
    await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), refusal);
    const took = simulation.time.now() - started;
    assert.ok(took >= 7_000 && took < 8_000, `${took} ms, not 1 + 2 + 4 s and the round trips`);
  });

  it('a key that is looked up late, wrongly or never', async () => {
    const simulation = new Simulation();
    const failures = { throws: 0, rejects: 0 };
    const server = await simulation.listening({
      security: {
        mode: 'psk',
        lookup: async (identity) => {
          await new Promise<void>((resolve) => {
            simulation.time.at((simulation.time.now() + 3_000) as ReturnType<typeof simulation.time.now>, resolve);
          });
          return LOOKUP(identity);
        },
      },
    });
    const client = simulation.client();
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal(server.load.sessions, 1);
    server.close();
    for (const [name, lookup] of [
      [
        'throws',
        () => {
          failures.throws++;
          throw new Error('the database is away');
        },
      ],
      [
        'rejects',
        () => {
          failures.rejects++;
          return Promise.reject(new Error('the database is away'));
        },
      ],
    ] as const) {
      const listener = await simulation.listening({ security: { mode: 'psk', lookup } });
      const refused = simulation.client().connect(SERVER_ADDRESS, SERVER_PORT);
      await assert.rejects(simulation.run(refused), { code: 'ETLSALERT' }, name);
      assert.deepEqual(listener.load, { handshakes: 0, sessions: 0 });
      listener.close();
    }
    assert.ok(failures.throws > 0 && failures.rejects > 0);
    const silent = await simulation.listening({
      handshakeTries: 2,
      security: { mode: 'psk', lookup: () => new Promise(() => undefined) },
    });
    await assert.rejects(simulation.run(simulation.client().connect(SERVER_ADDRESS, SERVER_PORT)));
    await simulation.time.advance(minutes(5));
    assert.deepEqual(silent.load, { handshakes: 0, sessions: 0 });
  });
});
