// What a server may answer to Register, and when: the client keeps nothing it cannot use, and tells what was wrong.

import assert from 'node:assert/strict';
import {
  type CoapOption,
  METHODS,
  OPTION,
  RESPONSE_CODES,
  blockOption,
  decodeMessage,
  encodeMessage,
  textOption,
} from '../../lib/coap/index.ts';
import { MemoryStorage } from '../../lib/storage/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

const objects = () => [createTemperature({ 0: { sensorValue: 20 } })];

describe('Answers of a hostile server to Register', () => {
  const useless: readonly (readonly [name: string, location: readonly string[], RegExp])[] = [
    ['nothing', [], /Location-Path: expected the path of the registration, found none/],
    ['a way up', ['rd', '..'], /Location-Path: expected segments other than \. and \.\., found \.\./],
    ['more than fits', Array.from({ length: 4 }, () => 'x'.repeat(250)), /Location-Path: expected at most 512 bytes/],
  ];
  for (const [name, location, message] of useless) {
    it(`a Location-Path of ${name} is told as what it is`, async () => {
      const scene = new Scene();
      await scene.listen();
      scene.answer = () => ({
        code: RESPONSE_CODES.created,
        locationPath: location,
      });
      const client = scene.client({ objects: objects() });
      const failed = client.events.next('registrationFailed');
      await client.start();
      const { error, retryAfter } = await scene.time.run(failed);
      assert.equal((error as Error & { code?: string }).code, 'EPROTO');
      assert.match(error.message, message);
      assert.equal(retryAfter, 60_000);
      await scene.time.run(client.stop());
      assert.equal(scene.clientTimers, 0);
    });
  }

  it('a Location-Path with slashes and control characters is used as it is', async () => {
    const scene = new Scene();
    await scene.listen();
    const location = ['r/d', '\u001b[2J', ''];
    scene.answer = ({ path }) =>
      path.join() === 'rd'
        ? { code: RESPONSE_CODES.created, locationPath: location }
        : { code: RESPONSE_CODES.changed };
    const asked: string[][] = [];
    const client = scene.client({ objects: objects() });
    await client.start();
    await scene.time.advance(100);
    const { answer } = scene;
    scene.answer = (request) => (asked.push([...request.path]), answer(request));
    client.update();
    await scene.time.advance(100);
    assert.deepEqual(asked, [location]);
    await scene.time.run(client.stop());
  });

  it('a saved Location-Path that cannot be used costs one Register', async () => {
    const storage = new MemoryStorage();
    const scene = new Scene();
    await scene.listen();
    const first = scene.client({ objects: objects(), storage });
    await first.start();
    await scene.time.advance(100);
    await scene.time.run(first.stop({ deregister: false }));
    const key = (await storage.list()).find((name) => name.startsWith('registration-'))!;
    const text = new TextDecoder().decode(await storage.get(key));
    await storage.set(key, utf8Encode(text.replace('"rd","5a3f"', '"rd",".."')));
    const second = scene.client({ objects: objects(), storage });
    await second.start();
    await scene.time.advance(100);
    assert.match(scene.lines.at(-1)!, /^POST \/rd\?ep=/);
    await scene.time.run(second.stop());
  });

  it('before it, no request is answered: not even one that CoAP itself would refuse', async () => {
    const scene = new Scene();
    await scene.listen();
    scene.answer = () => undefined;
    const client = scene.client({ objects: objects() });
    await client.start();
    await scene.time.advance(100);
    const said: number[] = [];
    let device: { address: string; port: number } | undefined;
    scene.network.onDatagram((from, _to, bytes) => {
      if (from.address === '198.51.100.7') {
        device = from;
        said.push(decodeMessage(bytes).code);
      }
      return 'pass';
    });
    await scene.time.advance(10_000);
    assert.ok(device !== undefined, 'Register was sent again');
    const requests: readonly (readonly [code: number, options: readonly CoapOption[], payload: Uint8Array])[] = [
      [METHODS.GET, [], new Uint8Array(0)],
      [0x1f, [], new Uint8Array(0)],
      [METHODS.GET, [{ number: 2_001, value: Uint8Array.of(1) }], new Uint8Array(0)],
      [METHODS.GET, [textOption(OPTION.proxyUri, 'coap://x')], new Uint8Array(0)],
      [METHODS.PUT, [blockOption(OPTION.block1, { num: 0, more: true, sizeExponent: 0 })], new Uint8Array(16)],
      [METHODS.PUT, [blockOption(OPTION.block1, { num: 5, more: true, sizeExponent: 0 })], new Uint8Array(16)],
      [METHODS.FETCH, [], new Uint8Array(0)],
      [METHODS.GET, [{ number: OPTION.uriPath, value: Uint8Array.of(0xff) }], new Uint8Array(0)],
    ];
    said.length = 0;
    for (const [i, [code, options, payload]] of requests.entries()) {
      const message = { type: 0, code, messageId: i, token: Uint8Array.of(i), options, payload } as const;
      scene.network.inject({ address: '192.0.2.1', port: 5683 }, device, encodeMessage(message));
    }
    await scene.time.advance(1_000);
    assert.deepEqual(
      said.filter((code) => code !== METHODS.POST),
      [],
      'nothing but Register',
    );
    await scene.time.run(client.stop({ deregister: false }));
  });
});

describe('Stopping', () => {
  it('ends, though the server had just disabled the device', async () => {
    const scene = new Scene();
    await scene.listen();
    const { answer } = scene;
    const client = scene.client({ objects: objects() });
    await client.start();
    await scene.time.advance(100);
    scene.answer = (request) => (request.method === 'DELETE' ? undefined : answer(request));
    await scene.time.run(scene.connection.request({ method: 'POST', path: ['1', '0', '4'] }));
    await scene.time.advance(10); // De-register is out and not answered
    await scene.time.run(client.stop(), 60_000);
    await scene.time.advance(2 * 86_400_000);
    assert.equal(scene.lines.filter((line) => line.startsWith('POST /rd?')).length, 1, 'it stays away');
    assert.equal(scene.clientTimers, 0);
  });

  it('ends, though the server disables the device meanwhile', async () => {
    const scene = new Scene({ latency: 50 });
    await scene.listen();
    const client = scene.client({ objects: objects() });
    await client.start();
    await scene.time.advance(500);
    const disabled = scene.connection.request({ method: 'POST', path: ['1', '0', '4'] });
    disabled.catch(() => undefined);
    await scene.time.advance(20);
    await scene.time.run(client.stop(), 60_000);
    await scene.time.advance(2 * 86_400_000);
    assert.equal(scene.lines.filter((line) => line.startsWith('POST /rd?')).length, 1);
    assert.equal(scene.clientTimers, 0);
  });

  it('before start is through means that it never runs', async () => {
    const scene = new Scene();
    await scene.listen();
    const storage = new MemoryStorage();
    const client = scene.client({ objects: objects(), storage });
    const started = assert.rejects(client.start(), { code: 'ESTATE' });
    await scene.time.run(client.stop());
    await started;
    await scene.time.advance(10_000);
    assert.deepEqual(scene.lines, []);
    await (await storage.lock()).release();
  });

  it('while Register is not answered yet de-registers if the answer still comes', async () => {
    const scene = new Scene({ latency: 500 });
    await scene.listen();
    const client = scene.client({ objects: objects() });
    const events: string[] = [];
    client.events.on('registered', () => void events.push('registered'));
    client.events.on('deregistered', () => void events.push('deregistered'));
    await client.start();
    await scene.time.advance(600); // the server has it, the answer is under way
    await scene.time.run(client.stop(), 20_000);
    assert.equal(scene.lines.at(-1), 'DELETE /rd/5a3f');
    assert.deepEqual(events, ['deregistered']);
    assert.equal(scene.clientTimers, 0);
  });

  it('waits for it no longer than deregisterTimeout', async () => {
    const scene = new Scene();
    await scene.listen();
    scene.answer = () => undefined;
    const client = scene.client({ objects: objects() });
    await client.start();
    await scene.time.advance(100);
    const before = scene.time.now();
    await scene.time.run(client.stop());
    assert.ok(scene.time.now() - before <= 10_000, `${scene.time.now() - before}`);
    assert.equal(scene.clientTimers, 0);
  });
});
