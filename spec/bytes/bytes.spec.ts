import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  DecodeError,
  concatBytes,
  copyBytes,
  equalBytes,
  equalSecrets,
  fromHex,
  toHex,
  utf8Decode,
  utf8Encode,
} from '../../lib/bytes/index.ts';

describe('hex', () => {
  it('agrees with Node and reads either case', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        assert.equal(toHex(bytes), hex);
        assert.deepEqual(fromHex(hex.toUpperCase()), bytes);
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses odd lengths and other characters, naming the field and never the text', () => {
    for (const secret of ['c0ffe', 'c0ffeg', 'c0 ffe', '0xc0ff']) {
      assert.throws(
        () => fromHex(secret, '--key'),
        (error) => {
          assert.ok(error instanceof DecodeError);
          assert.equal(error.field, '--key');
          assert.ok(!error.message.includes(secret));
          return true;
        },
      );
    }
  });
});

describe('bytes', () => {
  it('are joined into a new array', () => {
    const part = Uint8Array.of(1);
    const whole = concatBytes(part, new Uint8Array(0), Uint8Array.of(2, 3));
    part[0] = 9;
    assert.deepEqual(whole, Uint8Array.of(1, 2, 3));
    assert.equal(concatBytes().length, 0);
  });

  it('are copied, also out of a Buffer', () => {
    const own = Buffer.from([1, 2, 3]);
    const copy = copyBytes(own);
    own.fill(0);
    assert.deepEqual(copy, Uint8Array.of(1, 2, 3));
    assert.equal(Object.getPrototypeOf(copy), Uint8Array.prototype);
  });

  it('are compared by content, by both comparisons alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (a, b) => {
        const same = Buffer.compare(a, b) === 0;
        assert.deepEqual([equalBytes(a, b), equalSecrets(a, b)], [same, same]);
        assert.ok(equalBytes(a, a.slice()) && equalSecrets(a, a.slice()));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('UTF-8', () => {
  it('round-trips any well-formed text, byte order mark included', () => {
    assert.equal(utf8Decode(utf8Encode('\ufeffä')), '\ufeffä');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) =>
        assert.equal(utf8Decode(utf8Encode(text)), text),
      ),
      { numRuns: 1_000 },
    );
  });

  it('refuses what is not well-formed', () => {
    for (const hex of ['ff', 'c080', 'eda080', 'f4908080', 'e282']) {
      assert.throws(() => utf8Decode(fromHex(hex), 'name'), /name: expected well-formed UTF-8/);
    }
  });
});
