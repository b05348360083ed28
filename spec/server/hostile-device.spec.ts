// Devices that are who they say they are, and abuse it: other devices stay as they were, memory is bounded, the server goes on.

import assert from 'node:assert/strict';
import { type CoapConnection, RESPONSE_CODES, UdpCoapConnection } from '../../lib/coap/index.ts';
import type { DatagramSocket, Negotiated } from '../../lib/net/index.ts';
import { LwM2mServer, type LwM2mServerOptions, type ReadResult, type ServerEvents } from '../../lib/server/index.ts';
import { VirtualTime, milliseconds } from '../../lib/runtime/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

const LINKS = utf8Encode('</>;rt="oma.lwm2m",</1/0>,</3/0>');

/** A session that says it was secured, with the peer's address as its identity. */
function secured(socket: DatagramSocket): DatagramSocket {
  return new Proxy(socket, {
    get(target, key) {
      if (key === 'secure') return true;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key === 'accept') return async (options: object) => secured(await target.accept(options));
      if (key === 'getOption') {
        return (name: Parameters<DatagramSocket['getOption']>[0]) => {
          if (name !== 'negotiated') return target.getOption(name);
          return { pskIdentity: utf8Encode(target.remote?.address ?? '') } as Partial<Negotiated>;
        };
      }
      return value.bind(target) as unknown;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

async function house(options: LwM2mServerOptions = {}) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, latency: milliseconds(5) });
  const listener = network.datagramSocket('10.0.0.1');
  await time.run(listener.bind('10.0.0.1', 5683));
  const server = new LwM2mServer({ environment: network.environment, ...options });
  server.serve(secured(listener));
  const refusals: string[] = [];
  server.events.on('refused', ({ reason }) => void refusals.push(reason));
  const connect = async (address: string): Promise<CoapConnection> => {
    const socket = network.datagramSocket(address);
    await time.run(socket.connect('10.0.0.1', 5683));
    return new UdpCoapConnection(socket, network.environment);
  };
  const register = async (connection: CoapConnection, endpoint: string, payload = LINKS, more: string[] = []) => {
    const query = [`ep=${endpoint}`, ...more];
    return time.run(connection.request({ method: 'POST', path: ['rd'], query, payload, contentFormat: 40 }));
  };
  return { time, server, connect, register, refusals };
}

describe('A hostile device', () => {
  it('cannot register, update or remove what is another identity’s', async () => {
    const { time, server, connect, register } = await house();
    const [victim, thief] = [await connect('10.0.0.2'), await connect('10.0.0.3')];
    const at = (await register(victim, 'meter')).locationPath;
    const before = server.device('meter')!.registration;
    assert.equal((await register(thief, 'meter')).code, RESPONSE_CODES.forbidden);
    for (const method of ['POST', 'DELETE'] as const) {
      const { code } = await time.run(thief.request({ method, path: at, query: ['lt=1'] }));
      assert.equal(code, RESPONSE_CODES.notFound, 'as if it were not there');
    }
    assert.equal(server.device('meter')!.registration, before);
    await time.advance(10_000);
    assert.equal(server.devices.length, 1);
    server.close();
  });

  it('cannot take names that only look like others', async () => {
    const { server, connect, register, refusals } = await house();
    const device = await connect('10.0.0.2');
    for (const name of ['meter\u0000', '\u001b[2J', 'a\nb', '\u009b31m', '\u007f', '']) {
      assert.equal((await register(device, name)).code, RESPONSE_CODES.badRequest, JSON.stringify(name));
    }
    assert.deepEqual(server.devices, []);
    for (const reason of refusals) assert.ok(!/\p{Cc}/u.test(reason), JSON.stringify(reason));
    server.close();
  });

  it('has a bounded number of registrations, which others do not pay for', async () => {
    const { time, server, connect, register } = await house({ limits: { maxPerIdentity: 3 } });
    const [greedy, other] = [await connect('10.0.0.2'), await connect('10.0.0.3')];
    const codes: number[] = [];
    let last: readonly string[] = [];
    for (let i = 0; i < 5; i++) {
      const response = await register(greedy, `g${i}`);
      codes.push(response.code);
      if (response.code === RESPONSE_CODES.created) last = response.locationPath;
    }
    assert.deepEqual(codes, [0x41, 0x41, 0x41, RESPONSE_CODES.forbidden, RESPONSE_CODES.forbidden]);
    assert.equal((await register(greedy, 'g0')).code, RESPONSE_CODES.created, 'one it has may be renewed');
    assert.equal((await register(other, 'o')).code, RESPONSE_CODES.created);
    await time.run(greedy.request({ method: 'DELETE', path: last }));
    assert.equal(
      (await register(greedy, 'g9', LINKS, ['lt=10'])).code,
      RESPONSE_CODES.created,
      'one that went counts no more',
    );
    await time.advance(11_000);
    assert.equal((await register(greedy, 'g10')).code, RESPONSE_CODES.created, 'nor one that expired');
    server.close();
  });

  it('has a bounded list of objects, and all devices together have', async () => {
    const { time, server, connect, register } = await house({
      limits: { maxLinkBytes: 1_000, maxTotalLinkBytes: 2_000 + 2 * 128 },
    });
    const device = await connect('10.0.0.2');
    const links = (bytes: number) => utf8Encode(`</3/0>;x="${'y'.repeat(bytes - 11)}"`);
    assert.equal((await register(device, 'a', links(1_001))).code, RESPONSE_CODES.badRequest);
    assert.equal((await register(device, 'a', links(900))).code, RESPONSE_CODES.created);
    const at = (await register(device, 'b', links(900))).locationPath;
    assert.equal((await register(device, 'c', links(900))).code, RESPONSE_CODES.serviceUnavailable);
    const grown = await time.run(
      device.request({ method: 'POST', path: at, payload: links(1_000), contentFormat: 40 }),
    );
    assert.equal(grown.code, RESPONSE_CODES.changed);
    assert.equal((await register(device, 'd', links(101))).code, RESPONSE_CODES.serviceUnavailable);
    await time.run(device.request({ method: 'DELETE', path: at }));
    assert.equal((await register(device, 'd', links(900))).code, RESPONSE_CODES.created);
    server.close();
  });

  it('pays for many short links what they take in memory, not what they take on the wire', async () => {
    const { server, connect, register } = await house({ limits: { maxTotalLinkBytes: 20_000 } });
    const device = await connect('10.0.0.2');
    const links = utf8Encode(Array.from({ length: 100 }, () => '<>').join(','));
    assert.equal((await register(device, 'a', links)).code, RESPONSE_CODES.created);
    assert.equal((await register(device, 'b', links)).code, RESPONSE_CODES.serviceUnavailable);
    assert.equal((await register(device, 'a', links)).code, RESPONSE_CODES.created, 'in place of its own');
    server.close();
  });

  it('lists an instance once, and ids that there cannot be not at all', async () => {
    const { server, connect, register } = await house();
    const links = '</>;rt="oma.lwm2m",</3/0>,</3/0>,</3/65534>,</3/65535>,</99999/0>,</3/0/1>,<coap://x/3/7>';
    await register(await connect('10.0.0.2'), 'a', utf8Encode(links));
    const { objects } = server.device('a')!.registration;
    assert.deepEqual([...objects], [[3, { version: undefined, instances: [0, 65_534] }]]);
    server.close();
  });

  it('gets a refusal of bounded length', async () => {
    const { server, connect, register } = await house({ mayRegister: () => false });
    const response = await register(await connect('10.0.0.2'), '"'.repeat(250));
    assert.equal(response.code, RESPONSE_CODES.forbidden);
    assert.ok(response.payload.length <= 256);
    server.close();
  });
});

describe('The embedded server', () => {
  it('counts relative times of Send and Read from its clock (RFC 8428 §4.5.3)', async () => {
    const { time, server, connect, register } = await house();
    const device = await connect('10.0.0.2');
    const pack = utf8Encode('[{"n":"/3303/0/5700","t":-10,"v":20}]');
    device.handler = () => ({ code: RESPONSE_CODES.content, contentFormat: 110, payload: pack });
    await register(device, 'a');
    const sent: ReadResult[] = [];
    server.events.on('sent', ({ result }) => void sent.push(result));
    const { code } = await time.run(
      device.request({ method: 'POST', path: ['dp'], contentFormat: 110, payload: pack }),
    );
    assert.equal(code, RESPONSE_CODES.changed);
    await time.advance(10);
    const read = await time.run(server.device('a')!.read('/3303/0/5700'));
    for (const { entries } of [...sent, read]) {
      const { timestamp } = entries[0]!;
      assert.ok(timestamp !== undefined && Math.abs(time.wallTime() - 10_000 - timestamp) < 100, `${timestamp}`);
    }
    assert.equal(sent.length, 1);
    server.close();
  });

  it('goes on when every listener throws', async () => {
    const { time, server, connect, register } = await house();
    const heard = new Set<string>();
    const names = ['connected', 'disconnected', 'registered', 'updated', 'deregistered', 'expired', 'sent', 'refused'];
    for (const name of names as (keyof ServerEvents)[]) {
      server.events.on(name, () => {
        heard.add(name);
        throw new Error('boom');
      });
    }
    const device = await connect('10.0.0.2');
    const at = (await register(device, 'a')).locationPath;
    const ask = (method: 'POST' | 'DELETE', path: readonly string[], payload: Uint8Array = new Uint8Array(0)) =>
      time.run(device.request({ method, path, payload, contentFormat: payload.length === 0 ? undefined : 110 }));
    assert.equal((await ask('POST', at)).code, RESPONSE_CODES.changed);
    assert.equal((await ask('POST', ['dp'], utf8Encode('[{"n":"/3/0/9","v":1}]'))).code, RESPONSE_CODES.changed);
    assert.equal((await ask('POST', ['nowhere'])).code, RESPONSE_CODES.notFound);
    assert.equal((await ask('DELETE', at)).code, RESPONSE_CODES.deleted);
    await register(device, 'b', LINKS, ['lt=5']);
    await register(device, 'c', LINKS, ['lt=5']);
    await time.advance(6_000);
    assert.deepEqual(server.devices, [], 'both expired');
    names.splice(names.indexOf('disconnected'), 1);
    assert.deepEqual(
      names.filter((name) => !heard.has(name)),
      [],
    );
    server.close();
  });
});
