// Made-up IP and UDP headers, against published examples and the rule that a right checksum sums to nothing.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../lib/bytes/index.ts';
import { internetChecksum, udpPacket } from '../../../lib/net/capture/packet.ts';

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;

describe('udpPacket', () => {
  it('sums as the example of RFC 1071 §3', () => {
    assert.equal(internetChecksum(fromHex('0001f203f4f5f6f7')), 0x220d);
  });

  // https://en.wikipedia.org/wiki/Internet_checksum, "Examples": a UDP packet of 115 bytes, DF, TTL 64.
  it('makes the IPv4 header of a published example', () => {
    const packet = udpPacket(
      { address: '192.168.0.1', port: 40_000 },
      { address: '192.168.0.199', port: 5684 },
      new Uint8Array(115 - 28),
    );
    assert.equal(toHex(packet.subarray(0, IPV4_HEADER_BYTES)), '45000073000040004011b861c0a80001c0a800c7');
    assert.equal(toHex(packet.subarray(20, 26)), '9c401634005f');
  });

  it('makes IPv6 headers, of compressed and embedded literals, of zones, of mapped IPv4', () => {
    const addresses = (address: string, peer: string): string => {
      const packet = udpPacket({ address, port: 1 }, { address: peer, port: 2 }, new Uint8Array(3));
      assert.equal(toHex(packet.subarray(0, 8)), '60000000000b1140');
      return toHex(packet.subarray(8, IPV6_HEADER_BYTES));
    };
    assert.equal(
      addresses('2001:db8::1', 'fe80::1:2%eth0'),
      '20010db8000000000000000000000001fe800000000000000000000000010002',
    );
    assert.equal(
      addresses('::ffff:192.0.2.1', '1:2:3:4:5:6:7:8'),
      '00000000000000000000ffffc000020100010002000300040005000600070008',
    );
    assert.equal(addresses('::', '10.0.0.1'), '0000000000000000000000000000000000000000000000000000ffff0a000001');
    assert.equal(addresses('1::', 'no address'), '0001000000000000000000000000000000000000000000000000000000000000');
  });

  it('has right checksums whatever it carries, and never 0, which would mean none', () => {
    const endpoint = fc.record({
      address: fc.oneof(fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 0, max: 65_535 }),
    });
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 200 }), (from, to, payload) => {
        const packet = udpPacket(from, to, payload);
        const header = packet[0]! >> 4 === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
        const udp = packet.subarray(header);
        const addresses = packet.subarray(header === IPV4_HEADER_BYTES ? 12 : 8, header);
        if (header === IPV4_HEADER_BYTES) assert.equal(internetChecksum(packet.subarray(0, header)), 0);
        assert.equal(internetChecksum(addresses, Uint8Array.of(0, 17, udp[4]!, udp[5]!), udp), 0);
        assert.notEqual((udp[6]! << 8) | udp[7]!, 0);
        assert.deepEqual(udp.slice(8), payload);
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes a sum of 0 as 0xffff (RFC 768)', () => {
    const zero = { address: '0.0.0.0', port: 0 };
    // 17 + 10 + 10 and the word below are 0xffff.
    const packet = udpPacket(zero, zero, Uint8Array.of(0xff, 0xda));
    assert.equal(toHex(packet.subarray(26, 28)), 'ffff');
  });
});
