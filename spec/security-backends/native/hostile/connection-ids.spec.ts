// Ids that are nobody's or of another length, and type 25 where nothing was agreed on, at sockets: what came is counted and
// dropped, whoever sent it is told nothing, and the session goes on.

import assert from 'node:assert/strict';
import { DecodeError, concatBytes } from '../../../../lib/bytes/index.ts';
import type { DatagramSocket, Endpoint } from '../../../../lib/net/index.ts';
import { connectionIdExtension, decodeConnectionId } from '../../../../security-backends/native/extension-bodies.ts';
import { EXTENSION_TYPE } from '../../../../security-backends/native/extensions.ts';
import { Simulation } from '../sockets.ts';

const ID_AT = 11; // behind type, version, epoch and sequence number (RFC 9146 §4)
const ID_BYTES = 6;
const STRANGER: Endpoint = { address: '198.51.100.66', port: 6_666 };

/** A session in which a record of the client is held back, to be changed and sent on. */
async function scene(ids: boolean) {
  const simulation = new Simulation();
  const pair = await simulation.pair({ connectionId: ids }, { connectionId: ids && { length: ID_BYTES } });
  const { client, session } = pair;
  const [near, far] = [client.local!, client.remote!];
  const heard: Record<'client' | 'server', string[]> = { client: [], server: [] };
  session.handler = listener(session, heard.server);
  client.handler = listener(client, heard.client);
  const answers: Endpoint[] = [];
  let held: Uint8Array | undefined;
  let holding = false;
  simulation.network.onDatagram((from, to, datagram) => {
    if (same(from, far)) answers.push(to);
    if (!holding || !same(from, near)) return 'pass';
    held = datagram.slice();
    return 'drop';
  });
  const record = (): Uint8Array => {
    holding = true;
    client.send(Uint8Array.of(0x78));
    holding = false;
    return held!;
  };
  const arrives = async (datagram: Uint8Array, from: Endpoint, to = far): Promise<void> => {
    simulation.network.inject(from, to, datagram);
    await simulation.time.advance(100);
  };
  const talks = async (): Promise<void> => {
    const before = [heard.client.length, heard.server.length];
    client.send(new TextEncoder().encode('ping'));
    session.send(new TextEncoder().encode('pong'));
    await simulation.time.advance(100);
    assert.deepEqual([heard.client.length - before[0]!, heard.server.length - before[1]!], [1, 1]);
    assert.deepEqual([session.remote, client.remote], [near, far]);
  };
  return { ...pair, simulation, near, far, heard, answers, record, arrives, talks };
}

function listener(socket: DatagramSocket, into: string[]): NonNullable<DatagramSocket['handler']> {
  const readable = (): void => {
    for (let bytes = socket.receive(); bytes !== undefined; bytes = socket.receive()) {
      into.push(new TextDecoder().decode(bytes));
    }
  };
  return { readable, writable: () => undefined, closed: () => undefined };
}

function same(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

function withId(record: Uint8Array, id: Uint8Array): Uint8Array {
  return concatBytes(record.subarray(0, ID_AT), id, record.subarray(ID_AT + ID_BYTES));
}

describe('hostile: connection ids', () => {
  for (const length of [0, 1, 5, 7, 20, 255]) {
    it(`of ${length} bytes in a record, where there are ${ID_BYTES}: dropped, wherever it comes from`, async () => {
      const { record, arrives, talks, heard, near, answers } = await scene(true);
      const genuine = record();
      const own = genuine.subarray(ID_AT, ID_AT + ID_BYTES);
      const id = concatBytes(own, new Uint8Array(255)).subarray(0, length);
      for (const from of [STRANGER, near]) await arrives(withId(genuine, id), from);
      assert.deepEqual(heard.server, []);
      assert.deepEqual(answers, []);
      await talks();
      await arrives(genuine, near);
      assert.deepEqual(heard.server, ['ping', 'x'], 'the genuine one had not been used up');
    });
  }

  it('that nobody has: dropped, told to nobody, and nothing is kept', async () => {
    const { record, arrives, talks, heard, near, answers, server } = await scene(true);
    const genuine = record();
    const strays = server.counters!.straysDropped;
    for (const fill of [0x00, 0x5a, 0xff]) {
      for (const from of [STRANGER, near]) await arrives(withId(genuine, new Uint8Array(ID_BYTES).fill(fill)), from);
    }
    assert.equal(server.counters!.straysDropped, strays + 6);
    assert.deepEqual([heard.server, answers], [[], []]);
    assert.deepEqual([server.counters!.handshakesStarted, server.counters!.sessionsMoved], [1, 0]);
    await talks();
  });

  it('cut off behind every byte of a datagram: dropped', async () => {
    const { record, arrives, talks, heard, near, answers } = await scene(true);
    const genuine = record();
    for (let length = 0; length < genuine.length; length++) {
      for (const from of [STRANGER, near]) await arrives(genuine.subarray(0, length), from);
    }
    assert.deepEqual([heard.server, answers], [[], []]);
    await talks();
  });

  it('the id of another session, in a record of this one: dropped', async () => {
    const { simulation, record, arrives, talks, heard, near, far, answers, server } = await scene(true);
    const other = simulation.client({ connectionId: true });
    const accepted = server.accept();
    await simulation.run(other.connect(far.address, far.port));
    const theirs = await simulation.run(accepted);
    let id: Uint8Array | undefined;
    simulation.network.onDatagram((from, _to, datagram) => {
      if (same(from, other.local!)) id = datagram.slice(ID_AT, ID_AT + ID_BYTES);
      return 'pass';
    });
    other.send(Uint8Array.of(0x79));
    await simulation.time.advance(100);
    assert.deepEqual(theirs.receive(), Uint8Array.of(0x79));
    const ours = record();
    answers.length = 0;
    assert.notDeepEqual(ours.subarray(ID_AT, ID_AT + ID_BYTES), id);
    for (const from of [STRANGER, near, other.local!]) await arrives(withId(ours, id!), from);
    assert.deepEqual([heard.server, theirs.receive(), answers], [[], undefined, []]);
    assert.deepEqual(theirs.remote, other.local);
    await talks();
  });

  it('type 25 without negotiation: dropped by the server and by the client, from whoever it comes', async () => {
    const { record, arrives, talks, heard, near, far, answers } = await scene(false);
    const plain = record();
    const typed = Uint8Array.of(25, ...plain.subarray(1));
    const withSome = concatBytes(typed.subarray(0, ID_AT), new Uint8Array(ID_BYTES), typed.subarray(ID_AT));
    for (const bad of [typed, withSome]) {
      for (const from of [STRANGER, near]) await arrives(bad, from);
      for (const from of [STRANGER, far]) await arrives(bad, from, near);
    }
    assert.deepEqual([heard.server, heard.client, answers], [[], [], []]);
    await talks();
  });

  it('in an extension whose length is not its own: DecodeError', () => {
    const type = EXTENSION_TYPE.connectionId;
    for (const body of [[], [1], [6, 1, 2, 3], [0, 0], [255], [2, 1, 2, 3]]) {
      assert.throws(() => decodeConnectionId({ type, body: Uint8Array.from(body) }), DecodeError);
    }
    for (const length of [0, 1, 255]) {
      const id = new Uint8Array(length).fill(7);
      assert.deepEqual(decodeConnectionId(connectionIdExtension(id)), id);
    }
  });

  it('of a length that is none, in a configuration: EINVAL', () => {
    for (const length of [-1, 1.5, 33, 256, Number.NaN]) {
      assert.throws(() => new Simulation().server({ connectionId: { length } }), { code: 'EINVAL' });
    }
  });
});
