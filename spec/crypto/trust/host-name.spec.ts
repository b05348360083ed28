import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { toHex } from '../../../lib/bytes/index.ts';
import {
  CertificateRefusedError,
  type HostNameOptions,
  checkHostName,
  matchesDnsPattern,
  parseCertificate,
  parseIpAddress,
} from '../../../lib/crypto/index.ts';
import { certificateDer } from '../fixtures/fixtures.ts';

function outcome(name: string, host: string, options: HostNameOptions = {}): string {
  try {
    checkHostName(parseCertificate(certificateDer(name)), host, options);
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof CertificateRefusedError && error.reason === 'wrong-host', `${error}`);
    return error.message;
  }
}

describe('host names', () => {
  it('are matched as OpenSSL matches them', () => {
    const oracle = new X509Certificate(certificateDer('server'));
    const hosts: readonly [string, boolean][] = [
      ['server.example', true],
      ['SERVER.Example', true],
      ['other.example', false],
      ['a.server.example', false],
      ['a.wild.example', true],
      ['A.wild.example', true],
      ['wild.example', false],
      ['a.b.wild.example', false],
      ['example', false],
      ['server', false], // the commonName
    ];
    for (const [host, expected] of hosts) {
      assert.equal(outcome('server', host) === 'OK', expected, host);
      const options = { subject: 'never', partialWildcards: false } as const;
      assert.equal(oracle.checkHost(host, options) !== undefined, expected, `oracle: ${host}`);
    }
    assert.equal(outcome('server', 'server.example.'), 'OK', 'the root may be written');
    assert.notEqual(outcome('server', '.wild.example'), 'OK', 'to OpenSSL, any host below; to us, no host');
  });

  it('that are addresses are matched with addresses only', () => {
    for (const host of ['192.0.2.1', '2001:db8::1', '2001:DB8:0:0:0:0:0:1', '[2001:db8::1]', '2001:db8::1%eth0']) {
      assert.equal(outcome('server', host), 'OK', host);
    }
    for (const host of ['192.0.2.2', '2001:db8::2', '::ffff:192.0.2.1']) {
      assert.match(outcome('server', host), /found server.example, \*.wild.example, 192.0.2.1, an IPv6 address/);
    }
  });

  it('are taken from the commonName by an option only, which the error names', () => {
    const dangerMatchCommonName = true;
    assert.match(outcome('cn-only', 'server.example'), /found no host names; .*option dangerMatchCommonName/);
    assert.equal(outcome('cn-only', 'server.example', { dangerMatchCommonName }), 'OK');
    assert.match(outcome('cn-only', 'x.example', { dangerMatchCommonName }), /found no host names$/);
    assert.match(outcome('server', 'server', { dangerMatchCommonName }), /expected 'server', found server.example/);
  });

  it('have their wildcard as the whole left-most label', () => {
    const cases: readonly [string, string, boolean][] = [
      ['*.a.example', 'x.a.example', true],
      ['*.example', 'x.example', false], // no wildcard under a top-level domain
      ['*', 'x', false],
      ['x*.a.example', 'xy.a.example', false],
      ['*x.a.example', 'yx.a.example', false],
      ['a.*.example', 'a.b.example', false],
      ['*.*.example', 'a.b.example', false],
      ['*.a.example', '*.a.example', false],
      ['xn--bcher-kva.example', 'XN--BCHER-KVA.example', true],
      ['a..example', 'a..example', false],
      ['', '', false],
      ['a.example', 'a.example\0.evil', false],
    ];
    for (const [pattern, host, expected] of cases) assert.equal(matchesDnsPattern(pattern, host), expected, pattern);
  });
});

describe('IP literals', () => {
  it('are what node:net takes for them, without zones', () => {
    const group = fc.constantFrom('0', '1', 'db8', 'ffff', '', '12345', 'g', '192.0.2.1');
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(group, { minLength: 1, maxLength: 9 }).map((parts) => parts.join(':')),
      fc.array(fc.nat({ max: 300 }), { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.')),
      fc.string({ maxLength: 12, unit: fc.constantFrom(...'0123456789abcdef.:'.split('')) }),
    );
    fc.assert(
      fc.property(text, (literal) => {
        const length = { 0: undefined, 4: 4, 6: 16 }[isIP(literal)];
        assert.equal(parseIpAddress(literal)?.length, length, literal);
      }),
      { numRuns: 5000 },
    );
  });

  it('have the bytes they say', () => {
    assert.equal(toHex(parseIpAddress('192.0.2.1')!), 'c0000201');
    assert.equal(toHex(parseIpAddress('::ffff:192.0.2.1')!), '00000000000000000000ffffc0000201');
    assert.equal(toHex(parseIpAddress('2001:db8::1:0')!), '20010db8000000000000000000010000');
    assert.equal(toHex(parseIpAddress('::')!), '00'.repeat(16));
  });
});
