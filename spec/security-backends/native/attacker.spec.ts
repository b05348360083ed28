// What an attacker tries who read the code: cost out of proportion, bounds reached from afar, ends nobody is told of.

import assert from 'node:assert/strict';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { type Instant, SeededRandom, minutes, seconds } from '../../../lib/runtime/index.ts';
import type { Endpoint } from '../../../lib/net/index.ts';
import { DEFAULT_LIMITS } from '../../../security-backends/native/connection.ts';
import { CookieGate } from '../../../security-backends/native/cookie-gate.ts';
import { Reassembly } from '../../../security-backends/native/fragments.ts';
import { CLIENT, IDENTITY, KEY } from './pair.ts';
import { MESSAGE, ScriptedPeer, TYPE, join } from './scripted-peer.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';
import { connectedClient, connectedServer, testClient } from './tested.ts';

const SERVER: Endpoint = { address: SERVER_ADDRESS, port: SERVER_PORT };
const DEVICE: Endpoint = { address: '10.7.7.7', port: 7_000 };

/** A ClientHello whose body has `bytes` bytes, filled up with extensions that nobody knows, each type once. */
function helloOf(bytes: number): Uint8Array {
  const fixed = [0xfe, 0xfd, ...new Uint8Array(32).fill(7), 0, 0, 0, 2, 0xc0, 0xa8, 1, 0];
  const room = bytes - fixed.length - 2;
  const extensions: number[] = [];
  for (let type = 100; room - extensions.length >= 8; type++) extensions.push(type >> 8, type & 0xff, 0, 0);
  const rest = room - extensions.length - 4;
  extensions.push(0xfa, 0xfa, 0, rest, ...new Uint8Array(rest));
  const body = join(fixed, [room >> 8, room & 0xff], extensions);
  return new ScriptedPeer('client', KEY).message(MESSAGE.clientHello, body);
}

/** A scripted client at an address of the simulated network. */
class Caller {
  readonly script = new ScriptedPeer('client', KEY);
  readonly heard: Uint8Array[] = [];
  readonly #simulation: Simulation;
  readonly #at: Endpoint;

  constructor(simulation: Simulation, at: Endpoint, random: number) {
    this.#simulation = simulation;
    this.#at = at;
    this.script.clientRandom = new Uint8Array(32).fill(random);
    simulation.network.onDatagram((_from, to, bytes) => {
      if (to.address === at.address && to.port === at.port) this.heard.push(bytes);
      return 'pass';
    });
  }

  async say(datagram: Uint8Array): Promise<void> {
    this.#simulation.network.inject(this.#at, SERVER, datagram);
    await this.#simulation.time.advance(100);
  }

  async hello(): Promise<void> {
    await this.say(this.script.clientHello({ hash: false }));
    const [request] = this.script.messages(this.heard.at(-1)!);
    await this.say(this.script.clientHello({ cookie: request!.body.slice(3) }));
    this.script.take(this.script.messages(this.heard.at(-1)!));
  }

  async finish(): Promise<void> {
    const exchange = this.script.clientKeyExchange(IDENTITY);
    this.script.deriveKeys();
    await this.say(join(exchange, this.script.changeCipherSpec(), this.script.finished()));
  }
}

describe('attacker: cost out of proportion', () => {
  it('parses no hello of a stranger beyond 4096 bytes', () => {
    const gate = new CookieGate({ provider: nodeProvider, random: new SeededRandom(1) });
    const now = 1_000 as Instant;
    assert.equal(gate.inspect(helloOf(4_096), CLIENT, now).kind, 'reply');
    assert.deepEqual(gate.inspect(helloOf(4_097), CLIENT, now), { kind: 'drop', reason: 'malformed' });
  });

  it('holds a message in so many pieces and no more, and a better copy heals it', () => {
    const reassembly = new Reassembly({ ...DEFAULT_LIMITS, reassemblyPieces: 4 }, 0);
    const piece = (offset: number, bytes: Uint8Array): string | undefined =>
      reassembly.add({ type: MESSAGE.serverHello, length: 20, messageSeq: 0, offset, bytes });
    for (let n = 0; n < 4; n++) assert.equal(piece(2 * n, Uint8Array.of(9)), undefined);
    assert.equal(piece(8, Uint8Array.of(9)), 'reassemblyOverflow');
    assert.equal(piece(1, Uint8Array.of(5)), undefined, 'what joins pieces has room');
    assert.equal(reassembly.peek(), undefined);
    assert.equal(piece(0, new Uint8Array(20).fill(3)), undefined);
    assert.deepEqual(reassembly.peek()?.body, new Uint8Array(20).fill(3));
  });

  for (const [role, connected, opening] of [
    ['client', connectedClient, MESSAGE.helloRequest],
    ['server', connectedServer, MESSAGE.clientHello],
  ] as const) {
    it(`${role} answers a flood of requests to renegotiate once in a while`, () => {
      const tested = connected();
      const { script } = tested;
      tested.party.take();
      const request = join([opening], new Uint8Array(11));
      const flood = new Uint8Array(12 * 1_300);
      for (let at = 0; at < flood.length; at += 12) flood.set(request, at);
      for (let n = 0; n < 5; n++) tested.feed(script.record(TYPE.handshake, 1, flood));
      assert.equal(script.records(tested.sent()).length, 1);
      tested.wait(seconds(1)).feed(script.record(TYPE.handshake, 1, flood));
      assert.equal(script.records(tested.sent()).length, 1, 'a peer that did not hear the first answer gets another');
      tested.assertTalks();
    });

    it(`${role} counts nothing as a forgery that has no room for a tag`, () => {
      const tested = connected({ options: { limits: { forgedRecords: 10 } } });
      for (let length = 0; length < 16; length++) {
        const datagram = join([TYPE.applicationData, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 9, length, 0, length]);
        tested.feed(join(datagram, new Uint8Array(length)));
      }
      assert.equal(tested.dropped('badMac'), 16);
      tested.assertTalks();
    });
  }
});

describe('attacker: ends nobody is told of', () => {
  it('a socket whose record numbers are used up is closed, and says so', async () => {
    const simulation = new Simulation();
    const additionalConfiguration = (native: unknown): void =>
      void Object.assign(native as object, { limits: { sealedRecords: 3 } });
    const { client } = await simulation.pair({ additionalConfiguration });
    const ended: (string | undefined)[] = [];
    client.handler = {
      readable: () => undefined,
      writable: () => undefined,
      closed: (cause) => ended.push(cause?.code),
    };
    for (let n = 0; n < 2; n++) client.send(Uint8Array.of(n)); // Finished was the first
    assert.throws(() => client.send(Uint8Array.of(9)), { code: 'EPIPE' });
    assert.equal(client.state, 'closed');
    await simulation.time.advance(0);
    assert.deepEqual(ended, ['EPIPE']);
  });
});

describe('attacker: a server that ends what it has just agreed to', () => {
  for (const [ending, level, description, code] of [
    ['close_notify', 1, 0, 'ECONNABORTED'],
    ['a fatal alert', 2, 80, 'ETLSALERT'],
  ] as const) {
    it(`${ending} in the datagram of its Finished fails the connect, and leaves nothing`, async () => {
      const simulation = new Simulation();
      await scriptedServer(simulation, (script) =>
        join(script.data(Uint8Array.of(1)), script.alert(level, description, 1)),
      );
      const client = simulation.client();
      await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), { code });
      assert.equal(client.state, 'closed');
      await simulation.time.advance(100); // our own close_notify arrives
      assert.equal(simulation.time.pending, 0, 'a timer was left');
    });
  }
});

/** Shakes hands with whoever comes, and says more in the datagram of its Finished. */
async function scriptedServer(simulation: Simulation, more: (script: ScriptedPeer) => Uint8Array): Promise<void> {
  const script = new ScriptedPeer('server', KEY);
  const lower = simulation.network.datagramSocket(SERVER_ADDRESS);
  await simulation.run(lower.bind(SERVER_ADDRESS, SERVER_PORT));
  const answer = (datagram: Uint8Array): Uint8Array | undefined => {
    const messages = script.messages(datagram);
    if (messages[0]?.type === MESSAGE.clientHello) {
      script.take(messages);
      return join(script.serverHello(), script.serverHelloDone());
    }
    if (messages[0]?.type !== MESSAGE.clientKeyExchange) return undefined;
    script.take(messages);
    script.deriveKeys();
    script.take(script.messages(datagram).filter(({ type }) => type === MESSAGE.finished));
    return join(script.changeCipherSpec(), script.finished(), more(script));
  };
  lower.handler = {
    readable: () => {
      const arrival = lower.receiveFrom();
      const reply = arrival && answer(arrival.bytes);
      if (arrival !== undefined && reply !== undefined) lower.sendTo(reply, arrival.from);
    },
    writable: () => undefined,
    closed: () => undefined,
  };
}

describe('attacker: cookies that change', () => {
  const cookies = [1, 2].map((byte) => new Uint8Array(32).fill(byte));

  it('a late HelloVerifyRequest with another cookie does not spoil the hello that is being answered', () => {
    const tested = testClient({ helloVerify: true });
    const { script } = tested;
    tested.sent();
    tested.feed(script.helloVerifyRequest(cookies[0]!));
    script.take(script.messages(tested.sent()));
    tested.feed(script.helloVerifyRequest(cookies[1]!, { messageSeq: 0 }));
    assert.equal(tested.sent().length, 0);
    tested.feed(join(script.serverHello(), script.serverHelloDone()));
    tested.takeClientFinish();
    tested.feed(join(script.changeCipherSpec(), script.finished()));
    tested.assertTalks();
  });

  it('a server that asks again after a retransmission gets its new cookie', () => {
    const tested = testClient({ helloVerify: true });
    const { script } = tested;
    tested.sent();
    tested.feed(script.helloVerifyRequest(cookies[0]!)).timeOut();
    tested.sent();
    tested.feed(script.helloVerifyRequest(cookies[1]!, { messageSeq: 0 }));
    const [hello] = script.messages(tested.sent());
    assert.deepEqual(hello?.body.slice(36, 68), cookies[1]);
  });
});

describe('attacker: look-ups that fail', () => {
  const broken = (): never => {
    throw new Error('no database');
  };
  for (const [what, lookup, description] of [
    ['a failing look-up', broken, 80],
    ['a look-up that fails later', async () => broken(), 80],
    ['an unknown identity', () => undefined, 115],
  ] as const) {
    it(`${what} tells the peer so (alert ${description}), and leaves nothing`, async () => {
      const simulation = new Simulation();
      const server = await simulation.listening({ security: { mode: 'psk', lookup, unknownIdentity: 'alert' } });
      const client = simulation.client();
      const connecting = client.connect(SERVER_ADDRESS, SERVER_PORT);
      await assert.rejects(simulation.run(connecting), { code: 'ETLSALERT', description });
      assert.deepEqual(server.load, { handshakes: 0, sessions: 0 });
      assert.equal(simulation.time.pending, 0, 'a timer was left');
    });
  }
});

describe('attacker: one endpoint, many peers', () => {
  it('a host with many ports crowds out its own handshakes and nobody else', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({ maxHandshakes: 3 });
    const honest = new Caller(simulation, { address: '10.8.8.8', port: 8_000 }, 1);
    await honest.hello();
    for (let n = 0; n < 10; n++) await new Caller(simulation, { ...DEVICE, port: 7_000 + n }, n).hello();
    assert.equal(server.load.handshakes, 3);
    assert.equal(server.counters?.handshakesDisplaced, 8);
    await honest.finish();
    assert.equal(server.load.sessions, 1, 'the honest peer was crowded out');
  });

  it('a peer that starts over hears nothing of the handshake it left', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    await new Caller(simulation, DEVICE, 1).hello();
    const again = new Caller(simulation, DEVICE, 2);
    await again.hello();
    const types = again.heard.flatMap((datagram) => again.script.records(datagram).map(({ type }) => type));
    assert.deepEqual([...new Set(types)], [TYPE.handshake], 'an alert in the clear met the new handshake');
    await again.finish();
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
  });

  it('peers that come and go before anybody accepts them leave a bounded queue', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening({ maxSessions: 2 });
    for (let n = 0; n < 5; n++) {
      const caller = new Caller(simulation, { ...DEVICE, port: 7_000 + n }, n);
      await caller.hello();
      await caller.finish();
      await caller.say(join(caller.script.data(Uint8Array.of(n)), caller.script.alert(1, 0, 1)));
    }
    assert.equal(server.load.sessions, 0);
    let accepted = 0;
    const signal = AbortSignal.abort();
    for (;;) {
      const session = await Promise.race([server.accept(), server.accept({ signal }).catch(() => undefined)]);
      if (session === undefined) break;
      accepted++;
    }
    assert.ok(accepted > 0 && accepted <= 2, `${accepted} sessions waited`);
    await simulation.time.advance(minutes(5));
    assert.equal(simulation.time.pending, 0);
  });
});
