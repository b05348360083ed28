// The client over TCP in the simulated network, against the embedded server: LwM2M Transport 1.2 §6.4, RFC 8323.

import assert from 'node:assert/strict';
import { LwM2mClient, LwM2mError, type ServerAccount } from '../../lib/client/index.ts';
import { type StreamSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { SimulatedStreamSocket } from '../../lib/net/simulated/stream-socket.ts';
import { createDevice, createTemperature } from '../../lib/objects/index.ts';
import { VirtualTime, milliseconds, minutes } from '../../lib/runtime/index.ts';
import { LwM2mServer } from '../../lib/server/index.ts';

async function scene(account: Partial<ServerAccount> = {}) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, latency: milliseconds(5) });
  const sessions: StreamSocket[] = [];
  const server = new LwM2mServer({ environment: network.environment, dangerAllowNoSec: true });
  const listener = network.streamSocket('192.0.2.1');
  await listener.bind('192.0.2.1', 5683);
  const accept = listener.accept.bind(listener);
  listener.accept = async (options) => {
    const session = await accept(options);
    sessions.push(session);
    return session;
  };
  server.serve(listener);
  const temperature = createTemperature({ 0: { sensorValue: 20 } });
  const device = new LwM2mClient({
    endpoint: 'e',
    objects: [createDevice({ manufacturer: 'x', reboot() {} }), temperature],
    servers: [{ uri: 'coap+tcp://192.0.2.1', lifetime: 600, ...account }],
    backends: { tcp: (configuration, environment) => network.streamSocket('192.0.2.7', configuration, environment) },
    environment: network.environment,
    dangerAllowNoSec: true,
  });
  const lines: string[] = [];
  for (const name of ['connected', 'registered', 'updated', 'disconnected', 'registrationFailed'] as const)
    device.events.on(name, () => void lines.push(name));
  return { time, network, server, listener, sessions, device, temperature, lines };
}

function cutOff(socket: StreamSocket | undefined): void {
  assert.ok(socket instanceof SimulatedStreamSocket);
  socket.reset();
}

describe('client over TCP', () => {
  it('registers with binding T, is read and written, and leaves', async () => {
    const { time, server, device, sessions } = await scene();
    await device.start();
    await time.advance(1_000);
    const { registration } = server.device('e')!;
    assert.equal(registration.binding, 'T');
    const { entries } = await time.run(server.device('e')!.read('/3303/0/5700'));
    assert.equal(entries[0]?.value, 20);
    await time.run(device.stop());
    assert.equal(server.devices.length, 0);
    await time.advance(5_000);
    assert.equal(sessions[0]?.getOption('state'), 'closed');
    server.close();
    await time.advance(1_000);
    assert.equal(time.pending, 0, 'nothing waits that nobody will cancel');
  });

  it('what the server asks right behind its answer to Register is answered', async () => {
    const { time, server, device } = await scene();
    const asked = server.events.next('registered').then(async (event) => event.device.read('/3303/0/5700'));
    await device.start();
    assert.equal((await time.run(asked)).entries[0]?.value, 20);
    await time.run(device.stop());
    server.close();
  });

  it('a lost connection is made anew, an Update follows, and the server observes anew', async () => {
    const { time, server, device, sessions, temperature, lines } = await scene();
    await device.start();
    await time.advance(1_000);
    const heard: unknown[] = [];
    const observed = await time.run(
      server.device('e')!.observe('/3303/0/5700', (result) => {
        heard.push('entries' in result ? result.entries[0]?.value : result.message);
      }),
    );
    temperature[0].sensorValue = 21;
    await time.advance(1_000);
    await time.advance(minutes(5));
    cutOff(sessions[0]);
    await time.advance(1_000);
    assert.deepEqual(lines, ['connected', 'registered', 'disconnected', 'connected', 'updated']);
    temperature[0].sensorValue = 22;
    await time.advance(1_000);
    assert.deepEqual(heard, [21, 21, 22]);
    await time.run(observed.cancel());
    temperature[0].sensorValue = 23;
    await time.advance(1_000);
    assert.deepEqual(heard, [21, 21, 22], 'the observation that was made anew is the one that ends');
    await time.run(device.stop());
    server.close();
  });

  it('what was cancelled meanwhile is not observed anew', async () => {
    const { time, server, device, sessions, temperature } = await scene();
    await device.start();
    await time.advance(minutes(5));
    const heard: unknown[] = [];
    const observed = await time.run(server.device('e')!.observe('/3303/0/5700', (result) => heard.push(result)));
    cutOff(sessions[0]);
    await observed.cancel().catch(() => undefined);
    await time.advance(1_000);
    temperature[0].sensorValue = 22;
    await time.advance(1_000);
    assert.deepEqual(heard, []);
    await time.run(device.stop());
    server.close();
  });

  it('a connection that breaks as soon as it is made is tried again with patience', async () => {
    const { time, server, device, sessions, lines } = await scene();
    await device.start();
    await time.advance(1_000);
    cutOff(sessions[0]);
    await time.advance(10_000);
    assert.deepEqual(lines, ['connected', 'registered', 'disconnected', 'registrationFailed']);
    await time.advance(minutes(2));
    assert.deepEqual(lines.slice(4), ['connected', 'updated']);
    await time.run(device.stop());
    server.close();
  });

  it('a server that does not introduce itself is given up, and tried again', async () => {
    const { time, network, device, server, listener, lines } = await scene();
    server.close();
    listener.close();
    const silent = network.streamSocket('192.0.2.1');
    await silent.bind('192.0.2.1', 5683);
    await device.start();
    await time.advance(60_000);
    assert.deepEqual(lines, ['registrationFailed']);
    await time.run(device.stop());
  });

  it('needs dangerAllowNoSec, and a TLS backend for coaps+tcp', () => {
    const build = (uri: string, more: object = {}) =>
      new LwM2mClient({ endpoint: 'e', objects: [], servers: [{ uri, ...more }], backends: {} });
    assert.throws(
      () => build('coap+tcp://h'),
      (error) => error instanceof LwM2mError && /coaps\+tcp/.test(error.message),
    );
    assert.throws(() => build('coaps+tcp://h'), /servers\[0\]\.security: coaps\+tcp needs credentials/);
  });
});
