import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, Reader, fromHex, toHex } from '../../../lib/bytes/index.ts';
import type { DtlsRecord } from '../../../security-backends/native/record.ts';
import {
  MAX_SEQUENCE,
  decodeRecord,
  encodePlaintextRecord,
  writeEpochAndSequence,
} from '../../../security-backends/native/record.ts';

const RUNS = { numRuns: 1_000 };

const anyRecord: fc.Arbitrary<DtlsRecord> = fc.record(
  {
    type: fc.nat(255),
    version: fc.nat(0xffff),
    epoch: fc.nat(0xffff),
    sequence: fc.maxSafeNat().map((value) => value % (MAX_SEQUENCE + 1)),
    fragment: fc.uint8Array({ maxLength: 300 }),
  },
  { noNullPrototype: true },
);

describe('record', () => {
  it('has the layout of RFC 6347 §4.1', () => {
    const record = { type: 22, version: 0xfefd, epoch: 0x0102, sequence: 0x030405060708, fragment: fromHex('aabb') };
    assert.equal(toHex(encodePlaintextRecord(record)), '16fefd01020304050607080002aabb');
  });

  it('round-trips', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const reader = new Reader(encodePlaintextRecord(record));
        assert.deepEqual(decodeRecord(reader), record);
        assert.equal(reader.remaining, 0);
      }),
      RUNS,
    );
  });

  it('gives a record or DecodeError for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeRecord(new Reader(bytes));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      RUNS,
    );
  });

  it('refuses a length beyond what TLS allows, even if the datagram had the bytes', () => {
    const bytes = new Uint8Array(13 + 20_000);
    bytes.set([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 20_000 >> 8, 20_000 & 0xff]);
    assert.throws(() => decodeRecord(new Reader(bytes)), { name: 'DecodeError', field: 'record length' });
  });

  it('writes all 48 bits of the largest sequence number', () => {
    const target = new Uint8Array(8);
    writeEpochAndSequence(target, 0, 1, MAX_SEQUENCE);
    assert.equal(toHex(target), '0001ffffffffffff');
  });
});
