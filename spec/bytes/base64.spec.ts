import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromBase64, toBase64, toBase64Url, utf8Encode } from '../../lib/bytes/index.ts';

describe('base64', () => {
  // RFC 4648 §10
  const vectors = {
    '': '',
    f: 'Zg==',
    fo: 'Zm8=',
    foo: 'Zm9v',
    foob: 'Zm9vYg==',
    fooba: 'Zm9vYmE=',
    foobar: 'Zm9vYmFy',
  };
  for (const [text, encoded] of Object.entries(vectors)) {
    it(`of "${text}" is ${encoded}`, () => {
      assert.equal(toBase64(utf8Encode(text)), encoded);
      assert.deepEqual(fromBase64(encoded), utf8Encode(text));
      assert.deepEqual(fromBase64(encoded.replaceAll('=', '')), utf8Encode(text));
    });
  }

  it('has two alphabets', () => {
    const bytes = Uint8Array.of(0xfb, 0xff, 0xbf);
    assert.deepEqual([toBase64(bytes), toBase64Url(bytes)], ['+/+/', '-_-_']);
    assert.deepEqual([fromBase64('+/+/'), fromBase64('-_-_')], [bytes, bytes]);
    assert.throws(() => fromBase64('+_+/'), /one base64 alphabet/);
  });

  const malformed = ['A', 'AAAAA', 'A===', '====', 'Zg=', 'Zg==Zg==', 'Z g=', 'Zg=a', 'Zh==', 'Zm9=', 'Ä===', 'AAA\n'];
  for (const text of malformed) {
    it(`refuses ${JSON.stringify(text)}, without quoting it`, () => {
      assert.throws(
        () => fromBase64(text, 'vd'),
        (error) => error instanceof DecodeError && error.message.startsWith('vd: '),
      );
    });
  }

  it('agrees with Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
        assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
        assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
        assert.deepEqual(fromBase64(toBase64Url(bytes)), bytes);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives bytes that encode to the same text, or a DecodeError, for any text', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9+/_-]{0,12}={0,3}$/));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const bytes = fromBase64(text);
          const bare = text.replace(/=+$/, '');
          assert.ok([toBase64(bytes).replace(/=+$/, ''), toBase64Url(bytes)].includes(bare));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
