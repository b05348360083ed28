import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../lib/bytes/index.ts';
import { DER_TAG, DerReader } from '../../lib/crypto/der.ts';
import { derElement, derOid, derSequence, derUnsigned } from '../../lib/crypto/der-write.ts';

const RUNS = { numRuns: 1000 };
const reader = (hex: string): DerReader => new DerReader(fromHex(hex.replaceAll(' ', '')));
const refused = (read: () => unknown, message: RegExp): void =>
  assert.throws(read, (error) => error instanceof DecodeError && message.test(error.message));

describe('DER reader', () => {
  it('reads what X.690 gives as examples', () => {
    assert.equal(reader('06 03 88 37 03').oid('x'), '2.999.3'); // §8.19.5
    assert.equal(reader('06 06 2a 86 48 86 f7 0d').oid('x'), '1.2.840.113549'); // RSA Security's arc
    assert.equal(reader('01 01 ff').boolean('x'), true);
    const { ended } = reader('30 00').sequence('x');
    assert.equal(ended, true);
    assert.equal(reader('02 02 00 80').number('x', 1000), 128);
    assert.equal(toHex(reader('02 01 80').integer('x')), '80'); // -128
  });

  it('takes one way of writing only', () => {
    refused(() => reader('02 02 00 01').integer('x'), /shortest INTEGER, found padding/);
    refused(() => reader('02 02 ff 80').integer('x'), /shortest INTEGER/);
    refused(() => reader('02 00').integer('x'), /an INTEGER, found no byte/);
    refused(() => reader('01 01 01').boolean('x'), /ff or 00/);
    refused(() => reader('04 81 01 00').octetString('x'), /the shortest form, found 1 bytes for 1/);
    refused(() => reader('04 82 00 80').octetString('x'), /the shortest form/);
    refused(() => reader('30 80 00 00').sequence('x'), /a definite length/);
    refused(() => reader('04 85 00 00 00 00 01').octetString('x'), /at most 4 bytes/);
    refused(() => reader('1f 81 01 00').element('x'), /tag number below 31/);
    refused(() => reader('06 02 80 01').oid('x'), /shortest object identifier/);
    refused(() => reader('06 01 81').oid('x'), /object identifier/);
    refused(() => reader('03 02 08 00').bitString('x'), /unused bits/);
    refused(() => reader('03 02 01 00').bitString('x'), /whole bytes/);
    refused(() => reader('05 01 00').null('x'), /empty NULL/);
    refused(() => reader('02 01 ff').unsigned('x'), /at least 0/);
    refused(() => reader('02 01 05').number('x', 4), /at most 4, found 5/);
  });

  it('names the field that is short, and trailing bytes', () => {
    refused(() => reader('04 05 00').octetString('salt'), /^salt: expected 5 bytes, found 1 bytes/);
    const inside = reader('30 03 05 00 05').sequence('x');
    inside.null('y');
    refused(() => inside.end('x'), /no trailing bytes/);
  });

  it('refuses elements nested deeper than any certificate', () => {
    let der: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 40; i++) der = derSequence(der);
    refused(() => {
      for (let inside = new DerReader(der); ;) inside = inside.sequence('x');
    }, /at most 24 nested/);
  });

  it('reads times as RFC 5280 restricts them', () => {
    const time = (tag: number, text: string): number => new DerReader(derElement(tag, Buffer.from(text))).time('t');
    assert.equal(time(DER_TAG.utcTime, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
    assert.equal(time(DER_TAG.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1));
    assert.equal(time(DER_TAG.generalizedTime, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
    for (const bad of ['230229000000Z', '231301000000Z', '230101240000Z', '2301010000Z', '230101000000+0100', '']) {
      refused(() => time(DER_TAG.utcTime, bad), /^t: expected/);
    }
    refused(() => time(DER_TAG.generalizedTime, '20230101000000.5Z'), /YYYYMMDDHHMMSSZ/);
    refused(() => time(DER_TAG.octetString, '230101000000Z'), /UTCTime or GeneralizedTime/);
  });

  it('gives back what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (magnitude) => {
        const read = new DerReader(derUnsigned(magnitude)).unsigned('x');
        const expected = BigInt(`0x${toHex(magnitude)}`);
        assert.equal(BigInt(`0x${toHex(read)}`), expected);
      }),
      RUNS,
    );
    const arc = fc.nat({ max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.nat({ max: 2 }), fc.nat({ max: 39 }), fc.array(arc, { maxLength: 8 }), (top, second, others) => {
        const text = [top, second, ...others].join('.');
        assert.equal(new DerReader(derOid(text)).oid('x'), text);
      }),
      RUNS,
    );
  });

  it('gives an element or a DecodeError for any bytes', () => {
    const walk = (inside: DerReader): void => {
      while (!inside.ended) {
        const { tag, der } = inside.element('any');
        if ((tag & 0x20) !== 0) walk(new DerReader(der).enter(tag, 'any'));
        if (tag === DER_TAG.oid) new DerReader(der).oid('any');
        if (tag === DER_TAG.integer) new DerReader(der).integer('any');
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          walk(new DerReader(bytes));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
