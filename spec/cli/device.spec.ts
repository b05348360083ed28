// `lwm2m device`, in process: its mistakes, its secrets, and its life at a server over loopback.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { LwM2mServer } from '../../lib/server/index.ts';
import { nativeDtls, pskKeyFromBuffer, systemEnvironment, udpSocket, utf8Decode } from '../../lib/index.ts';
import { readBlocks } from '../net/capture/blocks.ts';
import { FakeIo } from './fake-io.ts';
import { fromHex } from '../../lib/bytes/index.ts';
import { runCli } from '../../lib/cli/program.ts';

const KEY = '000102030405060708090a0b0c0d0eff';

describe('lwm2m device', () => {
  const mistakes: [string, string[], RegExp][] = [
    ['no server', [], /--server/],
    ['no endpoint', ['--server', 'coap://h'], /--endpoint/],
    ['a server that is none', ['--server', 'leshan.example'], /--server: uri.*\nExample: --server coaps:\/\//s],
    ['a wrong scheme', ['--server', 'https://h'], /--server: uri scheme/],
    ['TLS without a key', ['--server', 'coaps+tcp://h'], /--key-file: .* needs a pre-shared key/],
    ['a binding of datagrams', ['--server', 'coap+tcp://h', '--binding', 'U'], /--binding: expected T or TQ/],
    ['no key', ['--server', 'coaps://h'], /--key-file: coaps:\/\/ needs a pre-shared key .*\nExample: lwm2m device/],
    [
      'a key of other letters',
      ['--server', 'coaps://h', '--key', `${KEY}zz`],
      /--key: key: expected hex.*\nExample: --key/s,
    ],
    ['an empty key', ['--server', 'coaps://h', '--key', ''], /--key: expected 1 to 64 bytes, found 0/],
    ['a long key', ['--server', 'coaps://h', '--key', 'ab'.repeat(65)], /--key: expected 1 to 64 bytes, found 65/],
    ['two keys', ['--server', 'coaps://h', '--key', KEY, '--key-file', 'f'], /--key: there is --key-file too/],
    ['no such key file', ['--server', 'coaps://h', '--key-file', '/no/such/file'], /--key-file: cannot read .*ENOENT/],
    ['a key without security', ['--server', 'coap://h', '--key', KEY], /--server: coap:\/\/ has no security/],
    [
      'a long identity',
      ['--server', 'coaps://h', '--key', KEY, '--identity', 'x'.repeat(129)],
      /--identity: expected 1 to 128/,
    ],
    ['a negative lifetime', ['--server', 'coap://h', '--lifetime', '-5'], /--lifetime: .*\nExample: --lifetime 300/],
    ['a binding that is none', ['--server', 'coap://h', '--binding', 'T'], /--binding: expected U or UQ/],
    [
      'a version that is none',
      ['--server', 'coap://h', '--lwm2m-version', '2.0'],
      /--lwm2m-version: expected 1\.0, 1\.1/,
    ],
    ['a level that is none', ['--server', 'coap://h', '--log', 'loud'], /--log: expected silent, error/],
    ['a seed that is none', ['--server', 'coap://h', '--seed', 'x'], /--seed: .*\nExample: --seed 1/],
    ['an interval of nothing', ['--server', 'coap://h', '--interval', '0'], /--interval: /],
    [
      'an id without security',
      ['--server', 'coap://h', '--connection-id'],
      /--connection-id: coap:\/\/ has no security/,
    ],
    ['an unknown flag', ['--server', 'coap://h', '--bogus'], /--bogus.*\nExample: lwm2m device/s],
  ];
  for (const [name, flags, message] of mistakes) {
    it(`names ${name}, and shows what is right`, async () => {
      const io = new FakeIo();
      const endpoint = name === 'no endpoint' ? [] : ['--endpoint', 'sensor-1'];
      assert.equal(await runCli(['device', ...flags, ...endpoint], io), 2);
      assert.match(io.errorLines.join('\n'), message);
      assert.equal(io.outLines.length, 0);
      assert.ok(!io.everything.includes(KEY.slice(-6)), 'no key is repeated');
    });
  }

  it('takes a wrong key from the environment as a mistake, without showing it', async () => {
    const io = new FakeIo();
    io.environmentVariables = { LWM2M_PSK_KEY: 'swordfish' };
    assert.equal(await runCli(['device', '--server', 'coaps://h', '--endpoint', 'e'], io), 2);
    assert.match(io.errorLines.join('\n'), /LWM2M_PSK_KEY: .*\nExample: LWM2M_PSK_KEY=/s);
    assert.ok(!io.everything.includes('swordfish'));
  });

  it('has help with examples', async () => {
    const io = new FakeIo();
    assert.equal(await runCli(['device', '--help'], io), 0);
    for (const flag of [
      '--server',
      '--endpoint',
      '--identity',
      '--key',
      '--key-file',
      '--lifetime',
      '--binding',
      '--log',
      'Examples:',
    ]) {
      assert.ok(io.everything.includes(flag), flag);
    }
  });

  describe('at a server', () => {
    let server: LwM2mServer;
    let uri: string;
    let directory: string;
    let io: FakeIo;

    beforeEach(async () => {
      io = new FakeIo();
      directory = await mkdtemp(join(tmpdir(), 'device-spec-'));
      server = new LwM2mServer();
      const listener = nativeDtls({ datagramSocket: udpSocket }).createServer(
        {
          security: {
            mode: 'psk',
            lookup: (identity) => (utf8Decode(identity) === 'sensor-1' ? pskKeyFromBuffer(fromHex(KEY)) : undefined),
          },
        },
        systemEnvironment(),
      );
      await listener.bind('127.0.0.1', 0);
      server.serve(listener);
      uri = `coaps://127.0.0.1:${listener.local!.port}`;
    });
    afterEach(async () => {
      io.interrupt(); // a device that a failed case left behind
      server.close();
      await rm(directory, { recursive: true });
    });

    it('registers, tells of requests and the reboot, and de-registers when interrupted', async () => {
      const ended = runCli(['device', '--server', uri, '--endpoint', 'sensor-1', '--key', KEY, '--lifetime', '60'], io);
      assert.match(await io.line(/registered as/), /registered as sensor-1 at \/rd\/\S+, lifetime 60 s, LwM2M 1\.1/);
      const device = server.device('sensor-1')!;
      const { entries } = await device.read('/3303/0/5700');
      assert.equal(entries[0]?.value, 20);
      await device.execute('/3/0/4', { 0: 'now' });
      await io.line(/asked for a reboot/);
      await io.line(/POST \/3\/0\/4 → 2\.04/);
      const gone = server.events.next('deregistered');
      io.interrupt();
      await gone;
      assert.equal(await ended, 0);
      assert.equal(io.outLines.at(-1), 'de-registered');
      assert.match(io.errorLines.join('\n'), /warning: --key HEX shows in the process list/);
      assert.ok(!io.everything.includes(KEY));
    });

    it('takes the key from standard input, writes JSON, state and the key log that was asked for', async () => {
      io.input = ` ${KEY}`;
      const keyLog = join(directory, 'keys.log');
      const state = join(directory, 'state');
      const flags = ['--key', '-', '--json', '--log', 'trace', '--state', state, '--key-log', keyLog];
      const ended = runCli(['device', '--server', uri, '--endpoint', 'sensor-1', ...flags], io);
      await io.line(/"event":"registered"/);
      assert.match(await readFile(keyLog, 'utf8'), /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$/);
      assert.equal((await stat(keyLog)).mode & 0o777, 0o600);
      io.interrupt();
      assert.equal(await ended, 0);
      assert.deepEqual(
        await readdir(state),
        ['registration-101'],
        'and the lock is gone; this server lets nobody resume',
      );
      for (const line of io.outLines) assert.equal(typeof (JSON.parse(line) as { event: unknown }).event, 'string');
      assert.deepEqual(
        io.errorLines.filter((line) => line.startsWith('warning')),
        [],
      );
      assert.ok(!io.everything.includes(KEY));
    });

    it('resumes its DTLS session after a restart, where state is kept, and has a connection id', async () => {
      const own = nativeDtls({ datagramSocket: udpSocket });
      const environment = systemEnvironment();
      const security = { mode: 'psk', lookup: () => pskKeyFromBuffer(fromHex(KEY)) } as const;
      const listener = own.createServer({ security, resumption: true, connectionId: true }, environment);
      await listener.bind('127.0.0.1', 0);
      server.serve(listener);
      const at = `coaps://127.0.0.1:${listener.local!.port}`;
      const state = join(directory, 'state');
      for (const resumed of [false, true]) {
        io = new FakeIo();
        io.input = KEY;
        const flags = ['--key', '-', '--state', state, '--connection-id'];
        const ended = runCli(['device', '--server', at, '--endpoint', 'sensor-1', ...flags], io);
        const line = await io.line(/connected from port/);
        assert.equal(line.endsWith(', session resumed'), resumed, line);
        await io.line(/registered as/);
        io.interrupt();
        assert.equal(await ended, 0);
      }
    });

    it('records the session with its secrets where it is told to, and nowhere else', async () => {
      const capture = join(directory, 'session.pcapng');
      const flags = ['--key', '-', '--capture', capture];
      io.input = KEY;
      io.environmentVariables = { SSLKEYLOGFILE: join(directory, 'never') };
      const ended = runCli(['device', '--server', uri, '--endpoint', 'sensor-1', ...flags], io);
      await io.line(/registered as/);
      io.interrupt();
      assert.equal(await ended, 0);
      assert.equal((await stat(capture)).mode & 0o777, 0o600);
      const blocks = readBlocks(await readFile(capture));
      assert.match(
        blocks.find(({ secrets }) => secrets !== undefined)!.secrets!,
        /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$/,
      );
      assert.ok(blocks.filter(({ packet }) => packet !== undefined).length >= 10);
      assert.deepEqual(await readdir(directory), ['session.pcapng']);
    });

    it('refuses a recording that is none before anything is sent', async () => {
      const capture = join(directory, 'notes.txt');
      await writeFile(capture, 'notes');
      io.input = KEY;
      assert.equal(
        await runCli(['device', '--server', uri, '--endpoint', 'e', '--key', '-', '--capture', capture], io),
        2,
      );
      assert.match(
        io.everything,
        /--capture: expected an empty file or a pcapng recording.*\nExample: --capture session/s,
      );
      assert.deepEqual(io.outLines, []);
    });

    it('takes the key from a file or from the environment', async () => {
      const file = join(directory, 'device.key');
      await writeFile(file, `${KEY}\n`);
      for (const flags of [['--key-file', file], []]) {
        io = new FakeIo();
        if (flags.length === 0) io.environmentVariables = { LWM2M_PSK_KEY: KEY };
        const ended = runCli(
          ['device', '--server', uri, '--endpoint', 'other', '--identity', 'sensor-1', ...flags],
          io,
        );
        await io.line(/registered as other/);
        io.interrupt();
        assert.equal(await ended, 0);
      }
    });
  });
});
