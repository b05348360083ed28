// What the package's own backends have by default, as an application meets it.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createClient, nodeBackends, privateKeyFromBuffer, rawPublicKeyFromBuffer } from '../lib/index.ts';
import { createDevice } from '../lib/objects/index.ts';
import { systemEnvironment } from '../lib/runtime/index.ts';
import { LwM2mServer } from '../lib/server/index.ts';
import { utf8Encode } from '../lib/bytes/index.ts';

const SERVER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const DEVICE = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = (key: typeof SERVER.publicKey): Uint8Array => Uint8Array.from(key.export({ type: 'spki', format: 'der' }));
const encrypted = DEVICE.privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'a password',
});

describe('nodeBackends', () => {
  const deviceWith = (password: string | undefined, port: number) =>
    createClient({
      endpoint: 'e',
      objects: [createDevice({ manufacturer: 'x', reboot() {} })],
      servers: [
        {
          uri: `coaps://127.0.0.1:${port}`,
          lifetime: 600,
          security: {
            mode: 'rawPublicKey',
            serverKeys: rawPublicKeyFromBuffer(der(SERVER.publicKey)),
            privateKey: privateKeyFromBuffer(utf8Encode(`${encrypted}`), password),
          },
        },
      ],
    });

  it('open encrypted private keys: a client registers with one', async () => {
    const environment = systemEnvironment();
    const privateKey = SERVER.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const listener = nodeBackends().dtls.createServer(
      {
        security: {
          mode: 'rawPublicKey',
          publicKey: rawPublicKeyFromBuffer(der(SERVER.publicKey)),
          privateKey: privateKeyFromBuffer(utf8Encode(`${privateKey}`)),
          accept: (spki) => Buffer.from(spki).equals(der(DEVICE.publicKey)),
        },
      },
      environment,
    );
    await listener.bind('127.0.0.1', 0);
    const server = new LwM2mServer({ environment });
    server.serve(listener);
    const client = deviceWith('a password', listener.local!.port);
    try {
      const registered = client.events.next('registered');
      await client.start();
      await registered;
      assert.equal(server.devices[0]?.endpoint, 'e');
    } finally {
      await client.stop();
      server.close();
    }
  });

  it('say that the password is wrong, and not what it was', async () => {
    const client = deviceWith('another', 9);
    const failed = client.events.next('registrationFailed');
    await client.start();
    const { error } = await failed;
    await client.stop();
    assert.ok(error instanceof Error);
    assert.match(error.message, /privateKey.*password/);
    assert.doesNotMatch(error.message, /another/);
  });

  it('want a password with an encrypted key', () => {
    assert.throws(() => deviceWith(undefined, 9), {
      code: 'ECONFIG',
      message: /^servers\[0\]\.security: .*encrypted: expected a password/,
    });
  });
});
