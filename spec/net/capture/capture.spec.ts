// Recording on the simulated network: what is written, in which order, and that the socket does not notice.

import assert from 'node:assert/strict';
import { concatBytes, utf8Encode } from '../../../lib/bytes/index.ts';
import { Capture, captured } from '../../../lib/net/capture/index.ts';
import { SimulatedNetwork } from '../../../lib/net/simulated/index.ts';
import { VirtualTime, settle } from '../../../lib/runtime/index.ts';
import { type ReadBlock, readBlocks } from './blocks.ts';

const SERVER = '10.9.0.1';
const PORT = 5684;

/** A network, and a recording of what is asked for. */
class Studio {
  readonly time = new VirtualTime();
  readonly network = new SimulatedNetwork({ time: this.time });
  readonly written: Uint8Array[] = [];
  readonly capture = new Capture({ clock: this.time, write: (block) => void this.written.push(block) });

  blocks(): ReadBlock[] {
    return readBlocks(concatBytes(...this.written));
  }

  packets(): NonNullable<ReadBlock['packet']>[] {
    return this.blocks().flatMap(({ packet }) => packet ?? []);
  }
}

describe('Capture', () => {
  it('records both ways with times, ports and directions, and changes nothing', async () => {
    const studio = new Studio();
    const { time, network, capture } = studio;
    const server = network.datagramSocket(SERVER);
    await time.run(server.bind(SERVER, PORT));
    const client = captured(network.datagramSocket(), capture);
    await time.run(client.connect(SERVER, PORT));
    client.send(utf8Encode('question'));
    await time.advance(10);
    const { bytes, from } = server.receiveFrom()!;
    assert.deepEqual(bytes, utf8Encode('question'));
    server.sendTo(utf8Encode('answer'), from);
    await time.advance(10);
    assert.deepEqual(client.receive(), utf8Encode('answer'));
    assert.equal(client.receive(), undefined);
    await settle();

    assert.deepEqual(
      studio.blocks().map(({ type }) => type),
      [0x0a0d0d0a, 1, 6, 6],
    );
    const start = BigInt(Date.UTC(2026, 0, 1)) * 1_000n;
    const own = client.local!.port;
    assert.deepEqual(studio.packets(), [
      { at: start, direction: 2, ports: [own, PORT], payload: utf8Encode('question') },
      { at: start + 20_000n, direction: 1, ports: [PORT, own], payload: utf8Encode('answer') },
    ]);
  });

  it('records what a listening socket sends and takes, and what it accepts', async () => {
    const studio = new Studio();
    const { time, network, capture } = studio;
    const server = captured(network.datagramSocket(SERVER), capture);
    await time.run(server.bind(SERVER, PORT));
    const client = network.datagramSocket();
    await time.run(client.connect(SERVER, PORT));
    client.send(utf8Encode('one'));
    await time.advance(10);
    server.sendTo(utf8Encode('two'), server.receiveFrom()!.from);
    client.send(utf8Encode('three'));
    const session = await time.run(server.accept());
    assert.deepEqual(await time.run(session.next()), utf8Encode('three'));
    session.send(utf8Encode('four'));
    assert.deepEqual(
      studio.packets().map(({ payload, direction }) => `${direction} ${new TextDecoder().decode(payload)}`),
      ['1 one', '2 two', '1 three', '2 four'],
    );
  });

  it('writes the secrets that a datagram brings before that datagram, and before what follows', async () => {
    const studio = new Studio();
    const peer = { address: '10.0.0.1', port: 1 };
    studio.capture.record('received', Uint8Array.of(1), peer, peer);
    studio.capture.keyLog('CLIENT_RANDOM aa bb');
    studio.capture.record('sent', Uint8Array.of(2), peer, peer);
    studio.capture.record('received', Uint8Array.of(3), peer, peer);
    await settle();
    assert.deepEqual(
      studio.blocks().map(({ type, secrets, packet }) => secrets ?? packet?.payload[0] ?? type),
      [0x0a0d0d0a, 1, 'CLIENT_RANDOM aa bb\n', 1, 2, 3],
    );
  });

  it('does not record what was not sent', () => {
    const studio = new Studio();
    const socket = captured(studio.network.datagramSocket(), studio.capture);
    assert.throws(() => socket.send(Uint8Array.of(1)), { code: 'EBADF' });
    assert.deepEqual(studio.packets(), []);
  });
});
