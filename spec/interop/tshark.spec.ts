// tshark reads our session from a recording of the relay, with the key log that the command line wrote on request.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeshanServer } from './peers/leshan.ts';
import { startOurDevice } from './peers/our-cli.ts';
import { PcapFile } from './peers/pcap.ts';
import { needs } from './peers/peer.ts';
import { UdpRelay } from './peers/relay.ts';
import { dissect } from './peers/tshark.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const ENDPOINT = 'recorded';

describe('a session under tshark', () => {
  needs('tshark', 'leshan');

  it('is opaque without our key log, and CoAP with it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lwm2m-tshark-'));
    const keyLog = join(directory, 'keys.log');
    const leshan = await LeshanServer.start();
    const record = new PcapFile(join(directory, 'session.pcap'));
    const relay = await UdpRelay.start({ target: leshan.coapsPort, record });
    await leshan.addPsk(ENDPOINT, ENDPOINT, KEY);
    const credentials = ['--endpoint', ENDPOINT, '--key', KEY, '--key-log', keyLog];
    const device = startOurDevice(['--server', `coaps://127.0.0.1:${relay.port}`, ...credentials]);
    try {
      await leshan.events.waitFor('REGISTRATION', ({ endpoint }) => endpoint === ENDPOINT);
      await leshan.read(ENDPOINT, '/3/0/0', 'TEXT');
      device.signal('SIGINT');
      await leshan.events.waitFor('DEREGISTRATION', ({ endpoint }) => endpoint === ENDPOINT);
      assert.equal(await device.exited, 0);

      assert.equal(statSync(keyLog).mode & 0o777, 0o600);
      assert.match(readFileSync(keyLog, 'utf8'), /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/m);
      const sealed = await dissect(record.path, leshan.coapsPort);
      assert.ok(sealed.some(({ info }) => info.includes('Client Key Exchange')));
      assert.ok(!sealed.some(({ protocols }) => protocols.endsWith('coap')));
      assert.ok(!sealed.some(({ info }) => /malformed/i.test(info)), 'every handshake message parses');

      const opened = await dissect(record.path, leshan.coapsPort, keyLog);
      const coap = opened.filter(({ protocols }) => protocols.includes('coap'));
      const find = (code: number, path: string): boolean =>
        coap.some(({ coapCode, coapPath }) => coapCode === `${code}` && coapPath.startsWith(path));
      assert.ok(find(2, '/rd'), 'POST /rd');
      assert.ok(find(1, '/3/0/0'), 'GET /3/0/0');
      assert.ok(find(4, '/rd/'), 'DELETE /rd/…');
      assert.ok(
        coap.some(({ coapCode }) => coapCode === '65'),
        '2.01 Created',
      );
      assert.ok(!opened.some(({ info }) => /malformed/i.test(info)), 'every message parses');
      assert.ok(
        opened.some(({ info }) => /close notify/i.test(info)),
        'close_notify',
      );
    } finally {
      relay.close();
      await Promise.all([device.stop(), leshan.stop()]);
      rmSync(directory, { recursive: true });
    }
  });
});
