// What Leshan has of a device that restarts without a word of leaving: its observations go on, over the same port and over a
// resumed session; and opaque values that the application gives and takes in parts.

import assert from 'node:assert/strict';
import {
  MemoryStorage,
  type OpaqueStream,
  type ServerAccount,
  createClient,
  createDevice,
  createTemperature,
  defineObject,
  fromHex,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  sessionsIn,
  toHex,
  utf8Encode,
} from '../../lib/index.ts';
import { LeshanServer } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';
import { succeeded } from './leshan-device.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const VALUE = '/3303/0/5700';

/** As in Leshan's models. */
const Test = defineObject({
  id: 33_333,
  name: 'Every Type',
  multiple: true,
  resources: { opaque: { id: 5, name: 'Opaque', operations: 'RW', type: 'opaque' } },
});

describe('a device that restarts, at Leshan', () => {
  needs('leshan');

  let leshan: LeshanServer;
  before(async function () {
    this.timeout(90_000);
    leshan = await LeshanServer.start();
  });
  after(async () => leshan?.stop());

  async function survives(endpoint: string, account: ServerAccount, storage = new MemoryStorage()): Promise<void> {
    const temperature = createTemperature({ 0: { sensorValue: 20 } });
    const objects = [createDevice({ reboot: () => undefined }), temperature];
    const sessions: unknown[] = [];
    const begin = async () => {
      const client = createClient({ endpoint, objects, storage, servers: [account], dangerAllowNoSec: true });
      const connected = client.events.next('connected');
      await client.start();
      sessions.push((await connected).negotiated?.resumed);
      return client;
    };
    const notified = (value: number) =>
      leshan.events.waitFor(
        'NOTIFICATION',
        ({ ep, res, val }) => ep === endpoint && res === VALUE && 'value' in val && Number(val.value) === value,
      );
    const first = await begin();
    await leshan.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
    succeeded(await leshan.observe(endpoint, VALUE, 'SENML_CBOR'), 'CONTENT(205)');
    temperature[0].sensorValue = 21;
    await notified(21);
    await first.stop({ deregister: false });
    temperature[0].sensorValue = 22;
    const second = await begin();
    try {
      await notified(22);
      temperature[0].sensorValue = 23;
      await notified(23);
      assert.deepEqual(sessions, account.security === undefined ? [undefined, undefined] : [undefined, true]);
      assert.equal(leshan.events.heard('REGISTRATION', (data) => data.endpoint === endpoint).length, 1);
    } finally {
      await second.stop();
    }
  }

  it('goes on with its observations over coap://, from the same port', () =>
    survives('restart-plain', { uri: `coap://127.0.0.1:${leshan.coapPort}` }));

  it('goes on with them over coaps://, by a session resumed', async () => {
    const endpoint = 'restart-secured';
    await leshan.addPsk(endpoint, endpoint, KEY);
    const identity = pskIdentityFromBuffer(utf8Encode(endpoint));
    const security = { mode: 'psk', identity, key: pskKeyFromBuffer(fromHex(KEY)) } as const;
    const storage = new MemoryStorage();
    const uri = `coaps://127.0.0.1:${leshan.coapsPort}`;
    await survives(endpoint, { uri, security, tls: { sessionStore: sessionsIn(storage) } }, storage);
  });

  it('gives and takes opaque values in parts', async () => {
    const endpoint = 'in-parts';
    let bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i & 0xff);
    const taken: number[] = [];
    const data: OpaqueStream = {
      read: () => ({ byteLength: bytes.length, read: (offset, length) => bytes.slice(offset, offset + length) }),
      async write(_id, parts) {
        const all: number[] = [];
        for await (const part of parts) {
          taken.push(part.length);
          all.push(...part);
        }
        bytes = Uint8Array.from(all);
      },
    };
    const test = Test.create({ 0: {} }, { streams: { opaque: data } });
    const client = createClient({
      endpoint,
      objects: [createDevice({ reboot: () => undefined }), test],
      servers: [{ uri: `coap://127.0.0.1:${leshan.coapPort}` }],
      dangerAllowNoSec: true,
    });
    await client.start();
    try {
      await leshan.events.waitFor('REGISTRATION', (registered) => registered.endpoint === endpoint);
      const path = '/33333/0/5';
      for (const format of ['OPAQUE', 'SENML_CBOR', 'TLV'] as const) {
        const { content } = succeeded(await leshan.read(endpoint, path, format), 'CONTENT(205)');
        assert.equal(content !== undefined && 'value' in content && content.value, toHex(bytes), format);
      }
      const written = Uint8Array.from({ length: 4_000 }, (_, i) => (i * 3) & 0xff);
      const node = { kind: 'singleResource', id: 5, type: 'opaque', value: toHex(written) } as const;
      succeeded(await leshan.write(endpoint, path, node, { format: 'OPAQUE', replace: true }), 'CHANGED(204)');
      assert.deepEqual(bytes, written);
      assert.ok(taken.length >= 4, 'block by block');
    } finally {
      await client.stop();
    }
  });
});
