// Opaque values that are never whole in memory, over the wire: read from any place, written as they come, broken off, refused.

import assert from 'node:assert/strict';
import { type Log, seconds, silentLog } from '../../lib/runtime/index.ts';
import { ModelError, type ObjectHooks, type OpaqueStream, Path, defineObject } from '../../lib/model/index.ts';
import { type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { CONTENT_FORMATS, encodeEntries } from '../../lib/formats/index.ts';
import { Scene } from './scripted-server.ts';
import { concatBytes } from '../../lib/bytes/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const Image = defineObject({
  id: 32_778,
  name: 'Image',
  multiple: true,
  resources: {
    data: { id: 0, name: 'Data', operations: 'RW', type: 'opaque', range: [0, 4_000_000] },
    label: { id: 1, name: 'Label', operations: 'RW', type: 'string', mandatory: true },
    key: { id: 2, name: 'Key', operations: 'W', type: 'opaque' },
  },
});
type Hooks = ObjectHooks<(typeof Image)['definition']>;

const { opaque, senmlCbor } = CONTENT_FORMATS;
const DATA = Path.of(32_778, 0, 0);
const at = (path: string): readonly string[] => path.split('/').slice(1);
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const fast = { coap: { transmission: { nstart: 1, probingRate: 1_000_000 } } };

/** An image in memory that notes how it is read and written. */
class Flash implements OpaqueStream {
  bytes: Uint8Array;
  readonly reads: number[] = [];
  readonly parts: number[] = [];
  failed: unknown;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(): { byteLength: number; read(offset: number, length: number): Uint8Array } {
    const { bytes, reads } = this;
    return {
      byteLength: bytes.length,
      read(offset, length) {
        reads.push(length);
        return bytes.slice(offset, offset + length);
      },
    };
  }

  async write(_id: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const taken: Uint8Array[] = [];
    try {
      for await (const part of parts) {
        this.parts.push(part.length);
        taken.push(part);
      }
    } catch (error) {
      this.failed = error;
      throw error;
    }
    this.bytes = concatBytes(...taken);
  }
}

async function registered(data: OpaqueStream, hooks: Hooks = {}, latency = 10) {
  const scene = new Scene({ latency });
  await scene.listen();
  const logged: string[] = [];
  const note = (fields: object | string, message?: string): void =>
    void logged.push(`${JSON.stringify(fields)} ${message}`);
  const log: Log = { ...silentLog, error: note, child: () => log };
  const images = Image.create({ 0: { label: 'boot', key: Uint8Array.of() } }, { ...hooks, streams: { data } });
  const changes: string[] = [];
  images.subscribe(({ path }) => changes.push(`${path}`));
  const environment = { ...scene.network.environment, log };
  const client = scene.client({ objects: [images], environment, handlerTimeout: seconds(5), ...fast });
  await client.start();
  await scene.time.advance(1_000);
  const ask = async (request: OutgoingRequest) => {
    const response = await scene.time.run(scene.connection.request(request));
    return { ...response, text: formatResponseCode(response.code) };
  };
  const put = (bytes: Uint8Array, path = `${DATA}`) =>
    ask({ method: 'PUT', path: at(path), contentFormat: opaque, payload: bytes });
  const leave = async (): Promise<void> => {
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  };
  return { scene, client, images, logged, changes, ask, put, leave };
}

describe('an opaque value in parts', () => {
  it('is read block by block, and no further than was asked for', async () => {
    const flash = new Flash(pattern(50_000));
    const { ask, leave } = await registered(flash);
    const { text, payload } = await ask({ method: 'GET', path: at(`${DATA}`), accept: opaque });
    assert.equal(text, '2.05');
    assert.deepEqual(payload, flash.bytes);
    assert.ok(Math.max(...flash.reads) <= 1_024, `${Math.max(...flash.reads)} bytes at once`);
    await leave();
  });

  it('is whole in other formats, in Reads of more and in notifications, up to a bound', async () => {
    const flash = new Flash(pattern(100));
    const { ask, leave, images } = await registered(flash);
    const whole = { path: DATA, value: flash.bytes };
    const expected = encodeEntries(senmlCbor, DATA, [whole], () => ({ type: 'opaque', multiple: false }));
    assert.deepEqual((await ask({ method: 'GET', path: at(`${DATA}`), accept: senmlCbor })).payload, expected);
    assert.equal((await ask({ method: 'GET', path: at('/32778/0') })).text, '2.05');
    assert.deepEqual(images.instance(0).label, 'boot');
    flash.bytes = new Uint8Array(1_048_577);
    assert.equal((await ask({ method: 'GET', path: at(`${DATA}`), accept: senmlCbor })).text, '4.06');
    await leave();
  });

  it('is written as it comes, and observers hear once, when it is there', async () => {
    const flash = new Flash(pattern(1));
    const written: string[] = [];
    const { put, leave, changes } = await registered(flash, {
      written: ({ resources }) => void written.push(resources.join()),
    });
    const image = pattern(50_000);
    assert.equal((await put(image)).text, '2.04');
    assert.deepEqual(flash.bytes, image);
    assert.ok(flash.parts.length >= 49 && Math.max(...flash.parts) <= 1_024);
    assert.deepEqual([changes, written], [[`${DATA}`], ['data']]);
    assert.equal((await put(pattern(3))).text, '2.04', 'one message, too');
    assert.deepEqual(flash.bytes, pattern(3));
    await leave();
  });

  it('in another format goes to the application all the same; among others it is refused', async () => {
    const flash = new Flash(pattern(1));
    const { ask, leave, images } = await registered(flash, { instanceTemplate: () => ({ label: 'x' }) });
    const entries = (path: Path) =>
      encodeEntries(senmlCbor, path.prefix(2), [{ path, value: pattern(9) }], () => undefined);
    const request = { contentFormat: senmlCbor } as const;
    assert.equal((await ask({ ...request, method: 'PUT', path: at(`${DATA}`), payload: entries(DATA) })).text, '2.04');
    assert.deepEqual(flash.bytes, pattern(9));
    assert.equal(
      (await ask({ ...request, method: 'POST', path: at('/32778/0'), payload: entries(DATA) })).text,
      '4.05',
    );
    const created = entries(Path.of(32_778, 4, 0));
    assert.equal((await ask({ ...request, method: 'POST', path: at('/32778'), payload: created })).text, '4.05');
    assert.deepEqual(images.instanceIds, [0]);
    const label = encodeEntries(
      senmlCbor,
      Path.of(32_778, 0),
      [{ path: Path.of(32_778, 0, 1), value: 'y' }],
      () => undefined,
    );
    assert.equal((await ask({ ...request, method: 'PUT', path: at('/32778/0'), payload: label })).text, '2.04');
    assert.deepEqual([flash.bytes, images[0].label], [pattern(9), 'y'], 'a replace of the rest leaves it');
    await leave();
  });

  it('that breaks off has written nothing, and the next one begins anew', async () => {
    const flash = new Flash(pattern(5));
    const { scene, put, leave, changes } = await registered(flash);
    const abort = new AbortController();
    const broken = scene.connection
      .request({ method: 'PUT', path: at(`${DATA}`), contentFormat: opaque, payload: pattern(9_000) }, abort)
      .catch(() => undefined);
    await scene.time.advance(20);
    abort.abort();
    await scene.time.advance(600_000);
    await broken;
    assert.match(String(flash.failed), /stopped in the middle/);
    assert.deepEqual([flash.bytes, changes], [pattern(5), []]);
    assert.equal((await put(pattern(2_000))).text, '2.04');
    assert.deepEqual(flash.bytes, pattern(2_000));
    await leave();
  });

  it('goes to no instance that a Delete has taken away meanwhile, nor to another one of its id', async () => {
    for (const again of [false, true]) {
      const flash = new Flash(pattern(5));
      const template = { instanceTemplate: () => ({ label: 'x', key: Uint8Array.of() }) };
      const { scene, ask, put, leave, images, changes } = await registered(flash, { deletable: true, ...template });
      const writing = put(pattern(50_000));
      await scene.time.advance(200);
      assert.ok(flash.parts.length > 0 && flash.parts.length < 49, `${flash.parts.length} parts`);
      images.remove(0);
      if (again) images.add(0, { label: 'another' });
      assert.equal((await writing).text, '4.04');
      assert.match(String(flash.failed), /has been deleted/);
      assert.deepEqual([flash.bytes, changes.includes(`${DATA}`)], [pattern(5), false]);
      assert.equal((await ask({ method: 'GET', path: at('/32778') })).text, '2.05');
      await leave();
    }
  });

  it('is begun a bounded number of times while the application is stuck with the first', async () => {
    let begun = 0;
    let release = (): void => undefined;
    const stuck: OpaqueStream = {
      write: (_id, parts) => {
        begun++;
        return new Promise((resolve, reject) => {
          release = () =>
            void parts[Symbol.asyncIterator]()
              .next()
              .then(() => resolve(), reject);
        });
      },
    };
    const { scene, put, leave } = await registered(stuck);
    const texts: string[] = [];
    for (let i = 0; i < 20; i++) texts.push((await put(pattern(10))).text);
    assert.deepEqual(new Set(texts), new Set(['5.00']));
    for (let i = 0; i < 20; i++) {
      release();
      await scene.time.advance(10);
    }
    assert.ok(begun <= 5, `${begun} writes`);
    await leave();
  });

  it('given twice is no value, also where each has a time', async () => {
    const flash = new Flash(pattern(5));
    const { ask, leave } = await registered(flash);
    const twice = [1, 2].map((i) => ({ path: DATA, value: pattern(i), timestamp: 1e12 + i }));
    const payload = encodeEntries(senmlCbor, DATA, twice, () => undefined);
    const response = await ask({ method: 'PUT', path: at(`${DATA}`), contentFormat: senmlCbor, payload });
    assert.deepEqual([response.text, flash.bytes], ['4.00', pattern(5)]);
    await leave();
  });

  it('is refused where the application says so, where it is too long, and where none may be written', async () => {
    const refusing: OpaqueStream = {
      write: async (_id, parts) => {
        for await (const _ of parts) throw new ModelError('conflict', 'an update is under way');
      },
    };
    const first = await registered(refusing);
    assert.equal((await first.put(pattern(5_000))).text, '4.09');
    assert.equal((await first.put(pattern(5_000), '/32778/7/0')).text, '4.04');
    assert.equal((await first.put(pattern(5), '/32778/0/1')).text, '4.00', 'a string');
    await first.leave();
    const flash = new Flash(pattern(1));
    const Small = defineObject({
      id: 32_779,
      name: 'Small',
      resources: { data: { id: 0, name: 'Data', operations: 'RW', type: 'opaque', range: [2, 8] } },
    });
    const small = Small.create({ 0: {} }, { streams: { data: flash } });
    const second = await registered(flash);
    const one = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    const path = Path.of(32_779, 0, 0);
    for (const length of [1, 9])
      await assert.rejects(small.writeParts(path, one(pattern(length)), 'server'), { reason: 'badRequest' });
    await small.writeParts(path, one(pattern(8)), 'server');
    await second.leave();
  });

  it('that the application does not take, or give, is 5.00 in bounded time', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const stuck: OpaqueStream = { read: () => ({ byteLength: 5_000, read: never }), write: never };
    const { ask, put, leave, scene, logged } = await registered(stuck);
    const began = scene.time.now();
    assert.equal((await put(pattern(10))).text, '5.00');
    assert.equal((await ask({ method: 'GET', path: at(`${DATA}`), accept: opaque })).text, '5.00');
    assert.ok(scene.time.now() - began < 15_000);
    assert.ok(logged.length >= 2);
    assert.equal((await ask({ method: 'GET', path: at('/32778/0/1') })).text, '2.05', 'and it goes on');
    await leave();
  });

  it('whose source throws says nothing of why, to the server or in the log', async () => {
    const broken: OpaqueStream = {
      read: () => ({
        byteLength: 5_000,
        read() {
          throw new TypeError('the password is swordfish');
        },
      }),
    };
    const { ask, leave, logged } = await registered(broken);
    const answer = await ask({ method: 'GET', path: at(`${DATA}`), accept: opaque });
    assert.deepEqual([answer.code, answer.payload.length], [RESPONSE_CODES.internalServerError, 0]);
    assert.ok(logged.length > 0 && !logged.join().includes('swordfish'), logged.join());
    await leave();
  });

  it('takes a pause of the peer for no fault of the application', async () => {
    const flash = new Flash(pattern(1));
    const { put, leave, scene } = await registered(flash, {}, 200);
    const began = scene.time.now();
    assert.equal((await put(pattern(40_000))).text, '2.04');
    assert.ok(scene.time.now() - began > 15_000, 'longer than the application may take');
    await leave();
  });

  it('is declared for single opaque resources only, and cannot be assigned', async () => {
    assert.throws(
      () => Image.create({}, { streams: { label: {} } }),
      /streams: expected single opaque resources, found label/,
    );
    const images = Image.create({ 0: { label: 'x' } }, { streams: { data: new Flash(pattern(1)) } });
    assert.throws(() => (images[0].data = pattern(2)), /read part by part/);
    assert.deepEqual(images.resourceIds(0), [0, 1]);
  });
});
