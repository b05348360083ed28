// Records that a memory BIO ran together become datagrams again: nothing lost, nothing split, as many as fit.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { concatBytes } from '../../../lib/bytes/index.ts';
import { intoDatagrams, withoutClearAlerts } from '../../../security-backends/openssl/dtls-datagrams.ts';

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

describe('OpenSSL: alerts in the clear', () => {
  const alert = (level: number, description: number, epoch = 0): Uint8Array =>
    Uint8Array.of(21, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 2, level, description);

  it('are taken out from between other records, and the last that would end the connection is told', () => {
    const datagram = concatBytes(record(5), alert(2, 40), record(7), alert(1, 90), alert(1, 0));
    assert.deepEqual(withoutClearAlerts(datagram), {
      rest: concatBytes(record(5), record(7)),
      alert: { level: 'warning', description: 0 },
    });
    assert.deepEqual(withoutClearAlerts(alert(1, 100)), { rest: new Uint8Array(), alert: undefined });
  });

  it('are those of epoch 0 alone: what is authenticated stays', () => {
    const datagram = concatBytes(alert(2, 40, 1), record(3));
    assert.deepEqual(withoutClearAlerts(datagram), { rest: datagram, alert: undefined });
  });

  it('may be of any form, as may what is around them', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(alert(2, 40)))), (parts) => {
        const datagram = concatBytes(...parts);
        const { rest } = withoutClearAlerts(datagram);
        assert.ok(rest.length <= datagram.length);
        assert.equal(withoutClearAlerts(rest).rest.length, rest.length);
      }),
      { numRuns: 1000 },
    );
  });
});
