// What a user without types, or in a hurry, may do wrong: each mistake is named, and nothing of it sticks.

import assert from 'node:assert/strict';
import { type ClientOptions, LwM2mClient } from '../../lib/client/index.ts';
import { createDevice, createServer, createTemperature } from '../../lib/objects/index.ts';
import { MemoryStorage, StorageError } from '../../lib/storage/index.ts';
import { RESPONSE_CODES } from '../../lib/coap/index.ts';
import { Scene } from './scripted-server.ts';
import { inspect } from 'node:util';
import {
  certificateChainEmpty,
  certificateChainFromFile,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyEmpty,
  rawPublicKeyFromFile,
} from '../../lib/crypto/index.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

const KEY = '00112233445566778899aabbccddeeff';
const device = () => createDevice({ reboot: () => undefined });

describe('A mistaken user', () => {
  it('is told which option is wrong, what was expected and what was found', () => {
    const fine = { endpoint: 'e', objects: [], servers: [{ uri: 'coap://h' }], backends: {}, dangerAllowNoSec: true };
    const dtls = {} as NonNullable<ClientOptions['backends']['dtls']>;
    const psk = (security: object) => ({ servers: [{ uri: 'coaps://h', security }], backends: { dtls } });
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ endpoint: undefined }, /^endpoint: expected text such as .*, found undefined$/],
      [{ endpoint: 7 }, /^endpoint: .*found 7/],
      [{ endpoint: 'x'.repeat(253) }, /^endpoint: expected 1 to 252 bytes, found 253/],
      [{ backends: undefined }, /^backends: .*found undefined/],
      [{ objects: undefined }, /^objects: .*found undefined/],
      [{ objects: [{}] }, /^objects\[0\]: .*createDevice/],
      [{ objects: [null] }, /^objects\[0\]: .*found null/],
      [{ objects: [device(), device()] }, /^objects: there are two with id 3 \(Device\)/],
      [{ objects: [createServer({}, { registrationUpdateTrigger: () => undefined })] }, /^objects: 1 .*leave it out/],
      [{ servers: undefined }, /^servers: .*found undefined/],
      [{ servers: [null] }, /^servers\[0\]: .*found null/],
      [{ servers: [{}] }, /^servers\[0\]\.uri: .*found undefined/],
      [{ servers: [{ uri: 'coap://h', lifetime: '300' }] }, /^servers\[0\]\.lifetime: expected an integer .*found 300/],
      [{ servers: [{ uri: 'coap://h', shortServerId: 0 }] }, /^servers\[0\]\.shortServerId: .*found 0/],
      [
        { servers: [{ uri: 'coap://h', server: { lifetime: 1, defaultMinimumPeriod: -5 } }] },
        /defaultMinimumPeriod.*-5/,
      ],
      [{ servers: [{ uri: 'coap://h', server: { binding: 'X' } }] }, /^servers\[0\]\.server\.binding: .*found "X"/],
      [psk({ mode: 'psk', identity: 'me', key: KEY }), /^servers\[0\]\.security\.identity: .*pskIdentityFromBuffer/],
      [
        psk({ mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('me')), key: KEY }),
        /^servers\[0\]\.security\.key: expected what pskKeyFromBuffer\(…\) gives, found string$/,
      ],
      [
        psk({ mode: 'pks' }),
        /^servers\[0\]\.security\.mode: expected 'psk', 'certificate' or 'rawPublicKey', found string$/,
      ],
      [psk({ mode: 'certificate' }), /^servers\[0\]\.security: no server would be trusted; give serverCertificate/],
      [
        psk({ mode: 'certificate', serverCertificate: certificateChainEmpty() }),
        /^servers\[0\]\.security\.serverCertificate\.certificate: expected what certificateChainFromFile/,
      ],
      [
        psk({ mode: 'certificate', serverCertificate: { certificate: certificateChainEmpty() } }),
        /^servers\[0\]\.security\.serverCertificate: certificate usage 3 has nothing to compare with/,
      ],
      [
        psk({ mode: 'certificate', serverCertificate: { certificate: certificateChainFromFile('f'), usage: 1 } }),
        /^servers\[0\]\.security\.trustAnchors: certificate usage 1 needs the trust anchors/,
      ],
      [
        psk({ mode: 'certificate', serverCertificate: { certificate: certificateChainFromFile('f'), usage: 5 } }),
        /^servers\[0\]\.security\.serverCertificate\.usage: expected an integer from 0 to 3, found 5/,
      ],
      [
        psk({ mode: 'certificate', trustAnchors: pskKeyFromBuffer(utf8Encode(KEY)) }),
        /^servers\[0\]\.security\.trustAnchors: .*found another kind of credential$/,
      ],
      [
        psk({ mode: 'rawPublicKey', serverKeys: rawPublicKeyEmpty() }),
        /^servers\[0\]\.security\.serverKeys: no server would be trusted/,
      ],
      [
        psk({ mode: 'rawPublicKey', serverKeys: rawPublicKeyFromFile('f'), publicKey: rawPublicKeyFromFile('g') }),
        /^servers\[0\]\.security\.privateKey: expected it beside publicKey/,
      ],
      [{ versions: '1.1' }, /^versions: .*found string/],
      [{ versions: ['2.0'] }, /^versions: .*2\.0/],
      [{ retry: { count: -1 } }, /^retry\.count: .*found -1/],
      [{ retry: { timer: Number.NaN } }, /^retry\.timer: .*found NaN/],
      [{ updateMargin: '10' }, /^updateMargin: .*found string/],
      [{ deregisterTimeout: -1 }, /^deregisterTimeout: .*found -1/],
      [{ maxObservations: 1.5 }, /^maxObservations: .*found 1\.5/],
      [{ coap: { transmission: { nstart: 0 } } }, /^coap\.transmission\.nstart: .*found 0/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(
        () => new LwM2mClient({ ...fine, ...options } as ClientOptions),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ECONFIG', `${message} ${error.stack}`);
          assert.match(error.message, message);
          assert.ok(!inspect(error).includes(KEY));
          return true;
        },
      );
    }
  });

  it('whose listeners throw has a client that registers, answers and leaves all the same', async () => {
    const scene = new Scene();
    await scene.listen();
    const temperature = createTemperature({ 0: { sensorValue: 20 } });
    const client = scene.client({ objects: [temperature] });
    const boom = (): never => {
      throw new Error('boom');
    };
    const after: string[] = [];
    for (const name of ['connecting', 'connected', 'registered', 'updated', 'request', 'deregistered'] as const) {
      client.events.on(name, boom);
      client.events.on(name, () => void after.push(name));
    }
    await client.start();
    await scene.time.advance(100);
    const read = await scene.time.run(scene.connection.request({ method: 'GET', path: ['3303', '0', '5700'] }));
    assert.equal(read.code, RESPONSE_CODES.content);
    client.update();
    await scene.time.advance(100);
    await scene.time.run(client.stop());
    assert.deepEqual(after, ['connecting', 'connected', 'registered', 'request', 'updated', 'deregistered']);
    assert.equal(scene.clientTimers, 0);
  });

  it('whose listener of an object throws still has observers notified', async () => {
    const scene = new Scene();
    await scene.listen();
    const temperature = createTemperature({ 0: { sensorValue: 20 } });
    temperature.subscribe(() => {
      throw new Error('boom');
    });
    const client = scene.client({ objects: [temperature] });
    await client.start();
    await scene.time.advance(100);
    let notified = 0;
    const path = ['3303', '0', '5700'];
    await scene.time.run(scene.connection.observe({ method: 'GET', path }, () => void notified++));
    assert.throws(() => (temperature[0].sensorValue = 21), /boom/, 'who assigns hears of it');
    await scene.time.advance(100);
    assert.equal(notified, 1);
    await scene.time.run(client.stop());
  });

  it('whose functions throw, reject or give nonsense has servers told 5.00, and nothing of why', async () => {
    const scene = new Scene();
    await scene.listen();
    const temperature = createTemperature({
      0: { sensorValue: () => Promise.reject(new Error(`secret ${KEY}`)) },
      1: {
        sensorValue: () => {
          throw new Error(`secret ${KEY}`);
        },
      },
      2: { sensorValue: (() => 'hot') as never },
      3: { sensorValue: (() => undefined) as never },
    });
    const boom = createDevice({ reboot: () => Promise.reject(new Error(KEY)), factoryReset: () => JSON.parse('{') });
    const client = scene.client({ objects: [temperature, boom] });
    await client.start();
    await scene.time.advance(100);
    const codes: number[] = [];
    for (const [method, ...path] of [
      ['GET', '3303', '0', '5700'],
      ['GET', '3303', '1', '5700'],
      ['GET', '3303', '2', '5700'],
      ['GET', '3303'],
      ['POST', '3', '0', '4'],
      ['POST', '3', '0', '5'],
    ] as const) {
      const response = await scene.time.run(scene.connection.request({ method, path }));
      codes.push(response.code);
      assert.equal(response.payload.length, 0);
    }
    assert.deepEqual(
      codes,
      Array.from({ length: 6 }, () => RESPONSE_CODES.internalServerError),
    );
    await scene.time.run(client.stop());
  });

  it('whose storage fails has a client that registers, and says so in the log', async () => {
    class Broken extends MemoryStorage {
      override get(): Promise<never> {
        return Promise.reject(new StorageError('EIO', 'storage: cannot read'));
      }
      override set(): Promise<never> {
        throw new StorageError('EIO', 'storage: cannot write');
      }
    }
    const scene = new Scene();
    await scene.listen();
    const client = scene.client({ objects: [device()], storage: new Broken() });
    await client.start();
    await scene.time.advance(100);
    assert.equal(scene.lines.length, 1);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  });

  it('who gives one storage to two clients is told; once the first has stopped the second may', async () => {
    const scene = new Scene();
    await scene.listen();
    const storage = new MemoryStorage();
    const [first, second] = [device(), device()].map((object) => scene.client({ objects: [object], storage }));
    await first!.start();
    await assert.rejects(second!.start(), { code: 'ELOCKED' });
    await assert.rejects(first!.start(), { code: 'ESTATE' });
    await scene.time.advance(100);
    await scene.time.run(first!.stop());
    await second!.start();
    await scene.time.advance(100);
    await scene.time.run(second!.stop());
    assert.equal(scene.clientTimers, 0);
  });

  it('who prints the client, its accounts or its errors sees no key', async () => {
    const scene = new Scene();
    const bytes = utf8Encode('correct horse battery');
    const account = {
      uri: 'coaps://192.0.2.1',
      security: {
        mode: 'psk',
        identity: pskIdentityFromBuffer(utf8Encode('me')),
        key: pskKeyFromBuffer(bytes),
      },
    } as const;
    const dtls = { name: 'none', capabilities: {}, createSocket: () => scene.network.datagramSocket('198.51.100.7') };
    const client = scene.client({ objects: [device()], servers: [account], backends: { dtls: dtls as never } });
    const shown = [client, account, client.server].map((it) => inspect(it, { depth: 20, showHidden: true }));
    const json = [client, account].map((it) => JSON.stringify(it));
    for (const text of [...shown, ...json]) {
      assert.ok(!text.includes('correct horse'), text);
      assert.ok(!text.includes('99, 111, 114, 114') && !text.includes('636f7272'), text);
    }
  });
});
