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
import { FakeIo } from '../cli/fake-io.ts';
import { runCli } from '../../lib/cli/program.ts';
import { checksums, dissect } from './peers/tshark.ts';

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

describe('a recording of our own under tshark', () => {
  needs('tshark');

  it('opens by itself: CoAP without a key log, also in the second section; checksums are good', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lwm2m-capture-'));
    const file = join(directory, 'demo.pcapng');
    try {
      const ports: number[] = [];
      for (let i = 0; i < 2; i++) {
        const io = new FakeIo();
        assert.equal(await runCli(['demo', '--capture', file], io), 0, io.everything);
        ports.push(Number(/coaps:\/\/127\.0\.0\.1:(\d+)/.exec(io.everything)![1]));
      }
      assert.equal(statSync(file).mode & 0o777, 0o600);
      for (const port of ports) {
        const packets = await dissect(file, port);
        const coap = packets.filter(({ protocols }) => protocols.includes('dtls:coap'));
        const find = (code: number, path: string): boolean =>
          coap.some(({ coapCode, coapPath }) => coapCode === `${code}` && coapPath.startsWith(path));
        assert.ok(find(2, '/rd'), 'POST /rd');
        assert.ok(find(1, '/3303'), 'GET /3303');
        assert.ok(find(3, '/1/0/1'), 'PUT /1/0/1');
        assert.ok(find(2, '/dp'), 'POST /dp');
        assert.ok(find(4, '/rd/'), 'DELETE /rd/…');
        assert.ok(packets.some(({ info }) => info.includes('Client Hello')));
        assert.equal(packets.filter(({ info }) => info.includes('Finished')).length, 4, 'both, of both sessions');
        assert.ok(!packets.some(({ info }) => /malformed/i.test(info)), 'every message parses');
      }
      const sums = await checksums(file);
      assert.ok(sums.length > 40);
      assert.deepEqual([...new Set(sums)], ['1|1'], 'good, both of every packet');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
