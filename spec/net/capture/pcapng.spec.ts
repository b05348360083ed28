// The blocks byte by byte, as draft-ietf-opsawg-pcapng §4 draws them; that a reader takes them is for the interop specs.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromHex, toHex, utf8Encode } from '../../../lib/bytes/index.ts';
import {
  decryptionSecretsBlock,
  enhancedPacketBlock,
  interfaceDescriptionBlock,
  sectionHeaderBlock,
} from '../../../lib/net/capture/pcapng.ts';

const hex = (text: string): string => text.replaceAll(/\s/g, '');

describe('pcapng', () => {
  it('opens a section of unknown length, version 1.0', () => {
    assert.equal(
      toHex(sectionHeaderBlock('lwm2m')),
      hex('0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0500 6c776d326d 000000 0000 0000 2c000000'),
    );
  });

  it('describes an interface of raw IP packets', () => {
    assert.equal(
      toHex(interfaceDescriptionBlock('dev')),
      hex('01000000 20000000 6500 0000 00000000 0200 0300 646576 00 0000 0000 20000000'),
    );
  });

  it('writes a packet with its time in microseconds, its direction and its padding', () => {
    const at = 0x0006_4321 * 0x1_0000_0000 + 0x89ab_cdef;
    assert.equal(
      toHex(enhancedPacketBlock({ at, direction: 'received', bytes: fromHex('4500aabbcc') })),
      hex(`06000000 34000000 00000000 21430600 efcdab89 05000000 05000000 4500aabbcc 000000
           0200 0400 01000000 0000 0000 34000000`),
    );
    const sent = enhancedPacketBlock({ at, direction: 'sent', bytes: fromHex('4500aabbcc') });
    assert.equal(toHex(sent.subarray(40, 44)), '02000000');
  });

  it('writes a line of a key log as secrets', () => {
    assert.equal(
      toHex(decryptionSecretsBlock('CLIENT_RANDOM 00 11')),
      hex(`0a000000 28000000 4b534c54 14000000 ${toHex(utf8Encode('CLIENT_RANDOM 00 11\n'))} 28000000`),
    );
  });

  it('writes blocks whose lengths agree, whatever is in them', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(bytes, time, fc.string({ maxLength: 50 }), (payload, at, text) => {
        const packet = enhancedPacketBlock({ at, direction: 'sent', bytes: payload });
        const view = new DataView(packet.buffer, packet.byteOffset);
        assert.equal(view.getUint32(12, true) * 2 ** 32 + view.getUint32(16, true), at);
        assert.equal(view.getUint32(20, true), payload.length);
        assert.deepEqual(packet.slice(28, 28 + payload.length), payload);
        for (const block of [packet, decryptionSecretsBlock(text), sectionHeaderBlock(text)]) {
          const lengths = new DataView(block.buffer, block.byteOffset);
          assert.equal(block.length % 4, 0);
          assert.equal(lengths.getUint32(4, true), block.length);
          assert.equal(lengths.getUint32(block.length - 4, true), block.length);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
