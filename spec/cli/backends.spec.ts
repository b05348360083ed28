// `lwm2m backends`, and the flag of `lwm2m device` that chooses from them.

import assert from 'node:assert/strict';
import { runCli } from '../../lib/cli/program.ts';
import { FakeIo } from './fake-io.ts';

interface Line {
  readonly protocol: string;
  readonly name: string;
  readonly available: boolean;
  readonly library?: string;
  readonly reason?: string;
  readonly capabilities?: {
    readonly versions: readonly string[];
    readonly ciphersuites: readonly { id: string; name: string }[];
  };
}

const DEVICE = ['device', '--server', 'coaps://127.0.0.1:9', '--endpoint', 'a', '--key', '-'];

describe('lwm2m backends', () => {
  let io: FakeIo;
  beforeEach(() => {
    io = new FakeIo();
    io.input = '000102030405060708090a0b0c0d0e0f';
  });

  it('lists what is here and what each can do, as JSON', async () => {
    assert.equal(await runCli(['backends', '--json'], io), 0);
    const lines = io.outLines.map((line) => JSON.parse(line) as Line);
    const found = (protocol: string, name: string): Line | undefined =>
      lines.find((line) => line.protocol === protocol && line.name === name);
    assert.deepEqual(found('DTLS', 'native')?.capabilities?.versions, ['DTLS1.2']);
    assert.deepEqual(found('DTLS', 'native')?.capabilities?.ciphersuites[0], {
      id: '0xC0A8',
      name: 'TLS_PSK_WITH_AES_128_CCM_8',
    });
    assert.equal(found('TLS', 'node-tls')?.available, true);
    for (const { name, available, capabilities, reason } of lines) {
      assert.equal(available, capabilities !== undefined);
      assert.equal(available, reason === undefined);
      if (name === 'openssl') continue; // has what the machine's library has
      for (const suite of capabilities?.ciphersuites ?? [])
        assert.match(`${suite.id} ${suite.name}`, /^0x[0-9A-F]{4} TLS_/);
    }
    for (const protocol of ['DTLS', 'TLS']) {
      const openssl = found(protocol, 'openssl');
      assert.match(`${openssl?.library} ${openssl?.reason}`, /OpenSSL 3\.|koffi|libssl/);
    }
  });

  it('lists them for people', async () => {
    assert.equal(await runCli(['backends'], io), 0);
    assert.match(io.everything, /DTLS by native\n {2}versions +DTLS1\.2\n {2}roles +client, server\n/);
    assert.match(io.everything, /TLS by node-tls/);
  });

  it('the flag takes a list; what is none is named with those there are', async () => {
    assert.equal(await runCli([...DEVICE, '--dtls-backend', 'native,mine'], io), 2);
    assert.match(io.everything, /--dtls-backend: expected some of native.*, found "mine"/);
    assert.ok(!io.everything.includes(io.input));
  });

  it('a backend that is there but cannot do what is asked says what it lacks, before anything is sent', async () => {
    const chosen = ['--dtls-backend', 'native', '--ciphersuites', '0x1301'];
    assert.equal(await runCli([...DEVICE, ...chosen], io), 2);
    assert.match(io.everything, /--ciphersuites: .*\nExample:/);
  });
});
