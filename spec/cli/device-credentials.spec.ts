// The credentials of `lwm2m device`: what may go wrong with each flag, and a device at a server of each kind.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { FakeIo } from './fake-io.ts';
import { checkSni, parseCiphersuites } from '../../lib/cli/device-credentials.ts';
import { credential } from '../../examples/security-object/visit.ts';
import { runCli } from '../../lib/cli/program.ts';
import { securities, startServer } from '../../examples/security-object/servers.ts';

const file = (name: string): string => credential(name);
const OWN = ['--certificate', file('device.pem'), '--private-key', file('device.key')];
const SERVER = ['--server-certificate', file('server.pem')];
const TRUST = ['--trust', file('ca.pem')];

describe('credentials of lwm2m device', () => {
  const mistakes: [string, string[], RegExp][] = [
    [
      'kinds mixed',
      [...OWN, ...SERVER, '--key', '00'],
      /--certificate: it does not go with --key; .*Example: .*--server-certificate/s,
    ],
    [
      'kinds mixed otherwise',
      ['--server-public-key', file('server.pub'), '--identity', 'x'],
      /--server-public-key: it does not go with --identity/,
    ],
    [
      'a private key beside a pre-shared one',
      ['--private-key', file('device.key'), '--key', '00'],
      /--private-key: it does not go with a pre-shared key/,
    ],
    [
      'a private key alone',
      ['--private-key', file('device.key')],
      /--private-key: needs --certificate, or --server-public-key/,
    ],
    [
      'a certificate alone',
      ['--certificate', file('device.pem'), ...SERVER],
      /--private-key: --certificate needs it\nExample: /,
    ],
    [
      'a key without its certificate',
      ['--private-key', file('device.key'), ...SERVER],
      /--certificate: --private-key needs it/,
    ],
    ['nobody trusted', OWN, /--server-certificate: certificate usage 3 has nothing to compare with/],
    [
      'usage 2 without an authority',
      [...OWN, ...TRUST, '--certificate-usage', '2'],
      /--server-certificate: certificate usage 2 has nothing/,
    ],
    [
      'usage 0 without trust',
      [...OWN, ...SERVER, '--certificate-usage', '0'],
      /--trust: certificate usage 0 needs .*\nExample: --trust ca\.pem/,
    ],
    [
      'a usage that is none',
      [...OWN, ...SERVER, '--certificate-usage', '4'],
      /--certificate-usage: expected an integer from 0 to 3/,
    ],
    [
      'no such certificate',
      ['--certificate', '/no/such', '--private-key', file('device.key'), ...SERVER],
      /--certificate: .*'\/no\/such' cannot be read \(ENOENT\)\nExample: /,
    ],
    [
      'a key for a certificate',
      ['--certificate', file('device.key'), '--private-key', file('device.key'), ...SERVER],
      /--certificate: .*a block with a certificate/,
    ],
    [
      'a certificate for a key',
      ['--certificate', file('device.pem'), '--private-key', file('device.pem'), ...SERVER],
      /--private-key: .*one block with a private key/,
    ],
    [
      'the key of another certificate',
      ['--certificate', file('device.pem'), '--private-key', file('server.key'), ...SERVER],
      /--private-key: .*expected the key of the first certificate/,
    ],
    ['no such trust', [...OWN, '--trust', '/no/such'], /--trust: .*ENOENT/],
    [
      'raw keys without a server',
      ['--public-key', file('device.pub'), '--private-key', file('device.key')],
      /--server-public-key: without it no server would be trusted/,
    ],
    ['raw keys without a key', ['--server-public-key', file('server.pub')], /--private-key: raw public keys need/],
    [
      'a certificate for a raw key',
      ['--server-public-key', file('server.pem'), '--private-key', file('device.key')],
      /--server-public-key: .*PUBLIC KEY/,
    ],
    [
      'the raw key of another',
      [
        '--server-public-key',
        file('server.pub'),
        '--public-key',
        file('server.pub'),
        '--private-key',
        file('device.key'),
      ],
      /--private-key: .*expected the public key that belongs/,
    ],
    [
      'an address as name',
      [...OWN, ...SERVER, '--sni', '127.0.0.1'],
      /--sni: expected a host name .*\nExample: --sni server\.example/,
    ],
    [
      'suites that are none',
      [...OWN, ...SERVER, '--ciphersuites', 'AES'],
      /--ciphersuites: expected IANA ids, found "AES"\nExample: --ciphersuites 0xC0AE/,
    ],
    [
      'suites of another kind',
      [...OWN, ...SERVER, '--ciphersuites', '0xC0A8'],
      /--ciphersuites: .*supported with security\.mode certificate/,
    ],
  ];
  for (const [name, flags, message] of mistakes) {
    it(`names the flag: ${name}`, async () => {
      const io = new FakeIo();
      assert.equal(await runCli(['device', '--server', 'coaps://h', '--endpoint', 'sensor-1', ...flags], io), 2);
      assert.match(io.errorLines.join('\n'), message);
      assert.deepEqual(io.outLines, []);
    });
  }

  it('names the flag that coap:// would not use', async () => {
    for (const flag of [
      '--certificate',
      '--private-key',
      '--trust',
      '--server-public-key',
      '--sni',
      '--ciphersuites',
    ]) {
      const io = new FakeIo();
      assert.equal(await runCli(['device', '--server', 'coap://h', '--endpoint', 'e', flag, 'x'], io), 2);
      assert.ok(
        io.everything.includes(`--server: coap:// has no security, so ${flag} would not be used`),
        io.everything,
      );
    }
  });

  it('reads suites in hex and decimal, in their order', () => {
    assert.deepEqual(parseCiphersuites('0xC0AE, 49195,0xffff'), [0xc0ae, 0xc02b, 0xffff]);
    for (const wrong of ['', '0x', '0x10000', '65536', '-1', '0xC0AE,', '1e3']) {
      assert.throws(() => parseCiphersuites(wrong), /--ciphersuites: expected IANA ids/);
    }
    assert.throws(() => parseCiphersuites(Array.from({ length: 65 }, () => '1').join(',')), /at most 64, found 65/);
  });

  it('takes host names as names, nothing else', () => {
    for (const name of ['localhost', 'a.b-c.example']) assert.equal(checkSni(name), name);
    for (const name of ['', '::1', 'a..b', 'a b', `${'a'.repeat(64)}.example`])
      assert.throws(() => checkSni(name), /--sni/);
  });

  it('opens an encrypted private key with the password of the environment, and says so without one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'credentials-spec-'));
    try {
      const encrypted = join(directory, 'device.key');
      const key = createPrivateKey(readFileSync(file('device.key')));
      writeFileSync(
        encrypted,
        key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' }),
      );
      const flags = ['--certificate', file('device.pem'), '--private-key', encrypted, '--trust', '/no/such'];
      const errorWith = async (password?: string): Promise<string> => {
        const io = new FakeIo();
        io.environmentVariables = password === undefined ? {} : { LWM2M_KEY_PASSWORD: password };
        assert.equal(await runCli(['device', '--server', 'coaps://h', '--endpoint', 'e', ...flags], io), 2);
        return io.everything;
      };
      assert.match(await errorWith(), /--private-key: .*LWM2M_KEY_PASSWORD/);
      assert.match(await errorWith('wrong-one'), /--private-key: .*password/);
      assert.ok(!(await errorWith('wrong-one')).includes('wrong-one'));
      assert.match(await errorWith('sesame'), /--trust: /);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  describe('at a server', () => {
    const lives: [string, 'rawPublicKey' | 'certificate', string[]][] = [
      [
        'raw public keys',
        'rawPublicKey',
        [
          '--server-public-key',
          file('server.pub'),
          '--private-key',
          file('device.key'),
          '--public-key',
          file('device.pub'),
        ],
      ],
      ['usage 3', 'certificate', [...OWN, ...SERVER]],
      ['usage 2', 'certificate', [...OWN, '--server-certificate', file('ca.pem'), '--certificate-usage', '2']],
      ['usage 1', 'certificate', [...OWN, ...SERVER, ...TRUST, '--certificate-usage', '1']],
      [
        'usage 0 of a directory',
        'certificate',
        [...OWN, '--server-certificate', file('ca.pem'), '--trust', file('trust'), '--certificate-usage', '0'],
      ],
      ['path and name, one suite', 'certificate', [...OWN, ...TRUST, '--ciphersuites', '0xC02B', '--sni', 'localhost']],
    ];
    for (const [name, mode, flags] of lives) {
      it(`registers and leaves by ${name}`, async () => {
        const { server, uri } = await startServer(securities()[mode]);
        const io = new FakeIo();
        const device = runCli(['device', '--server', uri, '--endpoint', 'sensor-1', ...flags], io);
        try {
          const connected = await io.line(/^connected/);
          assert.match(connected, flags.includes('--ciphersuites') ? /suite 0xc02b/ : /suite 0xc0ae/);
          assert.match(await io.line(/^registered/), /^registered as sensor-1/);
        } finally {
          io.interrupt();
          assert.equal(await device, 0);
          server.close();
        }
        assert.ok(io.outLines.includes('de-registered'));
      });
    }

    it('refuses another server of the same name, and says that our certificate has another name', async () => {
      const { server, uri } = await startServer(securities().certificate);
      const io = new FakeIo();
      const flags = [...OWN, '--server-certificate', file('stranger.pem')];
      const device = runCli(['device', '--server', uri, '--endpoint', 'sensor-2', ...flags], io);
      try {
        assert.match(await io.line(/^not registered/), /ETLSALERT: bad_certificate \(42\) sent: .*\(no-match\)/);
        assert.ok(io.outLines.some((line) => /certificate is for sensor-1, not for sensor-2/.test(line)));
        assert.equal(server.devices.length, 0);
      } finally {
        io.interrupt();
        assert.equal(await device, 0);
        server.close();
      }
    });
  });
});
