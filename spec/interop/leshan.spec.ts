// The project's main job on a real server: Leshan registers, reads, writes, observes and executes on our device.

import assert from 'node:assert/strict';
import { opensslDtls } from '../../security-backends/openssl/index.ts';
import {
  type Backends,
  createClient,
  createDevice,
  fromHex,
  nodeBackends,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  utf8Encode,
} from '../../lib/index.ts';
import { startOurDevice } from './peers/our-cli.ts';
import { type Reached, managed } from './leshan-managed.ts';
import { LeshanServer } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const WRONG_KEY = '0f0e0d0c0b0a09080706050403020100';

describe('a device at Leshan', () => {
  needs('leshan');

  let leshan: LeshanServer;
  before(async function () {
    this.timeout(90_000);
    leshan = await LeshanServer.start();
  });
  after(async () => leshan?.stop());

  describe('over coap://', () =>
    managed(() => leshan, {
      endpoint: 'urn:dev:ops:32473-plain',
      scheme: 'coap',
      account: async ({ coapPort }) => ({ port: coapPort }),
    }));
  describe('over coaps://, by the native backend', () => managed(() => leshan, byKey('urn:dev:ops:32473-native')));
  describe('over coaps://, by OpenSSL through FFI', () => {
    needs('openssl');
    const backends = (): Backends => ({ ...nodeBackends(), dtls: opensslDtls() });
    managed(() => leshan, { ...byKey('urn:dev:ops:32473-openssl'), backends });
  });

  it('a wrong key: registering fails with a named error, and Leshan hears nothing of it', async () => {
    await leshan.addPsk('stranger', 'stranger', KEY);
    const client = createClient({
      endpoint: 'stranger',
      objects: [createDevice({ reboot: () => undefined })],
      servers: [
        {
          uri: `coaps://127.0.0.1:${leshan.coapsPort}`,
          security: {
            mode: 'psk',
            identity: pskIdentityFromBuffer(utf8Encode('stranger')),
            key: pskKeyFromBuffer(fromHex(WRONG_KEY)),
          },
          tls: { handshakeTries: 2 },
        },
      ],
    });
    const failed = client.events.next('registrationFailed');
    try {
      await client.start();
      const { error } = await failed;
      assert.match(error.message, /wrong key|alert|bad_record_mac|decrypt_error|handshake_failure/);
      assert.equal(await leshan.registration('stranger'), undefined);
    } finally {
      await client.stop();
    }
  });

  it('the command line device registers over coaps://, and Ctrl-C de-registers it', async () => {
    const endpoint = 'command-line';
    await leshan.addPsk(endpoint, 'an identity: with a colon', KEY);
    const credentials = ['--identity', 'an identity: with a colon', '--key', KEY];
    const uri = `coaps://127.0.0.1:${leshan.coapsPort}`;
    const device = startOurDevice(['--server', uri, '--endpoint', endpoint, ...credentials, '--lifetime', '120']);
    try {
      const registered = await leshan.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
      assert.equal(registered.lifetime, 120);
      assert.equal((await leshan.read(endpoint, '/3/0/0')).success, true);
      device.signal('SIGINT');
      await leshan.events.waitFor('DEREGISTRATION', (data) => data.endpoint === endpoint);
      assert.equal(await device.exited, 0);
      assert.ok(!device.output.includes(KEY));
    } finally {
      await device.stop();
    }
  });
});

function byKey(endpoint: string): Reached {
  return {
    endpoint,
    scheme: 'coaps',
    async account(leshan) {
      await leshan.addPsk(endpoint, endpoint, KEY);
      const identity = pskIdentityFromBuffer(utf8Encode(endpoint));
      return { port: leshan.coapsPort, security: { mode: 'psk', identity, key: pskKeyFromBuffer(fromHex(KEY)) } };
    },
  };
}
