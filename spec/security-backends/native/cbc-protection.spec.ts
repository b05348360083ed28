import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes, fromHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { SeededRandom } from '../../../lib/runtime/index.ts';
import { CbcProtection } from '../../../security-backends/native/cbc-protection.ts';
import { CBC_SUITES } from '../../../security-backends/native/ciphersuites.ts';

const suite = CBC_SUITES[0]!;
const keys = {
  key: Uint8Array.from({ length: 16 }, (_, at) => at),
  macKey: Uint8Array.from({ length: 32 }, (_, at) => 0x80 + at),
  fixedNonce: new Uint8Array(0),
};
const protection = (): CbcProtection => new CbcProtection(nodeProvider, suite, keys, new SeededRandom(5));

function seal(type: number, epoch: number, sequence: number, plaintext: Uint8Array): Uint8Array {
  const sealer = protection();
  const target = new Uint8Array(sealer.sealedLength(plaintext.length));
  sealer.sealInto(target, 0, type, epoch, sequence, plaintext);
  return target;
}

/** RFC 7366 §3 with node:crypto alone: HMAC over sequence, type, version, length, IV and ciphertext. */
function mac(sealed: Uint8Array): Uint8Array {
  const header = fromHex('0001' + '00a0b0c0d0e0' + '17' + 'fefd');
  const length = Uint8Array.of(sealed.length >> 8, sealed.length);
  return Uint8Array.from(
    createHmac('sha256', keys.macKey)
      .update(concatBytes(header, length, sealed))
      .digest(),
  );
}

/** A record whose padded plaintext is the caller's. */
function forge(padded: Uint8Array): Uint8Array {
  const iv = new Uint8Array(16).fill(7);
  const cipher = createCipheriv('aes-128-cbc', keys.key, iv).setAutoPadding(false);
  const sealed = concatBytes(iv, cipher.update(padded), cipher.final());
  return concatBytes(sealed, mac(sealed));
}

describe('CbcProtection', () => {
  it('seals as RFC 5246 §6.2.3.2 and RFC 7366 §3 say', () => {
    for (const length of [0, 1, 15, 16, 17, 300]) {
      const plaintext = new Uint8Array(length).fill(0x5a);
      const sealed = seal(23, 1, 0x00a0b0c0d0e0, plaintext);
      const iv = sealed.subarray(0, 16);
      const padding = 16 - (length % 16);
      const cipher = createCipheriv('aes-128-cbc', keys.key, iv).setAutoPadding(false);
      const padded = concatBytes(plaintext, new Uint8Array(padding).fill(padding - 1));
      const body = concatBytes(iv, cipher.update(padded), cipher.final());
      assert.deepEqual(sealed, concatBytes(body, mac(body)));
    }
  });

  it('never has the same IV twice', () => {
    const sealer = protection();
    const ivs = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const target = new Uint8Array(sealer.sealedLength(4));
      sealer.sealInto(target, 0, 23, 1, i, Uint8Array.of(1, 2, 3, 4));
      ivs.add(target.subarray(0, 16).join());
    }
    assert.equal(ivs.size, 100);
  });

  it('opens what it sealed, and nothing that differs in one bit of anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(), fc.nat(7), (plaintext, position, bit) => {
        const sealed = seal(23, 1, 5, plaintext);
        assert.deepEqual(protection().open(23, 1, 5, sealed), plaintext);
        assert.equal(protection().open(22, 1, 5, sealed), undefined);
        assert.equal(protection().open(23, 2, 5, sealed), undefined);
        assert.equal(protection().open(23, 1, 6, sealed), undefined);
        sealed[position % sealed.length]! ^= 1 << bit;
        assert.equal(protection().open(23, 1, 5, sealed), undefined);
      }),
      { numRuns: 1_000 },
    );
  });

  it('drops fragments that are too short or no whole blocks', () => {
    for (let length = 0; length < 16 + 16 + 32; length++) {
      assert.equal(protection().open(23, 1, 0, new Uint8Array(length)), undefined);
    }
    const sealed = seal(23, 1, 5, Uint8Array.of(1));
    assert.equal(protection().open(23, 1, 5, sealed.subarray(1)), undefined);
  });

  it('takes long padding, and none that is not its own length throughout', () => {
    const open = (padded: Uint8Array): Uint8Array | undefined =>
      protection().open(23, 1, 0x00a0b0c0d0e0, forge(padded));
    assert.deepEqual(open(new Uint8Array(32).fill(31)), new Uint8Array(0)); // RFC 5246 §6.2.3.2: up to 255 bytes
    assert.equal(open(new Uint8Array(16).fill(16)), undefined);
    assert.equal(open(Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? 3 : 9))), undefined);
  });

  it('says what fits: largestPlaintext is exact', () => {
    const sealer = protection();
    for (let room = 64; room < 400; room++) {
      const largest = sealer.largestPlaintext(room);
      assert.ok(sealer.sealedLength(largest) <= room);
      assert.ok(sealer.sealedLength(largest + 1) > room);
    }
  });

  it('does nothing more once destroyed', () => {
    const sealer = protection();
    sealer.destroy();
    assert.throws(() => sealer.sealInto(new Uint8Array(80), 0, 23, 1, 0, Uint8Array.of(1)));
  });
});
