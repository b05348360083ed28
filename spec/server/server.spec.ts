import assert from 'node:assert/strict';
import { UdpCoapConnection, type CoapConnection, type Observation, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime, milliseconds } from '../../lib/runtime/index.ts';
import { LwM2mServer, OperationError, type ReadResult } from '../../lib/server/index.ts';
import type { ObjectDefinition } from '../../lib/model/index.ts';

const LINKS = utf8Encode('</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</3303/0>');
const TEMPERATURE: ObjectDefinition = {
  id: 3303,
  name: 'Temperature',
  multiple: true,
  resources: { sensorValue: { id: 5700, name: 'Sensor Value', operations: 'R', type: 'float', mandatory: true } },
};

/** A server and a device that speaks CoAP by hand, on a calm network. */
async function house(options: ConstructorParameters<typeof LwM2mServer>[0] = {}) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, latency: milliseconds(5) });
  const listener = network.datagramSocket('10.0.0.1');
  await time.run(listener.bind('10.0.0.1', 5683));
  const server = new LwM2mServer({
    environment: network.environment,
    definitions: [TEMPERATURE],
    dangerAllowNoSec: true,
    ...options,
  });
  server.serve(listener);
  const device = async (address: string): Promise<CoapConnection> => {
    const socket = network.datagramSocket(address);
    await time.run(socket.connect('10.0.0.1', 5683));
    return new UdpCoapConnection(socket, network.environment);
  };
  const register = (connection: CoapConnection, query: string[], payload = LINKS) =>
    time.run(connection.request({ method: 'POST', path: ['rd'], query, payload, contentFormat: 40 }));
  return { time, network, server, device, register };
}

describe('server', () => {
  it('registers, updates and de-registers a device, with an event each', async () => {
    const { time, server, device, register } = await house();
    const seen: string[] = [];
    for (const name of ['registered', 'updated', 'deregistered'] as const) {
      server.events.on(name, ({ device: { endpoint } }) => seen.push(`${name} ${endpoint}`));
    }
    const connection = await device('10.0.0.2');
    const created = await register(connection, ['ep=thing', 'lt=60', 'lwm2m=1.1', 'b=U']);
    assert.equal(created.code, RESPONSE_CODES.created);
    assert.equal(created.locationPath[0], 'rd');
    assert.equal(server.device('thing')?.registration.version, '1.1');
    const at = [...created.locationPath];
    const updated = await time.run(connection.request({ method: 'POST', path: at, query: ['lt=120'] }));
    assert.equal(updated.code, RESPONSE_CODES.changed);
    assert.equal(server.device('thing')?.registration.lifetime, 120_000);
    const gone = await time.run(connection.request({ method: 'DELETE', path: at }));
    assert.equal(gone.code, RESPONSE_CODES.deleted);
    await time.advance(10);
    assert.deepEqual(seen, ['registered thing', 'updated thing', 'deregistered thing']);
    assert.equal(server.device('thing'), undefined);
  });

  it('lets a registration expire', async () => {
    const { time, server, device, register } = await house();
    await register(await device('10.0.0.2'), ['ep=thing', 'lt=60']);
    const expired = server.events.next('expired');
    await time.advance(59_000);
    assert.ok(server.device('thing'));
    await time.advance(2_000);
    assert.equal((await expired).device.endpoint, 'thing');
    assert.equal(server.device('thing'), undefined);
  });

  it('performs operations on a device as LwM2M Core §6.3 maps them', async () => {
    const { time, server, device, register } = await house();
    const connection = await device('10.0.0.2');
    const heard: string[] = [];
    connection.handler = ({ method, path, query, payload, contentFormat, accept }) => {
      heard.push(
        `${method} /${path.join('/')}?${query.join('&')} ${contentFormat ?? ''} ${accept ?? ''} ${utf8Decode(payload)}`,
      );
      if (method === 'GET') return { code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode('21.5') };
      return { code: RESPONSE_CODES.changed };
    };
    await register(connection, ['ep=thing']);
    const thing = server.device('thing')!;
    const read = await time.run(thing.read('/3303/0/5700', { format: 0 }));
    assert.deepEqual(
      read.entries.map(({ path, value }) => [path.toString(), value]),
      [['/3303/0/5700', 21.5]],
    );
    await time.run(thing.execute('/3/0/4', { 0: 'x', 1: undefined }));
    await time.run(thing.writeAttributes('/3303/0/5700', { pmin: 5, pmax: null }));
    await time.run(thing.delete('/3303/0'));
    assert.deepEqual(heard, [
      'GET /3303/0/5700?  0 ',
      "POST /3/0/4? 0  0='x',1",
      'PUT /3303/0/5700?pmin=5&pmax   ',
      'DELETE /3303/0?   ',
    ]);
  });

  it('turns a refusal of the device into an OperationError with its code', async () => {
    const { time, server, device, register } = await house();
    const connection = await device('10.0.0.2');
    connection.handler = () => ({ code: RESPONSE_CODES.methodNotAllowed, payload: utf8Encode('not that') });
    await register(connection, ['ep=thing']);
    await assert.rejects(
      time.run(server.device('thing')!.read('/3/0')),
      (error) =>
        error instanceof OperationError && error.responseCode === 0x85 && /4\.05 .*not that/.test(error.message),
    );
  });

  it('observes, hears notifications and cancels', async () => {
    const { time, server, device, register } = await house();
    const connection = await device('10.0.0.2');
    let observation: Observation | undefined;
    const content = (text: string) => ({ code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode(text) });
    const ended: string[] = [];
    connection.handler = (request) => {
      observation = request.acceptObservation?.({ ended: (reason) => ended.push(reason) }) ?? observation;
      return content('20');
    };
    await register(connection, ['ep=thing']);
    const values: unknown[] = [];
    const notified = (result: ReadResult | OperationError) =>
      values.push(result instanceof OperationError ? result.responseCode : result.entries[0]?.value);
    const observed = await time.run(server.device('thing')!.observe('/3303/0/5700', notified));
    assert.equal(observed.first.entries[0]?.value, 20);
    await time.run(observation!.notify(content('22.5')));
    await time.advance(100);
    assert.deepEqual(values, [22.5]);
    await time.run(observed.cancel());
    assert.deepEqual(ended, ['deregistered']);
  });

  it('hands on what a registered device sends, and refuses Send from others', async () => {
    const { time, server, device, register } = await house();
    const connection = await device('10.0.0.2');
    const send = (from: CoapConnection) =>
      time.run(
        from.request({
          method: 'POST',
          path: ['dp'],
          contentFormat: 110,
          payload: utf8Encode('[{"n":"/3303/0/5700","v":23.5}]'),
        }),
      );
    assert.equal((await send(connection)).code, RESPONSE_CODES.notFound);
    await register(connection, ['ep=thing']);
    const sent = server.events.next('sent');
    assert.equal((await send(connection)).code, RESPONSE_CODES.changed);
    await time.advance(1);
    assert.equal((await sent).result.entries[0]?.value, 23.5);
  });

  it('names what is wrong with a Register, and keeps nothing of it', async () => {
    const { server, device, register } = await house();
    const connection = await device('10.0.0.2');
    for (const [query, payload, field] of [
      [['lt=60'], LINKS, 'ep'],
      [['ep=a', 'lt=x'], LINKS, 'lt'],
      [['ep=a'], new Uint8Array(), 'registration payload'],
      [['ep=a'], utf8Encode('<'), ''],
    ] as const) {
      const answer = await register(connection, [...query], payload);
      assert.equal(answer.code, RESPONSE_CODES.badRequest);
      assert.ok(utf8Decode(answer.payload).includes(field));
    }
    assert.deepEqual(server.devices, []);
  });

  it('refuses a name that mayRegister denies, and listeners without security by default', async () => {
    const { network, time, server, device, register } = await house({
      mayRegister: (_, endpoint) => endpoint === 'good',
    });
    const refused = server.events.next('refused');
    const connection = await device('10.0.0.2');
    assert.equal((await register(connection, ['ep=bad'])).code, RESPONSE_CODES.forbidden);
    assert.match((await refused).reason, /bad/);
    assert.equal((await register(connection, ['ep=good'])).code, RESPONSE_CODES.created);
    const plain = network.datagramSocket('10.0.0.9');
    await time.run(plain.bind('10.0.0.9', 5683));
    assert.throws(() => new LwM2mServer().serve(plain), /dangerAllowNoSec/);
  });

  it('follows a device that updates from another address', async () => {
    const { time, server, device, register } = await house();
    const created = await register(await device('10.0.0.2'), ['ep=thing']);
    const moved = await device('10.0.0.3');
    let asked = 0;
    moved.handler = () => {
      asked++;
      return { code: RESPONSE_CODES.changed };
    };
    await time.run(moved.request({ method: 'POST', path: [...created.locationPath] }));
    await time.run(server.device('thing')!.execute('/3/0/4'));
    assert.equal(asked, 1);
  });
});
