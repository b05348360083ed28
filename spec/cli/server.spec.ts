// `lwm2m server`, in process: its mistakes, its secrets, and a device of the command line at it.

import assert from 'node:assert/strict';
import { runCli } from '../../lib/cli/program.ts';
import { FakeIo } from './fake-io.ts';

const KEY = '000102030405060708090a0b0c0d0eff';

describe('lwm2m server', () => {
  const mistakes: [string, string[], RegExp][] = [
    ['no address', [], /--listen.*\nExample: lwm2m server --listen coaps:\/\//s],
    ['an address that is none', ['--listen', 'foo'], /--listen: uri.*\nExample: --listen coaps:\/\//s],
    ['a wrong scheme', ['--listen', 'https://h'], /--listen: uri scheme/],
    ['a name', ['--listen', 'coaps://localhost'], /--listen: expected an IPv4 or \[IPv6\] address/],
    ['a path', ['--listen', 'coaps://127.0.0.1/rd'], /--listen: expected no path/],
    ['TCP', ['--listen', 'coap+tcp://127.0.0.1'], /--listen: expected coap:\/\/ or coaps:\/\//],
    ['nobody who may connect', ['--listen', 'coaps://127.0.0.1'], /--psk: coaps:\/\/ needs.*\nExample: lwm2m server/s],
    [
      'a key without security',
      ['--listen', 'coap://127.0.0.1', '--psk', `a:${KEY}`],
      /--psk: coap:\/\/ has no security/,
    ],
    ['no colon', ['--listen', 'coaps://127.0.0.1', '--psk', KEY], /--psk: expected IDENTITY:HEXKEY, found no colon/],
    ['no identity', ['--listen', 'coaps://127.0.0.1', '--psk', `:${KEY}`], /--psk: .*found no identity/],
    ['a key of other letters', ['--listen', 'coaps://127.0.0.1', '--psk', `a:${KEY}zz`], /--psk: key: expected hex/],
    [
      'a long identity',
      ['--listen', 'coaps://127.0.0.1', '--psk', `${'x'.repeat(129)}:${KEY}`],
      /--psk: expected 1 to 128/,
    ],
    ['a path that is none', ['--listen', 'coap://127.0.0.1', '--observe', '/a'], /--observe: .*\nExample: --observe/s],
    ['an unknown flag', ['--listen', 'coap://127.0.0.1', '--bogus'], /--bogus.*\nExample: lwm2m server/s],
  ];
  for (const [name, flags, message] of mistakes) {
    it(`names ${name}, and shows what is right`, async () => {
      const io = new FakeIo();
      assert.equal(await runCli(['server', ...flags], io), 2);
      assert.match(io.errorLines.join('\n'), message);
      assert.equal(io.outLines.length, 0);
      assert.ok(!io.everything.includes(KEY.slice(-6)), 'no key is repeated');
    });
  }

  it('says in one line each what a device does, as text or as JSON', async () => {
    for (const json of [false, true]) {
      const server = new FakeIo();
      const identity = 'rack:7'; // split at the last colon
      const flags = ['--listen', 'coaps://127.0.0.1:0', '--psk', `${identity}:${KEY}`, '--observe', '/3303/0/5700'];
      const serving = runCli(['server', ...flags, ...(json ? ['--json'] : [])], server);
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(await server.line(/listening/))!;
      const device = new FakeIo();
      device.environmentVariables = { LWM2M_PSK_KEY: KEY };
      const target = ['--server', `coaps://127.0.0.1:${port}`, '--endpoint', 'sensor-1', '--identity', identity];
      const living = runCli(['device', ...target, '--interval', '1'], device);
      const lines = ['connected', 'registered', 'observed'].map((event) =>
        server.line(json ? new RegExp(`"event":"${event}"`) : new RegExp(` ${event} `)),
      );
      const [connected, registered, observed] = await Promise.all(lines);
      assert.ok(connected?.includes(identity));
      assert.ok(registered?.includes('sensor-1') && registered.includes('/3303/0'), registered);
      assert.ok(observed?.includes('/3303/0/5700'), observed);
      if (json) for (const line of server.outLines) assert.equal(typeof JSON.parse(line), 'object');
      device.interrupt();
      assert.equal(await living, 0);
      assert.ok((await server.line(/deregistered/)).includes('sensor-1'));
      server.interrupt();
      assert.equal(await serving, 0);
      assert.ok(!server.everything.includes(KEY) && !device.everything.includes(KEY), 'no key is printed');
    }
  });

  it('explains an address that is taken, and ends', async () => {
    const first = new FakeIo();
    const serving = runCli(['server', '--listen', 'coap://127.0.0.1:0'], first);
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(await first.line(/listening/))!;
    const second = new FakeIo();
    assert.equal(await runCli(['server', '--listen', `coap://127.0.0.1:${port}`], second), 1);
    assert.match(second.errorLines.join('\n'), /EADDRINUSE/);
    first.interrupt();
    assert.equal(await serving, 0);
  });
});
