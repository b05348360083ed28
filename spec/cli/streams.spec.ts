// `lwm2m server` and `lwm2m device` with each other, over TCP and TLS.

import assert from 'node:assert/strict';
import { runCli } from '../../lib/cli/program.ts';
import { FakeIo } from './fake-io.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';

describe('lwm2m over streams', () => {
  for (const [scheme, serverFlags, deviceFlags] of [
    ['coap+tcp', [], []],
    ['coaps+tcp', ['--psk', `sensor-1:${KEY}`], ['--key', KEY]],
  ] as const) {
    it(`a device registers over ${scheme}, is observed, and leaves`, async () => {
      const [atServer, atDevice] = [new FakeIo(), new FakeIo()];
      const listen = [...serverFlags, '--observe', '/3303/0/5700', '--json'];
      const serving = runCli(['server', '--listen', `${scheme}://127.0.0.1:0`, ...listen], atServer);
      try {
        const { uri } = JSON.parse(await atServer.line(/listening/)) as { uri: string };
        const flags = ['--server', uri, '--endpoint', 'sensor-1', '--lifetime', '60', ...deviceFlags];
        const running = runCli(['device', ...flags], atDevice);
        assert.match(await atServer.line(/"event":"registered"/), /"binding":"T"/);
        assert.match(await atServer.line(/"event":"observed"/), /\/3303\/0\/5700/);
        await atDevice.line(/registered as sensor-1/);
        atDevice.interrupt();
        assert.equal(await running, 0);
        await atServer.line(/"event":"deregistered"/);
      } finally {
        atDevice.interrupt();
        atServer.interrupt();
      }
      assert.equal(await serving, 0);
      assert.ok(!`${atServer.everything}${atDevice.outLines.join('')}`.includes(KEY));
    });
  }
});
