// Records that a memory BIO ran together become datagrams again: nothing lost, nothing split, as many as fit.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { concatBytes } from '../../../lib/bytes/index.ts';
import { intoDatagrams } from '../../../security-backends/openssl/dtls-datagrams.ts';

const HEADER_BYTES = 13;

function record(length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + length).fill(length);
  bytes.set([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, length >> 8, length & 0xff]);
  return bytes;
}

describe('OpenSSL: datagrams from records', () => {
  it('keeps whole records together up to the limit, in order', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 420, max: 1300 }), (sizes, most) => {
        const records = sizes.map(record);
        const datagrams = intoDatagrams(concatBytes(...records), most);
        assert.deepEqual(concatBytes(...datagrams), concatBytes(...records));
        const ends = new Set(records.map((_, at) => concatBytes(...records.slice(0, at + 1)).length));
        let at = 0;
        for (const [index, datagram] of datagrams.entries()) {
          assert.ok(datagram.length <= most);
          at += datagram.length;
          assert.ok(ends.has(at), 'ends where a record ends');
          const next = records.find((_, i) => concatBytes(...records.slice(0, i)).length === at);
          if (index < datagrams.length - 1) assert.ok(datagram.length + next!.length > most, 'the next did not fit');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('a record beyond the limit goes alone', () => {
    const records = [record(10), record(500), record(10)];
    assert.deepEqual(intoDatagrams(concatBytes(...records), 300), records);
  });

  it('whatever the bytes, all of them leave and no datagram is empty', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 1500 }), (bytes, most) => {
        const datagrams = intoDatagrams(bytes, most);
        assert.deepEqual(concatBytes(...datagrams), bytes);
        for (const { length } of datagrams) assert.ok(length > 0);
      }),
      { numRuns: 1000 },
    );
  });
});
