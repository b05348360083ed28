// A client whose address changes, and whoever would like it to: DTLS-PITFALLS rule 18, RFC 9146 §6.

import assert from 'node:assert/strict';
import type { DatagramSocket, Endpoint } from '../../../../lib/net/index.ts';
import { Simulation } from '../sockets.ts';

type Verdict = 'pass' | 'drop';

/** A client with an id behind a NAT: what it sends comes from `outside`, what comes for `outside` goes to it. */
async function behindNat(server: object = {}) {
  const simulation = new Simulation();
  const pair = await simulation.pair({ connectionId: true }, { connectionId: true, ...server });
  const { client, session } = pair;
  const inside: Endpoint = client.local!;
  const listener: Endpoint = client.remote!;
  const nat: { outside: Endpoint; last: Uint8Array | undefined; held: Uint8Array[]; hold: boolean } = {
    outside: inside,
    last: undefined,
    held: [],
    hold: false,
  };
  const toOutside: number[] = [];
  simulation.network.onDatagram((from, to, bytes): Verdict => {
    if (same(from, inside) && same(to, listener)) {
      nat.last = bytes.slice();
      if (nat.hold) {
        nat.held.push(bytes.slice());
        return 'drop';
      }
      if (same(nat.outside, inside)) return 'pass';
      simulation.network.inject(nat.outside, listener, bytes);
      return 'drop';
    }
    if (same(from, listener) && same(to, nat.outside)) {
      toOutside.push(bytes.length);
      if (same(nat.outside, inside)) return 'pass';
      simulation.network.inject(listener, inside, bytes);
      return 'drop';
    }
    return 'pass';
  });
  const heard: string[] = [];
  session.handler = { readable: () => drain(session, heard), writable: () => undefined, closed: () => undefined };
  const answered: string[] = [];
  client.handler = { readable: () => drain(client, answered), writable: () => undefined, closed: () => undefined };
  const say = async (text: string): Promise<void> => {
    client.send(new TextEncoder().encode(text));
    await simulation.time.advance(100);
  };
  const answer = async (text: string): Promise<void> => {
    session.send(new TextEncoder().encode(text));
    await simulation.time.advance(100);
  };
  return { ...pair, simulation, nat, listener, inside, heard, answered, say, answer, toOutside };
}

function same(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

function drain(socket: DatagramSocket, into: string[]): void {
  for (let bytes = socket.receive(); bytes !== undefined; bytes = socket.receive()) {
    into.push(new TextDecoder().decode(bytes));
  }
}

const ELSEWHERE: Endpoint = { address: '203.0.113.9', port: 40_001 };
const ATTACKER: Endpoint = { address: '198.51.100.66', port: 6_666 };

describe('hostile: the address of a client', () => {
  it('follows its newest record, both ways, without a handshake', async () => {
    const { nat, say, answer, heard, answered, session, server } = await behindNat();
    await say('one');
    nat.outside = ELSEWHERE;
    await say('two');
    assert.deepEqual(heard, ['one', 'two']);
    assert.deepEqual(session.remote, ELSEWHERE);
    await answer('back');
    assert.deepEqual(answered, ['back']);
    assert.equal(server.counters?.sessionsMoved, 1);
    assert.equal(server.counters?.handshakesStarted, 1);
    nat.outside = { ...ELSEWHERE, port: 40_002 };
    await say('three');
    assert.deepEqual([heard.at(-1), session.remote?.port], ['three', 40_002]);
  });

  it('is answered where it is already in the very call that hears of it', async () => {
    const { nat, say, answered, session } = await behindNat();
    session.handler = {
      readable: () => {
        drain(session, []);
        session.send(Uint8Array.of(0x21));
      },
      writable: () => undefined,
      closed: () => undefined,
    };
    nat.outside = ELSEWHERE;
    await say('where am I?');
    assert.deepEqual(answered, ['!']);
  });

  it('stays where it was for a replayed record, however often', async () => {
    const { nat, say, simulation, listener, heard, session, inside, server } = await behindNat();
    await say('one');
    for (let i = 0; i < 3; i++) simulation.network.inject(ATTACKER, listener, nat.last!);
    await simulation.time.advance(100);
    assert.deepEqual([heard, session.remote], [['one'], inside]);
    assert.equal(server.counters?.sessionsMoved, 0);
  });

  it('stays where it was for a forged record with its id', async () => {
    const { nat, say, simulation, listener, session, inside } = await behindNat();
    await say('one');
    for (let at = 0; at < nat.last!.length; at++) {
      const forged = nat.last!.slice();
      forged[at]! ^= 1;
      simulation.network.inject(ATTACKER, listener, forged);
    }
    await simulation.time.advance(100);
    assert.deepEqual(session.remote, inside);
    await say('two');
  });

  it('stays where it was for an old record that comes late from the old address', async () => {
    const { nat, say, simulation, listener, heard, session, inside } = await behindNat();
    nat.hold = true;
    await say('late');
    nat.hold = false;
    nat.outside = ELSEWHERE;
    await say('new');
    simulation.network.inject(inside, listener, nat.held[0]!);
    await simulation.time.advance(100);
    assert.deepEqual(heard, ['new', 'late'], 'it is genuine, so it is heard');
    assert.deepEqual(session.remote, ELSEWHERE);
  });

  it('whoever sends its newest record on from elsewhere is sent little, and loses it at the next one', async () => {
    const { nat, say, simulation, listener, session, inside, heard } = await behindNat();
    await say('one');
    nat.hold = true;
    await say('two');
    nat.hold = false;
    const [stolen] = nat.held;
    simulation.network.inject(ATTACKER, listener, stolen!);
    await simulation.time.advance(100);
    assert.deepEqual(session.remote, ATTACKER);
    let sent = 0;
    assert.throws(
      () => {
        for (; ; sent++) session.send(new Uint8Array(20));
      },
      { code: 'EAGAIN', message: /not proven/ },
    );
    assert.ok(sent >= 1 && sent < 6, `${sent} datagrams went to an address that has shown nothing`);
    await say('three');
    assert.deepEqual([session.remote, heard], [inside, ['one', 'two', 'three']]);
    session.send(new Uint8Array(20));
  });

  it('once proven is sent whatever there is', async () => {
    const { nat, say, answer, session, simulation } = await behindNat();
    nat.outside = ELSEWHERE;
    await say('one');
    await answer('x');
    await say('two');
    for (let i = 0; i < 50; i++) session.send(new Uint8Array(500));
    await simulation.time.advance(100);
  });

  it('is never taken from somebody who is known by it alone', async () => {
    const { nat, say, simulation, session, inside, server, heard } = await behindNat();
    const bystander = simulation.client();
    const accepted = server.accept();
    await simulation.run(bystander.connect('10.1.2.3', 5684));
    const other = await simulation.run(accepted);
    nat.outside = bystander.local!;
    await say('one');
    assert.deepEqual(heard, ['one'], 'the record is genuine');
    assert.deepEqual(session.remote, inside);
    bystander.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    assert.deepEqual(other.receive(), Uint8Array.of(1));
  });

  it('of its server is never followed by a client', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair({ connectionId: { length: 4 } }, { connectionId: true });
    const at = client.remote!;
    simulation.network.onDatagram((from, to, bytes): Verdict => {
      if (!same(from, at) || !same(to, client.local!)) return 'pass';
      simulation.network.inject(ATTACKER, to, bytes);
      return 'drop';
    });
    session.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    assert.equal(client.receive(), undefined, 'a connected socket hears its server alone');
    assert.deepEqual(client.remote, at);
  });
});
