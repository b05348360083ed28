import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, Reader, Writer, fromHex, toHex } from '../../lib/bytes/index.ts';

describe('Reader', () => {
  it('reads big-endian', () => {
    const reader = new Reader(fromHex('01 0203 040506 0708090a 0b0c0d0e0f10 1112131415161718'.replaceAll(' ', '')));
    assert.equal(reader.uint8('a'), 0x01);
    assert.equal(reader.uint16('b'), 0x0203);
    assert.equal(reader.uint24('c'), 0x040506);
    assert.equal(reader.uint32('d'), 0x0708090a);
    assert.equal(reader.uint48('e'), 0x0b0c0d0e0f10);
    assert.equal(reader.uint64('f'), 0x1112131415161718n);
    assert.equal(reader.remaining, 0);
    reader.end('message');
  });

  it('reads the largest values without sign', () => {
    const reader = new Reader(new Uint8Array(24).fill(0xff));
    assert.equal(reader.uint24('a'), 2 ** 24 - 1);
    assert.equal(reader.uint32('b'), 2 ** 32 - 1);
    assert.equal(reader.uint48('c'), 2 ** 48 - 1);
    assert.equal(reader.uint64('d'), 2n ** 64n - 1n);
    assert.equal(reader.uint(3, 'e'), 2 ** 24 - 1);
  });

  it('gives views, and stays within its bounds', () => {
    const bytes = Uint8Array.of(9, 1, 2, 9);
    const reader = new Reader(bytes, 1, 3);
    assert.equal(reader.peek(), 1);
    const view = reader.bytes(2, 'body');
    bytes[1] = 7;
    assert.deepEqual(view, Uint8Array.of(7, 2));
    assert.equal(reader.peek(), undefined);
    assert.throws(() => reader.uint8('next'), DecodeError);
  });

  it('reads vectors by their length', () => {
    const reader = new Reader(fromHex('01aa0002bbcc000001dd' + 'ee'));
    assert.equal(toHex(reader.vector8('a')), 'aa');
    assert.equal(toHex(reader.vector16('b')), 'bbcc');
    assert.equal(toHex(reader.vector24('c')), 'dd');
    assert.equal(toHex(reader.rest()), 'ee');
  });

  it('says which field was short, by how much and where', () => {
    const reader = new Reader(fromHex('0003aabb'));
    assert.throws(
      () => reader.vector16('cipher_suites'),
      (error) => {
        assert.ok(error instanceof DecodeError);
        assert.deepEqual(
          [error.field, error.expected, error.found, error.offset, error.code],
          ['cipher_suites', '3 bytes', '2 bytes', 2, 'EDECODE'],
        );
        assert.equal(error.message, 'cipher_suites: expected 3 bytes, found 2 bytes at offset 2');
        return true;
      },
    );
    assert.throws(() => new Reader(fromHex('00')).vector16('x'), /x length: expected 2 bytes/);
  });

  it('does not move on a read that fails', () => {
    const reader = new Reader(fromHex('0102'));
    assert.throws(() => reader.uint24('x'), DecodeError);
    assert.equal(reader.uint16('y'), 0x0102);
  });

  it('holds trailing bytes for an error', () => {
    assert.throws(
      () => new Reader(fromHex('0102'), 1).end('extension'),
      /extension: expected no trailing bytes, found 1 bytes at offset 1/,
    );
  });
});

describe('Writer', () => {
  it('writes what the reader reads', () => {
    const fields = fc.array(
      fc.oneof(
        fc.record({ size: fc.constantFrom(1, 2, 3, 4, 6), value: fc.nat(255) }),
        fc.record({ size: fc.constant(6), value: fc.maxSafeNat().map((value) => value % 2 ** 48) }),
        fc.record({ size: fc.constant(4), value: fc.nat(0xffffffff) }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        fields,
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.uint8Array({ maxLength: 300 }),
        (given, wide, body) => {
          const writer = new Writer(1);
          for (const { size, value } of given) writer.uint(value, size);
          writer
            .uint64(wide)
            .bytes(body)
            .vector16(body)
            .vector8((inner) => inner.uint8(7));
          const reader = new Reader(writer.finish());
          assert.equal(reader.remaining, writer.length);
          for (const { size, value } of given) assert.equal(reader.uint(size, 'field'), value);
          assert.equal(reader.uint64('wide'), wide);
          assert.deepEqual(reader.bytes(body.length, 'body'), body);
          assert.deepEqual(reader.vector16('vector'), body);
          assert.deepEqual(reader.vector8('inner'), Uint8Array.of(7));
          reader.end('all');
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('grows while writing bytes longer than all it has', () => {
    const writer = new Writer(2).uint8(1).bytes(new Uint8Array(1_000).fill(2)).uint8(3);
    const bytes = writer.finish();
    assert.deepEqual([bytes.length, bytes[0], bytes[1], bytes[1_000], bytes[1_001]], [1_002, 1, 2, 2, 3]);
  });

  it('writes big-endian', () => {
    const writer = new Writer().uint8(1).uint16(0x0203).uint24(0x040506).uint32(0x0708090a).uint48(0x0b0c0d0e0f10);
    assert.equal(toHex(writer.finish()), '0102030405060708090a0b0c0d0e0f10');
  });

  it('writes nested vectors', () => {
    const writer = new Writer(1).vector24((outer) => outer.uint8(1).vector8((inner) => inner.uint16(0x0203)));
    assert.equal(toHex(writer.finish()), '00000401020203');
  });

  it('refuses values that do not fit', () => {
    assert.throws(() => new Writer().uint8(256), /256 does not fit in 1 bytes/);
    assert.throws(() => new Writer().uint16(-1), RangeError);
    assert.throws(() => new Writer().uint32(1.5), RangeError);
    assert.throws(() => new Writer().uint64(1n << 64n), RangeError);
    assert.throws(() => new Writer().uint64(-1n), RangeError);
    assert.throws(() => new Writer().vector8(new Uint8Array(256)), /256 bytes does not fit a 1-byte length/);
  });
});
