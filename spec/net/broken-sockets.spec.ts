// Every conformance case fails on a socket that breaks its rule: a case that cannot fail proves nothing.

import assert from 'node:assert/strict';
import { ALL_CASES, ConformanceError, type SocketFixture, socketCases } from '../../lib/net/conformance/index.ts';
import { type DatagramSocket, SocketError } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { BREAKAGES, brokenFixture } from './broken-sockets.ts';
import { simulatedDatagrams, simulatedStreams } from './fixtures.ts';
import { DEAF_PORT, PassThroughSocket } from './pass-through.ts';

describe('net: broken sockets fail their case', () => {
  it('every case has a broken socket, and every broken socket a case', () => {
    const names = ALL_CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, 'names are unique');
    assert.deepEqual(names.toSorted(), Object.keys(BREAKAGES).toSorted());
  });

  for (const { name, needs = [] } of ALL_CASES) {
    it(name, async () => {
      const layered = needs.some((feature) => feature.startsWith('decorate') || feature === 'handshakeTimeouts');
      const makers = layered ? [passThrough] : [simulatedDatagrams, simulatedStreams];
      const applicable = makers.filter((make) => caseNamed(name, make()) !== undefined);
      assert.ok(applicable.length > 0, 'some fixture has what the case needs');
      for (const make of applicable) {
        await caseNamed(name, make())?.run();
        const failing = caseNamed(name, brokenFixture(make(), BREAKAGES[name] ?? {}));
        await assert.rejects(
          async () => failing?.run(),
          (error) => error instanceof ConformanceError || error instanceof SocketError,
          `the broken socket passes "${name}"`,
        );
      }
    });
  }
});

function caseNamed(name: string, fixture: SocketFixture): ReturnType<typeof socketCases>[number] | undefined {
  return socketCases(fixture).find((each) => each.name === name);
}

/** A good layer, tried only where a layer is needed: it cannot connect by itself. */
function passThrough(): SocketFixture {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const lower = async (port: number): Promise<DatagramSocket> => {
    const socket = network.datagramSocket();
    await socket.connect('10.1.2.3', port);
    return socket;
  };
  return {
    name: 'pass-through',
    transport: 'datagram',
    secure: false,
    features: new Set(['decorate', 'decorateFails', 'handshakeTimeouts'] as const),
    environment: network.environment,
    address: '10.1.2.3',
    host: '10.1.2.3',
    socket: () => new PassThroughSocket(network.environment),
    listener: () => network.datagramSocket('10.1.2.3'),
    run: (promise) => time.run(promise),
    lower,
    failingLower: () => lower(DEAF_PORT),
  };
}
