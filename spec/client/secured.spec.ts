// The client over DTLS in the simulated network, against the embedded server.

import assert from 'node:assert/strict';
import { LwM2mClient, LwM2mError, type ServerAccount } from '../../lib/client/index.ts';
import { MemoryLiveSession, MemoryStorage, type Storage } from '../../lib/storage/index.ts';
import { type DatagramSocket, SocketError, TlsAlertError } from '../../lib/net/index.ts';
import { createDevice, createTemperature } from '../../lib/objects/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { LwM2mServer } from '../../lib/server/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

const KEY = new Uint8Array(16).fill(7);

async function scene(conditions: { readonly loss?: number; readonly seed?: number; readonly latency?: number } = {}) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, ...(conditions as object) });
  const sessions: DatagramSocket[] = [];
  const backendOf = (host: string) =>
    nativeDtls({
      datagramSocket: (configuration, environment) => network.datagramSocket(host, configuration, environment),
    });
  const server = new LwM2mServer({ environment: network.environment });
  const listener = backendOf('192.0.2.1').createServer(
    { security: { mode: 'psk', lookup: () => pskKeyFromBuffer(KEY) } },
    network.environment,
  );
  await listener.bind('192.0.2.1', 5684);
  const accept = listener.accept.bind(listener);
  listener.accept = async (options) => {
    const session = await accept(options);
    sessions.push(session);
    return session;
  };
  server.serve(listener);
  const temperature = createTemperature({ 0: { sensorValue: 20 } });
  const client = (
    key: Uint8Array = KEY,
    { tls, storage }: { tls?: ServerAccount['tls']; storage?: Storage } = {},
  ): LwM2mClient =>
    new LwM2mClient({
      ...(storage && { storage }),
      endpoint: 'e',
      objects: [createDevice({ manufacturer: 'x', reboot() {} }), temperature],
      servers: [
        {
          uri: 'coaps://192.0.2.1',
          security: { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('id')), key: pskKeyFromBuffer(key) },
          lifetime: 600,
          ...(tls && { tls }),
        },
      ],
      backends: { dtls: backendOf('198.51.100.7') },
      environment: network.environment,
    });
  return { time, network, server, sessions, client, temperature };
}

describe('client over DTLS', () => {
  it('leaves its session to the next start, where it is kept, and ends it where it de-registers', async () => {
    const liveSession = new MemoryLiveSession();
    const storage = new MemoryStorage();
    const { time, server, sessions, client } = await scene();
    const lines: string[] = [];
    for (const deregister of [false, true]) {
      const device = client(KEY, { tls: { liveSession }, storage });
      device.events.on('registered', () => void lines.push('registered'));
      device.events.on('updated', () => void lines.push('updated'));
      device.events.on(
        'connected',
        ({ negotiated }) => void lines.push(negotiated?.resumed === true ? 'went on' : 'new'),
      );
      await device.start();
      await time.advance(1_000);
      await time.run(device.stop({ deregister }));
    }
    assert.deepEqual(lines, ['new', 'registered', 'went on', 'updated']);
    assert.deepEqual([sessions.length, server.devices.length], [1, 0]);
    assert.equal(liveSession.open()?.read(), undefined);
    server.close();
  });

  it('registers, is read, and leaves', async () => {
    const { time, server, client } = await scene();
    const device = client();
    const events: string[] = [];
    device.events.on('connected', ({ negotiated }) => void events.push(`${negotiated?.version}`));
    device.events.on('registered', () => void events.push('registered'));
    await device.start();
    await time.advance(1_000);
    assert.deepEqual(events, ['DTLS1.2', 'registered']);
    const { entries } = await time.run(server.device('e')!.read('/3303/0/5700'));
    assert.equal(entries[0]?.value, 20);
    await time.run(device.stop());
    assert.equal(server.devices.length, 0);
    server.close();
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`registers and leaves at 10 % loss, seed ${seed}`, async () => {
      const { time, server, client } = await scene({ loss: 0.1, latency: 100, seed } as never);
      const device = client();
      const registered = device.events.next('registered');
      await device.start();
      await time.run(registered);
      await time.run(device.stop());
      server.close();
    });
  }

  it('comes back with an Update when the server ends the session', async () => {
    const { time, server, sessions, client } = await scene();
    const device = client();
    const events: string[] = [];
    for (const name of ['connected', 'registered', 'disconnected', 'updated'] as const) {
      device.events.on(name, () => void events.push(name));
    }
    await device.start();
    await time.advance(100_000);
    const location = server.devices[0]?.registration.id;
    await sessions[0]?.shutdown();
    sessions[0]?.close();
    await time.advance(5_000);
    assert.deepEqual(events, ['connected', 'registered', 'disconnected', 'connected', 'updated']);
    assert.equal(server.devices[0]?.registration.id, location);
    await time.run(device.stop());
    server.close();
  });

  it('with a wrong key reports what is likely, and when it tries again', async () => {
    const { time, server, client } = await scene();
    const device = client(new Uint8Array(16).fill(8));
    const failed = device.events.next('registrationFailed');
    await device.start();
    const { error, retryAfter } = await time.run(failed);
    assert.ok(error instanceof SocketError);
    assert.equal(error.code, 'ETIMEDOUT');
    assert.match(error.message, /wrong key/i);
    assert.equal(retryAfter, 60_000);
    assert.ok(!error.message.includes('0808'));
    await time.run(device.stop());
    server.close();
  });

  it('notes an alert it received at /1/x/11, and none that it sent', async () => {
    for (const direction of ['received', 'sent'] as const) {
      const { time, network } = await scene();
      const alert = new TlsAlertError({ level: 'fatal', description: 115, direction });
      const failing = network.datagramSocket('198.51.100.7');
      failing.connect = () => Promise.reject(new SocketError('ETIMEDOUT', 'no handshake', { cause: alert }));
      const device = new LwM2mClient({
        endpoint: 'e',
        objects: [],
        servers: [{ uri: 'coap://192.0.2.1' }],
        dangerAllowNoSec: true,
        backends: { udp: () => failing },
        environment: network.environment,
      });
      const failed = device.events.next('registrationFailed');
      await device.start();
      await time.run(failed);
      assert.equal(device.server.instance(0).tlsDtlsAlertCode, direction === 'received' ? 115 : undefined);
      await time.run(device.stop());
    }
  });

  it('needs a backend for coaps', () => {
    const security = {
      mode: 'psk',
      identity: pskIdentityFromBuffer(utf8Encode('id')),
      key: pskKeyFromBuffer(KEY),
    } as const;
    assert.throws(
      () => new LwM2mClient({ endpoint: 'e', objects: [], servers: [{ uri: 'coaps://h', security }], backends: {} }),
      (error: unknown) => error instanceof LwM2mError && /backends\.dtls/.test(error.message),
    );
  });
});
