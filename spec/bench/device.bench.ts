// A device at work: reads and notifications over loopback between two processes, the way of a change to its datagram, and
// ten thousand observations with attributes.

import { fileURLToPath } from 'node:url';
import { type CoapConnection, RESPONSE_CODES, serveCoap } from '../../lib/coap/index.ts';
import { FLIP, type Meters, createMeters, meterPaths } from './device-objects.ts';
import { LwM2mServer, PskStore, type RegisteredDevice } from '../../lib/server/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime, systemEnvironment } from '../../lib/runtime/index.ts';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import type { BenchResult } from './bench.ts';
import { LwM2mClient } from '../../lib/client/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { startPeer } from '../interop/peers/process.ts';
import { udpSocket } from '../../lib/net/node/index.ts';

const IDENTITY = 'bench';
const KEY = '000102030405060708090a0b0c0d0e0f';
const OBSERVED = 64;
const READS = 1_000;
const FLIPS = 30;
const ROUNDS = 5;
const WARM_UP_ROUNDS = 2;
const CHANGES = 500;
const MANY = 10_000;
const FAR = fileURLToPath(new URL('./device-peer.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));

export async function run(): Promise<readonly BenchResult[]> {
  const plain = await overLoopback('coap');
  const secured = await overLoopback('coaps');
  return [
    { name: 'reads, UDP', value: plain.reads, unit: '/s' },
    { name: 'reads, DTLS', value: secured.reads, unit: '/s', ratioTo: 'reads, UDP' },
    { name: `notifications, UDP, ${OBSERVED} at once`, value: plain.notifications, unit: '/s' },
    {
      name: `notifications, DTLS, ${OBSERVED} at once`,
      value: secured.notifications,
      unit: '/s',
      ratioTo: `notifications, UDP, ${OBSERVED} at once`,
    },
    ...(await fromChangeToDatagram()),
    ...(await manyObservations()),
  ];
}

interface Rates {
  readonly reads: number;
  readonly notifications: number;
}

async function overLoopback(scheme: 'coap' | 'coaps'): Promise<Rates> {
  const environment = systemEnvironment();
  const server = new LwM2mServer({ dangerAllowNoSec: scheme === 'coap' });
  const keys = new PskStore();
  keys.add({ identity: utf8Encode(IDENTITY), key: fromHex(KEY) });
  const security = { mode: 'psk', lookup: keys.lookup } as const;
  const listener =
    scheme === 'coap'
      ? udpSocket({}, environment)
      : nativeDtls({ datagramSocket: udpSocket }).createServer({ security }, environment);
  await listener.bind('127.0.0.1', 0);
  server.serve(listener);
  const registered = server.events.next('registered');
  const uri = `${scheme}://127.0.0.1:${listener.local!.port}`;
  const args = ['--import', TSX, FAR, uri, IDENTITY, KEY, `${OBSERVED}`];
  const peer = await startPeer(process.execPath, args, /^registered$/m);
  try {
    const { device } = await registered;
    return { reads: await readRate(device), notifications: await notificationRate(device) };
  } finally {
    await peer.stop();
    server.close();
    keys.close();
  }
}

function readRate(device: RegisteredDevice): Promise<number> {
  const [path] = meterPaths(1);
  return bestRate(READS, async () => {
    for (let i = 0; i < READS; i++) {
      const { code } = await device.connection.request({ method: 'GET', path: path!, accept: 0 });
      if (code !== RESPONSE_CODES.content) throw new Error(`a read was answered ${code}`);
    }
  });
}

/** The server executes a resource that changes all that it observes, and waits until it has heard of all. */
async function notificationRate(device: RegisteredDevice): Promise<number> {
  let left = 0;
  let heardAll: () => void = () => undefined;
  for (const path of meterPaths(OBSERVED).filter((each) => each[2] === '0')) {
    await device.connection.observe({ method: 'GET', path, accept: 0 }, () => {
      if (--left === 0) heardAll();
    });
  }
  return bestRate(FLIPS * OBSERVED, async () => {
    for (let i = 0; i < FLIPS; i++) {
      left = OBSERVED;
      const all = new Promise<void>((resolve) => (heardAll = resolve));
      await device.connection.request({ method: 'POST', path: [String(FLIP), '0', '0'] });
      await all;
    }
  });
}

/** Per second, the best of several rounds of `count`. */
async function bestRate(count: number, round: () => Promise<void>): Promise<number> {
  let best = 0;
  for (let i = 0; i < WARM_UP_ROUNDS + ROUNDS; i++) {
    const start = process.hrtime.bigint();
    await round();
    if (i >= WARM_UP_ROUNDS) best = Math.max(best, count / (Number(process.hrtime.bigint() - start) / 1e9));
  }
  return best;
}

/** A device and its server in this process, over real UDP: from the assignment until the socket is given the notification. */
async function fromChangeToDatagram(): Promise<readonly BenchResult[]> {
  const environment = systemEnvironment();
  let sent: () => void = () => undefined;
  const listener = udpSocket({}, environment);
  await listener.bind('127.0.0.1', 0);
  const meters = createMeters(1);
  const connection = await atServer(listener, meters, () => sent());
  await connection.server.observe({ method: 'GET', path: meterPaths(1)[0]!, accept: 0 }, () => undefined);
  const times: number[] = [];
  for (let value = 1; value <= CHANGES; value++) {
    await new Promise((resolve) => void setTimeout(resolve, 1));
    const leaves = new Promise<bigint>((resolve) => (sent = () => resolve(process.hrtime.bigint())));
    const start = process.hrtime.bigint();
    meters.set(0, 'value0', value);
    times.push(Number((await leaves) - start) / 1_000);
  }
  sent = () => undefined;
  await connection.client.stop();
  listener.close();
  times.sort((a, b) => a - b);
  return [
    { name: 'change to datagram, median', value: times[CHANGES >> 1]!, unit: 'µs' },
    { name: 'change to datagram, 95 of 100', value: times[Math.floor(CHANGES * 0.95)]!, unit: 'µs' },
  ];
}

async function atServer(
  listener: DatagramSocket,
  meters: Meters,
  sent: () => void,
): Promise<{ readonly server: CoapConnection; readonly client: LwM2mClient }> {
  const environment = systemEnvironment();
  const arrived = new Promise<CoapConnection>((resolve) => {
    serveCoap(listener, environment, (connection) => {
      connection.handler = () => ({ code: RESPONSE_CODES.created, locationPath: ['rd', '1'] });
      resolve(connection);
    });
  });
  const client = new LwM2mClient({
    endpoint: IDENTITY,
    objects: [meters],
    servers: [{ uri: `coap://127.0.0.1:${listener.local!.port}` }],
    backends: {
      udp: (...configured) => {
        const socket = udpSocket(...configured);
        const send = socket.send.bind(socket);
        socket.send = (bytes) => {
          sent();
          send(bytes);
        };
        return socket;
      },
    },
    environment,
    dangerAllowNoSec: true,
  });
  const registered = client.events.next('registered');
  await client.start();
  await registered;
  return { server: await arrived, client };
}

/** Over the simulated network, so that what is measured is the device and not the host's sockets. */
async function manyObservations(): Promise<readonly BenchResult[]> {
  const instances = MANY / 10;
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const listener = network.datagramSocket('192.0.2.1');
  await listener.bind('192.0.2.1', 5683);
  let server: CoapConnection | undefined;
  const registered = (connection: CoapConnection): void => {
    connection.handler = () => ({ code: RESPONSE_CODES.created, locationPath: ['rd', '1'] });
    server = connection;
  };
  serveCoap(listener, network.environment, registered, { maxOpenTokens: 2 * MANY });
  const meters = createMeters(instances);
  const client = new LwM2mClient({
    endpoint: IDENTITY,
    objects: [meters],
    servers: [{ uri: 'coap://192.0.2.1', lifetime: 0 }],
    backends: {
      udp: (configuration, environment) => network.datagramSocket('198.51.100.7', configuration, environment),
    },
    environment: network.environment,
    dangerAllowNoSec: true,
    maxObservations: MANY,
    maxAttributePaths: MANY,
  });
  await client.start();
  await time.advance(60_000);
  const before = heapBytes();
  const start = process.hrtime.bigint();
  let heard = 0;
  for (const path of meterPaths(instances)) {
    const query = ['pmin=1', 'pmax=3600', 'gt=10', 'st=0.5'];
    await time.run(server!.request({ method: 'PUT', path, query }));
    await time.run(server!.observe({ method: 'GET', path, accept: 0 }, () => heard++));
  }
  const setUp = Number(process.hrtime.bigint() - start) / MANY / 1_000;
  const bytes = (heapBytes() - before) / MANY;
  const evaluated = process.hrtime.bigint();
  for (let id = 0; id < instances; id++) {
    for (let at = 0; at < 10; at++) meters.set(id, `value${at}`, 20);
    await time.advance(100); // a socket holds so many datagrams and no more
  }
  await time.advance(1_000);
  const each = Number(process.hrtime.bigint() - evaluated) / MANY / 1_000;
  if (heard !== MANY) throw new Error(`${heard} of ${MANY} notifications were heard`);
  await time.run(client.stop());
  return [
    { name: `${MANY} observations with attributes: memory of each, with its server's side`, value: bytes, unit: 'B' },
    { name: `${MANY} observations with attributes: Write-Attributes and Observe`, value: setUp, unit: 'µs' },
    { name: `${MANY} observations with attributes: a change, evaluated, told and heard`, value: each, unit: 'µs' },
  ];
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
