import assert from 'node:assert/strict';
import { type IncomingRequest, RESPONSE_CODES, type RequestHandler, ResponseError } from '../../lib/coap/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { makePair } from './pair.ts';

const echo: RequestHandler = (request) => ({
  code: RESPONSE_CODES.content,
  contentFormat: request.contentFormat,
  payload: utf8Encode([request.method, ...request.path, ...request.query, utf8Decode(request.payload)].join(' ')),
});

describe('UdpCoapConnection', () => {
  it('sends a request and gets the response of the handler, piggy-backed', async () => {
    const { time, device, sent } = await makePair({ server: { handler: echo } });
    const response = await time.run(
      device.request({
        method: 'POST',
        path: ['rd'],
        query: ['ep=a', 'b=U'],
        contentFormat: 0,
        payload: utf8Encode('x'),
      }),
    );
    assert.equal(response.code, RESPONSE_CODES.content);
    assert.equal(utf8Decode(response.payload), 'POST rd ep=a b=U x');
    assert.equal(response.contentFormat, 0);
    assert.deepEqual(
      sent.map(({ by }) => by),
      ['device', 'server'],
    );
    assert.equal(time.pending, 1, 'no timer is left but the one of the listener');
  });

  it('answers late by an empty ACK and a separate response', async () => {
    const pair = await makePair({
      server: {
        handler: () =>
          new Promise((resolve) => {
            pair.time.at((pair.time.now() + 3_000) as ReturnType<typeof pair.time.now>, () =>
              resolve({ code: RESPONSE_CODES.content, payload: utf8Encode('late') }),
            );
          }),
      },
    });
    const response = await pair.time.run(pair.device.request({ method: 'GET', path: ['slow'] }));
    assert.equal(utf8Decode(response.payload), 'late');
    assert.deepEqual(
      pair.sent.map(({ by, at, bytes }) => [by, at, (bytes[0]! >> 4) & 3]),
      [
        ['device', 0, 0],
        ['server', 510, 2],
        ['server', 3_010, 0],
        ['device', 3_020, 2],
      ],
    );
  });

  it('carries requests both ways on one socket', async () => {
    const { time, device, server } = await makePair({ server: { handler: echo }, device: { handler: echo } });
    await time.run(device.request({ method: 'GET', path: ['a'] }));
    const response = await time.run(server().request({ method: 'PUT', path: ['3', '0'], payload: utf8Encode('p') }));
    assert.equal(utf8Decode(response.payload), 'PUT 3 0 p');
  });

  it('moves large bodies both ways in blocks', async () => {
    const body = new Uint8Array(5_000).map((_, i) => i * 7);
    let heard: IncomingRequest | undefined;
    const { time, device } = await makePair({
      server: {
        handler: (request) => {
          heard = request;
          return { code: RESPONSE_CODES.changed, payload: request.payload };
        },
      },
    });
    const response = await time.run(device.request({ method: 'PUT', path: ['fw'], contentFormat: 42, payload: body }));
    assert.deepEqual(heard?.payload, body);
    assert.deepEqual(response.payload, body);
  });

  it('maps errors of the handler to response codes', async () => {
    const { time, device } = await makePair({
      server: {
        handler: ({ path: [what] }) => {
          if (what === 'sync') throw new ResponseError(RESPONSE_CODES.forbidden, 'no');
          if (what === 'bug') throw new Error('secret');
          return Promise.reject(new ResponseError(RESPONSE_CODES.conflict, 'no'));
        },
      },
    });
    for (const [path, code] of [
      ['sync', 0x83],
      ['bug', 0xa0],
      ['async', 0x89],
    ] as const) {
      assert.equal((await time.run(device.request({ method: 'GET', path: [path] }))).code, code);
    }
  });

  it('answers 4.04 without a handler, and pings', async () => {
    const { time, device } = await makePair();
    assert.equal((await time.run(device.request({ method: 'GET' }))).code, RESPONSE_CODES.notFound);
    await time.run(device.ping());
  });

  it('observes: notifications in order, until deregistered', async () => {
    const ended: string[] = [];
    let observation: ReturnType<NonNullable<IncomingRequest['acceptObservation']>> | undefined;
    const { time, device } = await makePair({
      server: {
        handler: (request) => {
          observation = request.acceptObservation?.({ ended: (reason) => ended.push(reason) }) ?? observation;
          return { code: RESPONSE_CODES.content, payload: utf8Encode('0') };
        },
      },
    });
    const heard: string[] = [];
    const observed = await time.run(
      device.observe({ method: 'GET', path: ['t'] }, ({ payload }) => heard.push(utf8Decode(payload))),
    );
    assert.equal(utf8Decode(observed.response.payload), '0');
    assert.equal(observed.active, true);
    await time.run(observation!.notify({ code: RESPONSE_CODES.content, payload: utf8Encode('1') }));
    await time.run(
      observation!.notify({ code: RESPONSE_CODES.content, payload: utf8Encode('2') }, { confirmable: true }),
    );
    await time.advance(1_000);
    assert.deepEqual(heard, ['1', '2']);
    await time.run(observed.cancel());
    assert.deepEqual(ended, ['deregistered']);
    assert.equal(observation!.active, false);
  });

  it('gives up with ETIMEDOUT, and with the socket’s error when it closes', async () => {
    const { time, network, device, deviceSocket } = await makePair({ server: { handler: echo } });
    network.setConditions({ loss: 1 });
    await assert.rejects(time.run(device.request({ method: 'GET' })), { code: 'ETIMEDOUT' });
    assert.ok(time.now() >= 62_000 && time.now() <= 93_000, `${time.now()}`);
    const left = device.request({ method: 'GET' });
    deviceSocket.close();
    await assert.rejects(time.run(left), { code: 'ECONNABORTED' });
    await assert.rejects(time.run(device.request({ method: 'GET' })), { code: 'ECONNABORTED' });
  });
});
