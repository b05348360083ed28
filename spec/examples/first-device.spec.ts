import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { Temperature } from '../../lib/objects/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { LwM2mServer, PskStore } from '../../lib/server/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const KEY = '000102030405060708090a0b0c0d0e0f';

describe('examples/first-device', () => {
  it('registers over DTLS, notifies, and de-registers on Ctrl-C', async () => {
    const environment = systemEnvironment();
    const keys = new PskStore();
    keys.add({ identity: utf8Encode('thermometer'), key: fromHex(KEY) });
    const listener = nativeDtls({ datagramSocket: udpSocket }).createServer(
      { security: { mode: 'psk', lookup: keys.lookup } },
      environment,
    );
    await listener.bind('127.0.0.1', 0);
    const server = new LwM2mServer({ environment, definitions: [Temperature.definition] });
    server.serve(listener);
    const file = path.join(
      'examples',
      'first-device',
      path.extname(import.meta.filename) === '.ts' ? 'device.ts' : 'device.js',
    );
    const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
    const device = spawn(process.execPath, [...loader, file, `coaps://127.0.0.1:${listener.local!.port}`, KEY], {
      cwd: ROOT,
    });
    let said = '';
    device.stdout.on('data', (text) => (said += String(text)));
    device.stderr.on('data', (text) => (said += String(text)));
    const exited = once(device, 'exit');
    try {
      const { device: registered } = await server.events.next('registered');
      assert.equal(registered.endpoint, 'thermometer');
      const values: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        const notified = (result: object): void => {
          values.push('entries' in result && Array.isArray(result.entries) ? result.entries[0] : result);
          if (values.length === 2) resolve();
        };
        registered.observe('/3303/0/5700', notified).catch(reject);
      });
      const gone = server.events.next('deregistered');
      device.kill('SIGINT');
      await gone;
      assert.deepEqual(await exited, [0, null], said);
      assert.match(said, /registered at \/rd\/[0-9a-f]{16}\nde-registered\n/);
    } finally {
      device.kill('SIGKILL');
      server.close();
      keys.close();
    }
  });
});
