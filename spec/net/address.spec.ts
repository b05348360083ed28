import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { formatEndpoint, literalFamily, orderAddresses, udpOverhead } from '../../lib/net/index.ts';

describe('net: addresses', () => {
  it('tells literals from names as node:net does', () => {
    const piece = fc.constantFrom(
      '0',
      '1',
      'ff',
      'ffff',
      '255',
      '256',
      '01',
      ':',
      '::',
      '.',
      '1.2.3.4',
      'g',
      '%',
      'eth0',
      '',
    );
    const nearly = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), nearly, fc.string());
    const property = fc.property(texts, (text) => {
      // Zone ids are free text; Node allows fewer characters there than we need to judge.
      if (text.includes('%')) return;
      assert.equal(literalFamily(text), isIPv4(text) ? 'ipv4' : isIPv6(text) ? 'ipv6' : undefined, text);
    });
    fc.assert(property, { numRuns: 10_000 });
    assert.equal(literalFamily('fe80::1%eth0'), 'ipv6');
  });

  it('writes endpoints so that they can be told apart', () => {
    assert.equal(formatEndpoint({ address: '192.0.2.1', port: 5683 }), '192.0.2.1:5683');
    assert.equal(formatEndpoint({ address: '2001:db8::1', port: 5683 }), '[2001:db8::1]:5683');
  });

  it('counts IP and UDP headers', () => {
    assert.deepEqual([udpOverhead('ipv4'), udpOverhead('ipv6'), udpOverhead('unspecified')], [28, 48, 48]);
  });

  const BOTH = ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'];
  const order = (wishes: Parameters<typeof orderAddresses>[2]): string[] =>
    orderAddresses(BOTH, 5683, wishes).map(({ address }) => address);

  it("keeps the resolver's order without wishes", () => assert.deepEqual(order({}), BOTH));

  it('tries the preferred family first and keeps the other', () => {
    const expected = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'];
    assert.deepEqual(order({ preferredAddressFamily: 'ipv4' }), expected);
  });

  it('leaves out what is not of the forced family', () => {
    assert.deepEqual(order({ forcedAddressFamily: 'ipv4' }), ['192.0.2.1', '192.0.2.2']);
    const only6 = (): unknown => orderAddresses(['2001:db8::1'], 1, { forcedAddressFamily: 'ipv4' });
    assert.throws(only6, { code: 'EAFNOSUPPORT' });
  });

  it('tries the preferred endpoint first, if the name still has it', () => {
    const preferredEndpoint = { address: '192.0.2.2', port: 5683 };
    assert.equal(order({ preferredEndpoint, preferredAddressFamily: 'ipv6' })[0], '192.0.2.2');
    assert.deepEqual(order({ preferredEndpoint: { address: '203.0.113.9', port: 5683 } }), BOTH);
    assert.deepEqual(order({ preferredEndpoint: { address: '192.0.2.2', port: 1 } }), BOTH);
  });
});
