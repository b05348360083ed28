// `lwm2m server`, in process, with devices that choose their words to harm whoever reads its output.

import assert from 'node:assert/strict';
import { nativeDtls, pskIdentityFromBuffer, pskKeyFromBuffer, systemEnvironment, udpSocket } from '../../lib/index.ts';
import { FakeIo } from './fake-io.ts';
import { UdpCoapConnection } from '../../lib/coap/index.ts';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { runCli } from '../../lib/cli/program.ts';

const KEYS = { alice: '000102030405060708090a0b0c0d0eff', bob: '101112131415161718191a1b1c1d1eff' } as const;
const LINKS = utf8Encode('</>;rt="oma.lwm2m",</3/0>');

describe('lwm2m server', () => {
  let io: FakeIo;

  beforeEach(() => void (io = new FakeIo()));
  afterEach(() => io.interrupt()); // a server that a failed case left behind

  const portOf = (line: string): number => Number(/:(\d+)"?\}?$/.exec(line)?.[1]);
  const register = (connection: UdpCoapConnection, endpoint: string) =>
    connection.request({ method: 'POST', path: ['rd'], query: [`ep=${endpoint}`], payload: LINKS, contentFormat: 40 });

  for (const json of [false, true]) {
    it(`prints nothing that a terminal acts on, ${json ? 'as JSON' : 'as text'}`, async () => {
      const ended = runCli(['server', '--listen', 'coap://127.0.0.1:0', ...(json ? ['--json'] : [])], io).catch(String);
      const uri = await Promise.race([io.line(/listening/), ended]);
      const environment = systemEnvironment();
      const socket = udpSocket({}, environment);
      await socket.connect('127.0.0.1', portOf(String(uri)));
      const connection = new UdpCoapConnection(socket, environment);
      await register(connection, 'a replaced=true');
      await register(connection, '\u001b[2J\u009b31m');
      await connection.request({ method: 'GET', path: ['\u001b]0;owned\u0007', 'x\ny\u202e'] });
      await connection.request({
        method: 'POST',
        path: ['dp'],
        contentFormat: 110,
        payload: utf8Encode('[{"n":"/3/0/0","vs":"\\u001b[31m\\u009b\\n forged"}]'),
      });
      await io.line(/sent/);
      for (const line of io.outLines) assert.ok(!/[\p{Cc}\u202e]/u.test(line), JSON.stringify(line));
      const registered = io.outLines.find((line) => /registered/.test(line))!;
      if (json) assert.equal((JSON.parse(registered) as { endpoint: string }).endpoint, 'a replaced=true');
      else assert.match(registered, /endpoint="a replaced=true" /);
      connection.close();
      socket.close();
      io.interrupt();
      assert.equal(await ended, 0);
    });
  }

  it('keeps the names of its devices for them', async () => {
    const psk = Object.entries(KEYS).flatMap(([identity, key]) => ['--psk', `${identity}:${key}`]);
    const ended = runCli(['server', '--listen', 'coaps://127.0.0.1:0', ...psk], io);
    const port = portOf(await io.line(/listening/));
    const backend = nativeDtls({ datagramSocket: udpSocket });
    const environment = systemEnvironment();
    const codes: number[] = [];
    for (const [identity, endpoint] of [
      ['bob', 'alice'],
      ['alice', 'alice'],
      ['bob', 'another'],
    ] as const) {
      const security = {
        mode: 'psk',
        identity: pskIdentityFromBuffer(utf8Encode(identity)),
        key: pskKeyFromBuffer(fromHex(KEYS[identity])),
      } as const;
      const socket = backend.createSocket({ security }, environment);
      await socket.connect('127.0.0.1', port);
      const connection = new UdpCoapConnection(socket, environment);
      codes.push((await register(connection, endpoint)).code);
      connection.close();
      socket.close();
    }
    assert.deepEqual(codes, [0x83, 0x41, 0x41]);
    io.interrupt();
    assert.equal(await ended, 0);
    for (const key of Object.values(KEYS)) assert.ok(!io.everything.includes(key.slice(0, 12)));
  });
});
