// Functions of the application that never answer, or too late: 5.00 in bounded time, a line in the log, and the client goes on.

import assert from 'node:assert/strict';
import { type Environment, type Log, seconds, silentLog } from '../../lib/runtime/index.ts';
import { type ObjectHooks, defineObject } from '../../lib/model/index.ts';
import { type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { Scene } from './scripted-server.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const Valve = defineObject({
  id: 32_772,
  name: 'Valve',
  multiple: true,
  resources: {
    open: { id: 1, name: 'Open', operations: 'RW', type: 'boolean', mandatory: true },
    flow: { id: 2, name: 'Flow', operations: 'R', type: 'float' },
    flush: { id: 3, name: 'Flush', operations: 'E', type: 'none' },
    marks: { id: 4, name: 'Marks', operations: 'RW', type: 'integer', multiple: true },
  },
});

const never = (): Promise<never> => new Promise(() => undefined);

async function registered(hooks: ObjectHooks<(typeof Valve)['definition']> = {}, flow: () => Promise<number> = never) {
  const scene = new Scene();
  await scene.listen();
  const logged: string[] = [];
  const note = (fields: object | string, message?: string): void =>
    void logged.push(`${JSON.stringify(fields)} ${message}`);
  const log: Log = { ...silentLog, error: note };
  const quietChild: Log = { ...log, child: () => log };
  const valves = Valve.create(
    { 0: { open: false, flow, flush: never, marks: { 0: 1 } } },
    { instanceTemplate: () => ({ open: false }), deletable: true, ...hooks },
  );
  const environment: Environment = { ...scene.network.environment, log: quietChild };
  const client = scene.client({ objects: [valves], environment, handlerTimeout: seconds(5), versions: ['1.2'] });
  await client.start();
  await scene.time.advance(100);
  const answers: string[] = []; // with the time to them, by 5 s: the server has one request under way at a time
  const ask = (request: OutgoingRequest): void => {
    const began = scene.time.now();
    scene.connection.request(request).then(
      ({ code, payload }) =>
        answers.push(
          `${formatResponseCode(code)}${utf8Decode(payload)} ${5 * Math.round((scene.time.now() - began) / 5_000)} s`,
        ),
      (error: unknown) => answers.push(String(error)),
    );
  };
  return { scene, client, valves, logged, answers, ask };
}

const text = { contentFormat: 0 };
const at = (path: string): readonly string[] => path.split('/').slice(1);

describe('an application that does not answer', () => {
  it('is answered for by 5.00 in bounded time, whatever was asked, and others are answered meanwhile', async () => {
    const { scene, client, logged, answers, ask } = await registered({ willWrite: never });
    const requests: readonly OutgoingRequest[] = [
      { method: 'GET', path: at('/32772/0/2') },
      { method: 'GET', path: at('/32772') },
      { method: 'PUT', path: at('/32772/0/1'), ...text, payload: utf8Encode('1') },
      { method: 'POST', path: at('/32772/0/3') },
      { method: 'POST', path: at('/32772') },
      { method: 'DELETE', path: at('/32772/0/4/0') },
      { method: 'FETCH', path: [], contentFormat: 110, payload: utf8Encode('[{"n":"/32772/0/2"}]') },
      { method: 'iPATCH', path: [], contentFormat: 110, payload: utf8Encode('[{"n":"/32772/0/1","vb":true}]') },
    ];
    for (const request of requests) {
      ask(request);
      await scene.time.advance(1);
      ask({ method: 'GET', path: at('/32772/0/1'), accept: 0 });
      await scene.time.advance(10_000);
    }
    assert.deepEqual(
      answers,
      requests.flatMap(() => ['2.050 0 s', '5.00 5 s']),
    );
    assert.equal(logged.length, requests.length);
    assert.match(logged[0]!, /did not answer within 5 s/);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  });

  it('and agrees to a write too late finds that it does not happen', async () => {
    const agreements: (() => void)[] = [];
    const { scene, client, valves, answers, ask } = await registered({
      willWrite: () => new Promise((resolve) => agreements.push(resolve)),
    });
    ask({ method: 'PUT', path: at('/32772/0/1'), ...text, payload: utf8Encode('1') });
    ask({ method: 'POST', path: at('/32772') });
    ask({ method: 'DELETE', path: at('/32772/0/4/0') });
    ask({ method: 'iPATCH', path: [], contentFormat: 110, payload: utf8Encode('[{"n":"/32772/0/1","vb":true}]') });
    await scene.time.advance(10_000);
    assert.equal(agreements.length, 4);
    for (const agree of agreements) agree();
    await scene.time.advance(10_000);
    assert.deepEqual(answers, ['5.00 5 s', '5.00 5 s', '5.00 5 s', '5.00 5 s']);
    assert.equal(valves[0].open, false);
    assert.deepEqual(valves[0].marks, { 0: 1 });
    assert.deepEqual(valves.instanceIds, [0]);
    await scene.time.run(client.stop());
  });

  it('ends an observation by 5.00 in bounded time', async () => {
    let answers = true;
    const { scene, client, valves } = await registered({}, () => (answers ? Promise.resolve(1.5) : never()));
    const heard: string[] = [];
    await scene.time.run(
      scene.connection.observe({ method: 'GET', path: at('/32772/0/2'), accept: 0 }, ({ code }) =>
        heard.push(formatResponseCode(code)),
      ),
    );
    answers = false;
    valves.changed(0, 'flow');
    await scene.time.advance(10_000);
    assert.deepEqual(heard, ['5.00']);
    answers = true;
    const again = await scene.time.run(scene.connection.request({ method: 'GET', path: at('/32772/0/2'), accept: 0 }));
    assert.equal(again.code, RESPONSE_CODES.content);
    await scene.time.run(client.stop());
  });
});
