import assert from 'node:assert/strict';
import { TokenLayer } from '../../lib/coap/index.ts';
import { SeededRandom, secureRandom } from '../../lib/runtime/index.ts';

describe('TokenLayer', () => {
  it('opens tokens of 8 bytes unless told otherwise, finds and closes them', () => {
    const layer = new TokenLayer<string>(new SeededRandom(1));
    const [a, b] = [layer.open('a'), layer.open('b')];
    assert.deepEqual([a.length, b.length], [8, 8]);
    assert.equal(layer.find(a.slice()), 'a');
    layer.close(a);
    assert.equal(layer.find(a), undefined);
    assert.deepEqual(layer.closeAll(), ['b']);
    assert.equal(layer.size, 0);
    assert.equal(new TokenLayer<string>(secureRandom, { tokenLength: 3 }).open('x').length, 3);
  });

  it('never opens a token twice, even where the source of randomness repeats itself', () => {
    let calls = 0;
    const random = { bytes: (length: number) => new Uint8Array(length).fill(calls++ >> 2) };
    const layer = new TokenLayer<number>(random);
    const tokens = new Set(Array.from({ length: 20 }, (_, i) => String(layer.open(i))));
    assert.equal(tokens.size, 20);
  });

  it('is bounded, and checks its options', () => {
    const layer = new TokenLayer<number>(secureRandom, { maxOpenTokens: 2 });
    layer.open(1);
    layer.open(2);
    assert.throws(() => layer.open(3), { name: 'CoapError', code: 'ENOBUFS' });
    const narrow = new TokenLayer<number>(secureRandom, { tokenLength: 1 });
    for (let i = 0; i < 128; i++) narrow.open(i);
    assert.throws(() => narrow.open(128), { code: 'ENOBUFS' });
    for (const tokenLength of [0, 9, Number.NaN]) {
      assert.throws(() => new TokenLayer(secureRandom, { tokenLength }), RangeError);
    }
  });
});
