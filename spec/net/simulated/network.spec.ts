import assert from 'node:assert/strict';
import type { DatagramSocket } from '../../../lib/net/index.ts';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../../lib/net/simulated/index.ts';
import { VirtualTime, milliseconds, seconds } from '../../../lib/runtime/index.ts';

const A = { address: '10.0.1.1', port: 1000 };
const B = { address: '10.0.1.2', port: 2000 };

interface World {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly a: DatagramSocket;
  /** What arrived at B: the first two bytes as a number, and when. */
  readonly arrivals: { readonly number: number; readonly at: number }[];
}

async function world(options: Partial<SimulatedNetworkOptions> = {}): Promise<World> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, ...options });
  const [a, b] = [network.datagramSocket(A.address), network.datagramSocket(B.address)];
  await a.bind(A.address, A.port);
  await b.bind(B.address, B.port);
  await a.connect(B.address, B.port);
  const arrivals: World['arrivals'] = [];
  b.handler = {
    readable: () => {
      const bytes = b.receive() ?? new Uint8Array(2);
      arrivals.push({ number: bytes[0]! * 256 + bytes[1]!, at: time.now() });
    },
    writable: () => undefined,
    closed: () => undefined,
  };
  return { time, network, a, arrivals };
}

async function sendMany({ a, time }: World, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    a.send(Uint8Array.of(number >> 8, number & 0xff));
    await time.advance(1);
  }
  await time.advance(60_000);
}

describe('net: simulated network', () => {
  it('delivers after the latency, in order, nothing else', async () => {
    const here = await world({ latency: milliseconds(25) });
    await sendMany(here, 3);
    assert.deepEqual(here.arrivals, [
      { number: 0, at: 25 },
      { number: 1, at: 26 },
      { number: 2, at: 27 },
    ]);
  });

  it('loses about the share asked for', async () => {
    const here = await world({ loss: 0.3, seed: 7 });
    await sendMany(here, 2_000);
    const share = here.network.traffic.lost / 2_000;
    assert.ok(share > 0.26 && share < 0.34, `${share}`);
    assert.equal(here.arrivals.length, 2_000 - here.network.traffic.lost);
  });

  it('duplicates about the share asked for', async () => {
    const here = await world({ duplication: 0.2, seed: 7 });
    await sendMany(here, 2_000);
    const extra = here.arrivals.length - 2_000;
    assert.equal(extra, here.network.traffic.duplicated);
    assert.ok(extra > 320 && extra < 480, `${extra}`);
  });

  it('reorders about the share asked for, and only then', async () => {
    const overtaken = async (reordering: number): Promise<number> => {
      const here = await world({ reordering, jitter: milliseconds(40), seed: 3 });
      await sendMany(here, 1_000);
      assert.equal(here.arrivals.length, 1_000);
      let highest = -1;
      let late = 0;
      for (const { number } of here.arrivals) {
        if (number < highest) late++;
        highest = Math.max(highest, number);
      }
      return late;
    };
    assert.equal(await overtaken(0), 0);
    const late = await overtaken(0.2);
    assert.ok(late > 80 && late < 250, `${late}`);
  });

  it('repeats itself with the same seed, and not with another', async () => {
    const run = async (seed: number): Promise<World['arrivals']> => {
      const here = await world({ loss: 0.2, duplication: 0.1, reordering: 0.2, jitter: milliseconds(5), seed });
      await sendMany(here, 200);
      return here.arrivals;
    };
    assert.deepEqual(await run(1), await run(1));
    assert.notDeepEqual(await run(1), await run(2));
  });

  it('changes its conditions at run time, one way if asked', async () => {
    const here = await world();
    here.network.setConditions({ loss: 1 }, { from: B.address });
    await sendMany(here, 5);
    assert.equal(here.arrivals.length, 5, 'the other way is untouched');
    here.network.setConditions({ loss: 1 });
    await sendMany(here, 5);
    assert.equal(here.arrivals.length, 5, 'everything is lost');
    assert.throws(() => here.network.setConditions({ loss: 1.5 }), { code: 'EINVAL', message: /loss/ });
    here.network.setConditions({ loss: 0, latency: seconds(1) });
    await sendMany(here, 1);
    assert.equal(here.arrivals.length, 6);
  });

  it('shows every datagram to its taps, which drop or replace', async () => {
    const here = await world();
    const seen: string[] = [];
    const off = here.network.onDatagram((from, to, bytes) => {
      seen.push(`${from.port}>${to.port}:${bytes.join()}`);
      if (bytes[1] === 0) return 'drop';
      return bytes[1] === 1 ? Uint8Array.of(0, 9) : 'pass';
    });
    await sendMany(here, 3);
    assert.deepEqual(
      here.arrivals.map(({ number }) => number),
      [9, 2],
    );
    assert.deepEqual(seen, ['1000>2000:0,0', '1000>2000:0,1', '1000>2000:0,2']);
    off();
    await sendMany(here, 1);
    assert.equal(here.arrivals.length, 3);
    assert.equal(here.network.traffic.dropped, 1);
  });

  it('carries what an attacker injects, from whatever address', async () => {
    const here = await world();
    here.network.inject({ address: '203.0.113.66', port: 666 }, B, Uint8Array.of(1, 1));
    await here.time.advance(100);
    assert.equal(here.arrivals[0]?.number, 257);
  });

  it('keeps to its own MTU where it is below that of the socket', async () => {
    const { a } = await world({ mtu: 576 });
    assert.equal(a.getOption('mtu'), 576);
    assert.throws(() => a.send(new Uint8Array(549)), { code: 'EMSGSIZE' });
    a.send(new Uint8Array(548));
  });

  it('refuses a foreign address, and one across families', async () => {
    const network = new SimulatedNetwork({ time: new VirtualTime() });
    await assert.rejects(network.datagramSocket('10.0.0.1').bind('10.0.0.2', 1), { code: 'EADDRNOTAVAIL' });
    await assert.rejects(network.datagramSocket('10.0.0.1').connect('fd00::9', 1), { code: 'ENETUNREACH' });
    assert.throws(() => network.datagramSocket('somewhere'), { code: 'EINVAL' });
  });

  it('lets two sockets share a port only if both say so', async () => {
    const network = new SimulatedNetwork({ time: new VirtualTime() });
    const shared = { reuseAddress: true };
    await network.datagramSocket(A.address, shared).bind(A.address, 1);
    await network.datagramSocket(A.address, shared).bind(A.address, 1);
    await assert.rejects(network.datagramSocket(A.address).bind(A.address, 1), { code: 'EADDRINUSE' });
  });

  it('resolves names by family and prefers an endpoint', async () => {
    const network = new SimulatedNetwork({ time: new VirtualTime() });
    network.names.set('both.example', ['fd00::7', '10.0.0.7', '10.0.0.8']);
    const six = network.datagramSocket();
    await six.connect('both.example', 5683);
    assert.equal(six.remote?.address, 'fd00::7');
    const four = network.datagramSocket(undefined, { forcedAddressFamily: 'ipv4' });
    await four.connect('both.example', 5683);
    assert.equal(four.remote?.address, '10.0.0.7');
    const known = network.datagramSocket(undefined, { preferredEndpoint: { address: '10.0.0.8', port: 5683 } });
    await known.connect('both.example', 5683);
    assert.equal(known.remote?.address, '10.0.0.8');
  });
});
