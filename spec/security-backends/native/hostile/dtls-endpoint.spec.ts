// One endpoint among strangers: floods, strays, two roles between the same two addresses, peers that come and go.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Endpoint } from '../../../../lib/net/index.ts';
import { SeededRandom, milliseconds, minutes, seconds } from '../../../../lib/runtime/index.ts';
import type { DtlsEndpoint } from '../../../../security-backends/native/endpoint.ts';
import { A, B, Network, bytes, textOf } from '../endpoints.ts';
import { MESSAGE, ScriptedPeer, TYPE } from '../scripted-peer.ts';

const KEY = bytes('a key of 16 byte');
const ATTACKER: Endpoint = { address: '10.66.66.66', port: 6_666 };

/** What waits, as text; handshakes left out. */
function messages(endpoint: DtlsEndpoint): readonly string[] {
  const told: string[] = [];
  for (;;) {
    try {
      const received = endpoint.receiveNow();
      if (received.kind === 'data') told.push(`${received.session.role} ${textOf(received)}`);
    } catch {
      return told;
    }
  }
}

/** Shows the cookie of `from` and says no more. */
async function halfOpen(network: Network, from: Endpoint, random: number): Promise<void> {
  const script = new ScriptedPeer('client', KEY);
  script.clientRandom = new SeededRandom(random).bytes(32);
  let cookie: Uint8Array | undefined;
  const off = network.network.onDatagram((_, to, datagram) => {
    const [message] = to.port === from.port && to.address === from.address ? script.messages(datagram) : [];
    if (message?.type === MESSAGE.helloVerifyRequest) cookie = message.body.slice(3);
    return 'pass';
  });
  network.network.inject(from, B, script.clientHello({ hash: false }));
  await network.time.advance(milliseconds(50));
  off();
  assert.ok(cookie, 'no cookie came');
  network.network.inject(from, B, script.clientHello({ cookie }));
  await network.time.advance(milliseconds(50));
}

describe('hostile: an endpoint and floods', () => {
  it('hellos without a cookie leave nothing behind', async () => {
    const network = new Network();
    const b = await network.endpoint(B);
    for (let i = 0; i < 500; i++) {
      const script = new ScriptedPeer('client', KEY);
      script.clientRandom = new SeededRandom(i).bytes(32);
      network.network.inject({ address: `10.9.${i >> 8}.${i & 255}`, port: 1_000 + i }, B, script.clientHello());
    }
    await network.time.advance(seconds(1));
    assert.deepEqual(b.load, { handshakes: 0, sessions: 0 });
    assert.deepEqual([...b.sessions()], []);
    assert.equal(b.counters.cookiesSent, 500);
    assert.equal(network.time.pending, 0);
  });

  it('handshakes that nobody finishes are bounded and go; calls of ours and sessions are not touched', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B, { maxHandshakes: 5, maxSessions: 3 })];
    const session = await network.run(a.connect(B));
    const nobody = b.session({ address: '10.0.0.77', port: 1 });
    const failing = assert.rejects(nobody.connect(), /ETIMEDOUT/);
    for (let i = 0; i < 20; i++) await halfOpen(network, { address: `10.8.0.${i + 1}`, port: 1_000 }, i);
    assert.equal(b.load.handshakes, 6);
    assert.equal(nobody.state, 'connecting');
    session.sendNow(bytes('still here'));
    await network.run(failing);
    await network.time.advance(minutes(5));
    assert.deepEqual(b.load, { handshakes: 0, sessions: 1 });
    assert.deepEqual(messages(b), ['server still here']);
    assert.equal(network.time.pending, 0);
  });

  it('clients beyond maxSessions take the place of the longest idle one, never of a session we made', async () => {
    const network = new Network();
    const hub = await network.endpoint(B, { maxSessions: 3 });
    await network.endpoint(A);
    const ours = await network.run(hub.connect(A));
    for (let i = 0; i < 6; i++) {
      const client = await network.endpoint({ address: `10.0.3.${i + 1}`, port: 1 });
      await network.run(client.connect(B));
    }
    assert.equal(ours.state, 'connected');
    assert.equal(hub.counters.sessionsDisplaced, 3);
    const remaining = [...hub.sessions()].map(({ remote }) => remote.address);
    assert.deepEqual(remaining, [A.address, '10.0.3.4', '10.0.3.5', '10.0.3.6']);
  });

  it('a peer that renews without end has one session', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    for (let i = 0; i < 50; i++) await network.run(session.renew());
    await network.time.advance(seconds(1));
    assert.deepEqual([a.load, b.load], Array(2).fill({ handshakes: 0, sessions: 1 }));
    assert.equal([...b.sessions()].length, 1);
    assert.equal(network.time.pending, 0);
  });
});

describe('hostile: an endpoint and strays', () => {
  it('arbitrary datagrams, from anywhere, neither throw nor harm a session nor leave anything', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    const record = fc
      .tuple(fc.constantFrom(20, 21, 22, 23, 24, 25, 0), fc.constantFrom(0, 0, 1, 2), fc.uint8Array({ maxLength: 80 }))
      .map(([type, epoch, body]) =>
        Uint8Array.of(type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9, 0, body.length, ...body),
      );
    const from = fc.constantFrom(A, ATTACKER);
    await fc.assert(
      fc.asyncProperty(from, fc.oneof(record, fc.uint8Array({ maxLength: 120 })), async (stranger, datagram) => {
        network.network.inject(stranger, B, datagram);
        await network.time.advance(milliseconds(30));
      }),
      { numRuns: 1_000 },
    );
    await network.time.advance(minutes(5));
    session.sendNow(bytes('unharmed'));
    await network.time.advance(seconds(1));
    assert.deepEqual(messages(b), ['server unharmed']);
    assert.deepEqual(b.load, { handshakes: 0, sessions: 1 });
  });

  it("a server's messages from where we have not called are strays", async () => {
    const network = new Network();
    const b = await network.endpoint(B);
    const script = new ScriptedPeer('server', KEY);
    for (const datagram of [script.helloVerifyRequest(bytes('cookie')), script.serverHello(), script.alert(2, 40)]) {
      network.network.inject(ATTACKER, B, datagram);
    }
    await network.time.advance(seconds(1));
    assert.equal(b.counters.straysDropped, 3);
    assert.deepEqual(b.load, { handshakes: 0, sessions: 0 });
  });

  it('alerts in the clear end neither a session nor, at once, a handshake', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    const fatal = new ScriptedPeer('server', KEY).alert(2, 40);
    network.network.inject(B, A, fatal);
    const renewing = session.renew();
    network.network.inject(B, A, fatal);
    await network.run(renewing);
    session.sendNow(bytes('unharmed'));
    await network.time.advance(seconds(1));
    assert.deepEqual(messages(b), ['server unharmed']);
  });

  it('a handler that throws harms no other peer of the same arrival', async () => {
    const network = new Network();
    let reads = 0;
    const read = (): never => {
      reads++;
      throw new Error('a mistake of the user');
    };
    const b = await network.endpoint(B, { handlers: { read } });
    const peers = await Promise.all([1, 2, 3].map((n) => network.endpoint({ address: `10.0.4.${n}`, port: 1 })));
    for (const peer of peers) await network.run(peer.connect(B));
    for (const peer of peers) peer.session(B).sendNow(bytes('x'));
    await network.time.advance(seconds(1));
    assert.equal(reads, 3);
    assert.equal(b.load.sessions, 3);
  });
});

describe('hostile: two roles between the same two addresses', () => {
  async function bothCall(network: Network): Promise<readonly [DtlsEndpoint, DtlsEndpoint]> {
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    await network.run(Promise.all([a.connect(B), b.connect(A)]));
    return [a, b];
  }

  it('both call at once: each gets its session, and each message goes to the session it was sent on', async () => {
    const network = new Network();
    const [a, b] = await bothCall(network);
    await network.time.advance(seconds(1));
    assert.deepEqual([a.load, b.load], Array(2).fill({ handshakes: 0, sessions: 2 }));
    const waited = [a, b].map(({ dropped }) => dropped.hellos > 0);
    assert.deepEqual(
      waited.toSorted((one, other) => Number(one) - Number(other)),
      [false, true],
      'one of both waits for the other',
    );
    const [ofA, ofB] = [[...a.sessions()], [...b.sessions()]];
    assert.deepEqual(
      ofA.map(({ role }) => role),
      ['client', 'server'],
    );
    for (let i = 0; i < 3; i++) {
      for (const session of ofA) session.sendNow(bytes(`${session.role} ${i}`));
      for (const session of ofB) session.sendNow(bytes(`${session.role} ${i}`));
      await network.time.advance(seconds(1));
    }
    const expected = [0, 1, 2].flatMap((i) => [`client server ${i}`, `server client ${i}`]);
    assert.deepEqual(messages(a).toSorted(), expected.toSorted());
    assert.deepEqual(messages(b).toSorted(), expected.toSorted());
  });

  it('both call at once on networks that lose, repeat and reorder: seeds 1 to 100', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const network = new Network({ seed, loss: 0.1, duplication: 0.1, reordering: 0.2, latency: milliseconds(20) });
      const [a, b] = await bothCall(network);
      await network.time.advance(minutes(10));
      assert.deepEqual([a.load, b.load], Array(2).fill({ handshakes: 0, sessions: 2 }), `seed ${seed}`);
      assert.equal(network.time.pending, 0, `seed ${seed}`);
    }
  });

  it('the end of one leaves the other', async () => {
    const network = new Network();
    const [a, b] = await bothCall(network);
    a.session(B).close();
    await network.time.advance(seconds(1));
    assert.deepEqual([a.load.sessions, b.load.sessions], [1, 1]);
    b.session(A).sendNow(bytes('still'));
    await network.time.advance(seconds(1));
    assert.deepEqual(messages(a), ['server still']);
  });

  it('a forged hello of the server we call does not keep us from it', async () => {
    for (const random of [0x00, 0xff]) {
      const network = new Network({ latency: milliseconds(40) });
      const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
      const calling = a.connect(B);
      const script = new ScriptedPeer('client', KEY);
      script.clientRandom = new Uint8Array(32).fill(random);
      for (let i = 0; i < 20; i++) {
        network.network.inject(B, A, script.clientHello({ hash: false }));
        await network.time.advance(milliseconds(10));
      }
      assert.equal((await network.run(calling)).state, 'connected');
      assert.ok(network.time.now() < seconds(1), 'it took a retransmission');
      b.close();
    }
  });

  it("a client's messages in the clear do not end our own call", async () => {
    const network = new Network({ latency: milliseconds(40) });
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const calling = a.connect(B);
    const script = new ScriptedPeer('client', KEY);
    for (let i = 0; i < 20; i++) {
      const raw = Uint8Array.of(MESSAGE.certificate, 0, 0, 3, 0, i % 5, 0, 0, 0, 0, 0, 3, 0, 0, 0);
      network.network.inject(B, A, script.record(TYPE.handshake, 0, raw));
      await network.time.advance(milliseconds(10));
    }
    assert.equal((await network.run(calling)).state, 'connected');
    b.close();
  });
});
