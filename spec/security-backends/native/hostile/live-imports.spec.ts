// A live session that is taken up from what somebody may have left in its place: torn, older, foreign, duplicated. Each leads
// to a full handshake, and works.

import assert from 'node:assert/strict';
import { fromHex, toHex, utf8Encode } from '../../../../lib/bytes/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../../lib/crypto/index.ts';
import type {
  DatagramSocket,
  LiveSessionHandle,
  LiveSessionStore,
  SslConfiguration,
} from '../../../../lib/net/index.ts';
import { IDENTITY, KEY } from '../pair.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from '../sockets.ts';

/** A store whose inside the spec can see and change. */
class OpenStore implements LiveSessionStore {
  state: Uint8Array | undefined;
  generation: number;
  #owned = false;

  constructor(generation = 0, state?: Uint8Array) {
    this.generation = generation;
    this.state = state;
  }

  open(): LiveSessionHandle | undefined {
    if (this.#owned) return undefined;
    this.#owned = true;
    const owner = {
      read: () => this.state?.slice(),
      write: (state: Uint8Array) => void (this.state = state.slice()),
      remove: () => void (this.state = undefined),
      nextGeneration: () => ++this.generation,
      release: () => void (this.#owned = false),
    };
    return Object.defineProperty(owner, 'generation', { get: () => this.generation }) as LiveSessionHandle;
  }
}

async function scene() {
  const simulation = new Simulation();
  const server = await simulation.listening({ connectionId: true });
  const heard: string[] = [];
  const serve = async (): Promise<void> => {
    for (;;) {
      const session = await server.accept();
      const readable = (): void => {
        for (let bytes = session.receive(); bytes !== undefined; bytes = session.receive()) heard.push(toHex(bytes));
      };
      session.handler = { readable, writable: () => undefined, closed: () => undefined };
      readable();
    }
  };
  serve().catch(() => undefined); // until the simulation is over
  const connected = async (
    liveSession: LiveSessionStore,
    more: Partial<SslConfiguration> = {},
    host = SERVER_ADDRESS,
  ): Promise<ReturnType<Simulation['client']>> => {
    const socket = simulation.client({ connectionId: true, liveSession, ...more });
    await simulation.run(socket.connect(host, SERVER_PORT));
    return socket;
  };
  const says = async (socket: DatagramSocket, byte: number): Promise<void> => {
    socket.send(Uint8Array.of(byte));
    await simulation.time.advance(100);
  };
  /** A session that was left behind, and what of it is in the store. */
  const left = async (): Promise<OpenStore & { readonly state: Uint8Array }> => {
    const store = new OpenStore();
    const socket = await connected(store);
    await says(socket, 0x01);
    socket.suspend();
    return Object.assign(store, { state: store.state! });
  };
  return { simulation, server, heard, connected, says, left };
}

/** It is a new session, and works. */
async function isNew(
  { connected, says, heard, server }: Awaited<ReturnType<typeof scene>>,
  store: OpenStore,
  more: Partial<SslConfiguration> = {},
): Promise<void> {
  const [sessions, messages] = [server.counters!.sessionsEstablished, heard.length];
  const socket = await connected(store, more);
  assert.equal(socket.getOption('connectionIdResumed'), false);
  assert.equal(server.counters!.sessionsEstablished, sessions + 1);
  await says(socket, 0x02);
  assert.deepEqual(heard.slice(messages), ['02']);
  socket.close();
}

describe('hostile: taking up a live session', () => {
  it('whole: it goes on, so that what follows can fail', async () => {
    const { left, connected, says, heard, server } = await scene();
    const socket = await connected(await left());
    assert.equal(socket.getOption('connectionIdResumed'), true);
    await says(socket, 0x02);
    assert.deepEqual([heard, server.counters!.sessionsEstablished], [['01', '02'], 1]);
    socket.close();
  });

  it('torn behind any byte: a handshake', async () => {
    const world = await scene();
    const whole = await world.left();
    const { generation } = whole;
    const state = whole.state.slice();
    for (let length = 0; length < state.length; length++) {
      await isNew(world, new OpenStore(generation, state.slice(0, length)));
    }
  });

  it('with more behind it, or of another format: a handshake', async () => {
    const world = await scene();
    const { state, generation } = await world.left();
    await isNew(world, new OpenStore(generation, Uint8Array.of(...state, 0)));
    for (const format of [0, 2, 255]) {
      await isNew(world, new OpenStore(generation, Uint8Array.of(format, ...state.subarray(1))));
    }
    await isNew(world, new OpenStore(generation, new Uint8Array(10_000)));
  });

  it('older than the newest, by one life or by many: a handshake', async () => {
    const world = await scene();
    const store = await world.left();
    const copies = [store.state.slice()];
    for (let life = 0; life < 3; life++) {
      const socket = await world.connected(store);
      assert.equal(socket.getOption('connectionIdResumed'), true);
      socket.suspend();
      copies.push(store.state.slice());
    }
    copies.pop(); // the newest is not old
    for (const copy of copies) await isNew(world, new OpenStore(store.generation, copy));
  });

  it('foreign, of another key, identity, trust or server: a handshake', async () => {
    const world = await scene();
    const { state, generation } = await world.left();
    const identity = pskIdentityFromBuffer(utf8Encode('device-2'));
    const key = pskKeyFromBuffer(fromHex('ff0102030405060708090a0b0c0d0e0f'));
    const ours = { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(KEY) } as const;
    for (const security of [
      { ...ours, identity },
      { ...ours, key },
    ]) {
      const store = new OpenStore(generation, state.slice());
      const sent = protectedRecords(world.simulation);
      const { connected } = world;
      await assert.rejects(connected(store, { security, handshakeTries: 1 }), {
        code: 'ETIMEDOUT', // the server knows neither; the old session would have gone on
      });
      assert.deepEqual(sent(), [0], 'nothing but its own Finished');
      assert.equal(store.state, undefined, 'and it is not kept for a later try');
    }
    await isNew(world, new OpenStore(generation, state.slice()), { serverName: 'another.example' });
    world.simulation.network.names.set('alias.example', [SERVER_ADDRESS]);
    const byName = await world.connected(new OpenStore(generation, state.slice()), {}, 'alias.example');
    assert.equal(byName.getOption('connectionIdResumed'), false);
    byName.close();
  });

  it('duplicated, with the state alone: a store that never saw it shakes hands', async () => {
    const world = await scene();
    const { state } = await world.left();
    await isNew(world, new OpenStore(0, state.slice()));
    await isNew(world, new OpenStore(99, state.slice()));
  });

  it('duplicated, two at once on one store: the second is refused, and the first goes on', async () => {
    const { left, connected, says, heard, simulation } = await scene();
    const store = await left();
    const first = await connected(store);
    const second = simulation.client({ connectionId: true, liveSession: store });
    await assert.rejects(simulation.run(second.connect(SERVER_ADDRESS, SERVER_PORT)), {
      code: 'EPERM',
      message: /another process has it/,
    });
    await says(first, 0x02);
    assert.deepEqual(heard, ['01', '02']);
    first.close();
  });
});

/** Sequence numbers of the records under keys that clients send from now on. */
function protectedRecords({ network }: Simulation): () => readonly number[] {
  const numbers: number[] = [];
  const stop = network.onDatagram(({ address }, _to, datagram) => {
    if (address !== SERVER_ADDRESS) {
      for (let at = 0; at + 13 <= datagram.length;) {
        const view = new DataView(datagram.buffer, datagram.byteOffset + at);
        const isOfId = datagram[at] === 25;
        if (view.getUint16(3) > 0) numbers.push(view.getUint32(7));
        if (isOfId) break; // the length is behind an id
        at += 13 + view.getUint16(11);
      }
    }
    return 'pass';
  });
  return () => {
    stop();
    return numbers;
  };
}
