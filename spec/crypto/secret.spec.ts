import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Secret } from '../../lib/crypto/index.ts';

describe('Secret', () => {
  it('copies, shows nothing but its length, and becomes zeros', () => {
    const own = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
    const secret = new Secret(own);
    own.fill(0);
    const { bytes } = secret;
    assert.deepEqual(bytes, Uint8Array.of(0xde, 0xad, 0xbe, 0xef));
    for (const shown of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), inspect(secret)]) {
      assert.match(shown, /Secret\(4 bytes\)/);
      assert.doesNotMatch(shown, /222|0xde|dead/i);
    }
    secret.close();
    secret.close();
    assert.deepEqual(bytes, new Uint8Array(4));
    assert.equal(secret.length, 0);
    assert.equal(`${secret}`, 'Secret(closed)');
    assert.throws(() => secret.bytes, /closed/);
  });

  it('copies a Buffer too, whose own slice is no copy, and leaves it to its owner', () => {
    const own = Buffer.from([1, 2, 3]);
    const secret = new Secret(own);
    own[0] = 9;
    assert.deepEqual(secret.bytes, Uint8Array.of(1, 2, 3));
    secret.close();
    assert.deepEqual([...own], [9, 2, 3]);
  });

  it('closes when disposed', () => {
    const secret = new Secret(Uint8Array.of(1));
    const { bytes } = secret;
    secret[Symbol.dispose]();
    assert.deepEqual(bytes, new Uint8Array(1));
  });
});
