import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, concatBytes, utf8Encode } from '../../lib/bytes/index.ts';
import { DER_TAG, DerReader } from '../../lib/crypto/der.ts';
import { derElement, derOid, derSequence } from '../../lib/crypto/der-write.ts';
import { OID } from '../../lib/crypto/oids.ts';
import { type DistinguishedName, nameText, readGeneralName, readName, sameName } from '../../lib/crypto/x509-name.ts';

interface Part {
  readonly oid?: string;
  readonly tag?: number;
  readonly value: string | Uint8Array;
}

const attribute = ({ oid = OID.commonName, tag = DER_TAG.utf8String, value }: Part): Uint8Array =>
  derSequence(derOid(oid), derElement(tag, typeof value === 'string' ? utf8Encode(value) : value));
const nameDer = (...parts: readonly Part[]): Uint8Array =>
  derSequence(...parts.map((part) => derElement(DER_TAG.set, attribute(part))));
const read = (...parts: readonly Part[]): DistinguishedName => readName(new DerReader(nameDer(...parts)), 'subject');
const general = (tag: number, content: Uint8Array | string, constraint = false) =>
  readGeneralName(
    new DerReader(derElement(tag, typeof content === 'string' ? utf8Encode(content) : content)),
    'san',
    constraint,
  );

describe('distinguished names', () => {
  it('are the same whatever the case, white space and kind of string (RFC 5280 §7.1)', () => {
    const name = read({ value: 'Example  CA ' });
    for (const tag of [DER_TAG.printableString, DER_TAG.ia5String, DER_TAG.utf8String]) {
      assert.ok(sameName(name, read({ tag, value: 'EXAMPLE ca' })));
    }
    const bmp = Uint8Array.from(Array.from('example ca').flatMap((character) => [0, character.charCodeAt(0)]));
    assert.ok(sameName(name, read({ tag: DER_TAG.bmpString, value: bmp })));
  });

  it('differ in value, attribute, order, number, and where the encoding is not sure', () => {
    const name = read({ value: 'a' }, { value: 'b' });
    assert.equal(sameName(name, read({ value: 'b' }, { value: 'a' })), false);
    assert.equal(sameName(name, read({ value: 'a' })), false);
    assert.equal(sameName(name, read({ value: 'a' }, { value: 'b' }, { value: 'c' })), false);
    assert.equal(sameName(read({ value: 'a' }), read({ oid: OID.emailAddress, value: 'a' })), false);
    assert.equal(sameName(read({ value: 'a' }), read({ tag: DER_TAG.t61String, value: 'a' })), false);
    const twoInOne = derSequence(derElement(DER_TAG.set, attribute({ value: 'a' }), attribute({ value: 'b' })));
    assert.equal(sameName(name, readName(new DerReader(twoInOne), 'subject')), false);
    const trick = read({ value: `a"+${OID.commonName}="b` });
    assert.equal(sameName(trick, readName(new DerReader(twoInOne), 'subject')), false, 'values cannot make structure');
  });

  it('are shown without what could fool a terminal', () => {
    assert.equal(nameText(read({ value: 'a\u001b[31m\n\u202eb' })), 'a?[31m??b');
    assert.equal(nameText(read({ value: 'x'.repeat(100) })).length, 64);
    assert.equal(nameText(read()), 'no name');
    assert.deepEqual(read({ oid: OID.emailAddress, tag: DER_TAG.ia5String, value: 'a@b' }).emailAddresses, ['a@b']);
  });

  it('are refused where their strings are not what they say', () => {
    const bad: readonly Part[] = [
      { tag: DER_TAG.utf8String, value: Uint8Array.of(0xff) },
      { tag: DER_TAG.printableString, value: Uint8Array.of(0xe9) },
      { tag: DER_TAG.bmpString, value: Uint8Array.of(0, 65, 0) },
    ];
    for (const part of bad) assert.throws(() => read(part), DecodeError);
    assert.throws(() => readName(new DerReader(derSequence(derElement(DER_TAG.set))), 'subject'), DecodeError);
  });
});

describe('general names', () => {
  it('have their kinds', () => {
    assert.deepEqual(general(0x81, 'a@b'), { kind: 'email', value: 'a@b' });
    assert.deepEqual(general(0x82, 'a.example'), { kind: 'dns', value: 'a.example' });
    assert.deepEqual(general(0x86, 'coap://x'), { kind: 'uri', value: 'coap://x' });
    assert.deepEqual(general(0x87, Uint8Array.of(192, 0, 2, 1)).kind, 'ip');
    assert.deepEqual(general(0x87, new Uint8Array(32), true).kind, 'ip');
    assert.deepEqual(general(0x88, Uint8Array.of(0x2a)), { kind: 'other', alternative: 8 });
    const directory = general(0xa4, nameDer({ value: 'x' }));
    assert.deepEqual(directory.kind === 'directory' && directory.value.commonNames, ['x']);
  });

  it('are refused with NUL and controls in them, addresses of odd lengths, and what is no name', () => {
    assert.throws(() => general(0x82, 'good.example\0.evil.example'), /san: expected printable ASCII/);
    assert.throws(() => general(0x82, 'b\u00fccher.example'), /printable ASCII/);
    assert.throws(() => general(0x87, new Uint8Array(5)), /an address of 4 or 16 bytes, found 5/);
    assert.throws(() => general(0x87, new Uint8Array(4), true), /an address of 8 or 32 bytes/);
    assert.throws(() => general(0x30, ''), /a GeneralName/);
    assert.throws(() => general(0x89, ''), /a GeneralName/);
    const trailing = concatBytes(nameDer({ value: 'x' }), Uint8Array.of(5, 0));
    assert.throws(() => general(0xa4, trailing), /no trailing bytes/);
  });

  it('are a value or a DecodeError for any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(0x81, 0x82, 0x86, 0x87, 0xa4, 0x30),
        (content, tag) => {
          try {
            general(tag, content);
          } catch (error) {
            assert.ok(error instanceof DecodeError, `${error}`);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
