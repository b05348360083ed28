// Key agreement of every provider: alike from the same randomness, with node:crypto's own generated keys as the other side.

import assert from 'node:assert/strict';
import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { concatBytes, fromHex, toHex } from '../../../lib/bytes/index.ts';
import {
  type CryptoProvider,
  GROUP_PARAMETERS,
  NAMED_GROUPS,
  type NamedGroup,
  defaultProvider,
  loadNobleProvider,
  nobleProvider,
  nodeProvider,
} from '../../../lib/crypto/index.ts';
import { type RandomSource, SeededRandom, secureRandom } from '../../../lib/runtime/index.ts';

const noble = await loadNobleProvider();
const providers: readonly CryptoProvider[] = [noble, nodeProvider, defaultProvider()];

const ORDERS = {
  secp256r1: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  secp384r1: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
} as const;

/** A peer of node:crypto's own making: its public key, and what it agrees on. */
function peerOf(group: NamedGroup): { publicKey: Uint8Array; agree: (ours: Uint8Array) => string } {
  if (group === 'x25519') {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const prefix = fromHex('302a300506032b656e032100');
    return {
      publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12),
      agree(ours) {
        const key = Buffer.from(concatBytes(prefix, ours));
        const ourKey = createPublicKey({ key, format: 'der', type: 'spki' });
        return diffieHellman({ privateKey, publicKey: ourKey }).toString('hex');
      },
    };
  }
  const pair = createECDH(group === 'secp256r1' ? 'prime256v1' : 'secp384r1');
  return { publicKey: pair.generateKeys(), agree: (ours) => pair.computeSecret(ours).toString('hex') };
}

/** Gives these, one after the other. */
function scripted(...draws: readonly string[]): RandomSource {
  const rest = [...draws];
  return { bytes: () => fromHex(rest.shift()!) };
}

describe('key agreement', () => {
  for (const group of NAMED_GROUPS) {
    const { publicKeyLength, sharedSecretLength } = GROUP_PARAMETERS[group];

    it(`${group}: all providers make the same of the same randomness`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.integer(), (ours, theirs) => {
          const peer = nodeProvider.keyAgreement(group).generate(new SeededRandom(theirs));
          const shares = providers.map((each) => each.keyAgreement(group).generate(new SeededRandom(ours)));
          const secrets = shares.map((share) => share.agree(peer.publicKey)!);
          const expected = toHex(peer.agree(shares[0]!.publicKey)!);
          for (const share of shares) assert.equal(toHex(share.publicKey), toHex(shares[0]!.publicKey));
          for (const secret of secrets) assert.equal(toHex(secret), expected);
          assert.equal(shares[0]!.publicKey.length, publicKeyLength);
          assert.equal(secrets[0]!.length, sharedSecretLength);
        }),
        { numRuns: 50 },
      );
    });

    for (const provider of providers) {
      describe(`${group} of provider ${provider.name}`, () => {
        it('agrees with a key pair that node:crypto generated', () => {
          for (let i = 0; i < 10; i++) {
            const peer = peerOf(group);
            const share = provider.keyAgreement(group).generate(secureRandom);
            assert.equal(toHex(share.agree(peer.publicKey)!), peer.agree(share.publicKey));
          }
        });

        it('takes arbitrary bytes for a public key without an error, all providers alike', () => {
          const share = provider.keyAgreement(group).generate(new SeededRandom(7));
          const oracle = nodeProvider.keyAgreement(group).generate(new SeededRandom(7));
          const noise = fc.oneof(
            fc.uint8Array({ maxLength: publicKeyLength + 2 }),
            fc.uint8Array({ minLength: publicKeyLength, maxLength: publicKeyLength }),
          );
          fc.assert(
            fc.property(noise, fc.boolean(), (bytes, uncompressed) => {
              if (uncompressed && bytes.length > 0) bytes[0] = 0x04;
              const secret = share.agree(bytes);
              assert.deepEqual(secret, oracle.agree(bytes));
              if (bytes.length !== publicKeyLength) assert.equal(secret, undefined);
            }),
            { numRuns: 1000 },
          );
        });

        it('keeps its own randomness, shows no secret, and is of no use once destroyed', () => {
          const drawn = new SeededRandom(3).bytes(GROUP_PARAMETERS[group].privateKeyLength);
          const expected = provider.keyAgreement(group).generate({ bytes: () => drawn.slice() });
          const share = provider.keyAgreement(group).generate({ bytes: () => drawn });
          const peer = peerOf(group);
          const hex = toHex(drawn);
          drawn.fill(0);
          const secret = share.agree(peer.publicKey)!;
          assert.deepEqual(secret, expected.agree(peer.publicKey));
          assert.notEqual(share.agree(peer.publicKey)!.buffer, secret.buffer);
          assert.equal(Object.getPrototypeOf(secret), Uint8Array.prototype);
          assert.ok(!inspect(share, { depth: 9, showHidden: true }).includes(hex.slice(0, 16)));
          share.destroy();
          share.destroy();
          assert.throws(() => share.agree(peer.publicKey), /destroyed/);
        });

        if (group === 'x25519') {
          it('refuses every key that makes the secret zero (RFC 7748 §6.1)', () => {
            const share = provider.keyAgreement(group).generate(secureRandom);
            for (const low of LOW_ORDER) {
              const bytes = fromHex(low);
              assert.equal(share.agree(bytes), undefined, low);
              bytes[31]! |= 0x80; // the unused bit
              assert.equal(share.agree(bytes), undefined, low);
            }
          });
          return;
        }

        it('refuses compressed and hybrid forms, infinity, and points of the twist or none', () => {
          const share = provider.keyAgreement(group).generate(secureRandom);
          const { publicKey } = peerOf(group);
          const [x, y] = [publicKey.subarray(1, 1 + sharedSecretLength), publicKey.subarray(1 + sharedSecretLength)];
          const parity = y.at(-1)! & 1;
          const bad = [
            concatBytes(Uint8Array.of(2 + parity), x),
            concatBytes(Uint8Array.of(6 + parity), x, y),
            Uint8Array.of(0),
            concatBytes(Uint8Array.of(0), x, y),
            concatBytes(Uint8Array.of(4), y, x),
            concatBytes(Uint8Array.of(4), x, x),
            concatBytes(Uint8Array.of(4), new Uint8Array(2 * sharedSecretLength)),
            concatBytes(Uint8Array.of(4), new Uint8Array(2 * sharedSecretLength).fill(0xff)),
            concatBytes(publicKey, Uint8Array.of(0)),
            publicKey.subarray(1),
            new Uint8Array(0),
          ];
          for (const bytes of bad) assert.equal(share.agree(bytes), undefined, toHex(bytes));
          assert.ok(share.agree(publicKey) !== undefined);
        });

        it('draws again for 0, n and above, and takes 1 and n - 1', () => {
          const order = ORDERS[group];
          const [zero, one] = ['00', '01'].map((end) => end.padStart(order.length, '0')) as [string, string];
          const below = order.slice(0, -2) + (parseInt(order.slice(-2), 16) - 1).toString(16).padStart(2, '0');
          const above = 'f'.repeat(order.length);
          const drawn = provider.keyAgreement(group).generate(scripted(zero, order, above, one));
          const least = provider.keyAgreement(group).generate(scripted(one));
          const most = provider.keyAgreement(group).generate(scripted(below));
          assert.deepEqual(drawn.publicKey, least.publicKey);
          const [x, otherX] = [least, most].map(({ publicKey }) =>
            toHex(publicKey.subarray(1, 1 + sharedSecretLength)),
          );
          assert.equal(x, otherX); // n - 1 times the base point is its mirror image
          assert.notDeepEqual(least.publicKey, most.publicKey);
        });

        it('gives up on a random source that is broken', () => {
          const length = GROUP_PARAMETERS[group].privateKeyLength;
          assert.throws(() => provider.keyAgreement(group).generate({ bytes: () => new Uint8Array(length) }), {
            message: `the random source gave no ${group} private key in 64 tries`,
          });
        });
      });
    }
  }

  it('is not part of the provider that starts fast, which says so', () => {
    assert.ok(!nobleProvider.primitives.has('x25519'));
    assert.throws(() => nobleProvider.keyAgreement('x25519'), {
      name: 'CryptoUnsupportedError',
      code: 'ENOTSUP',
      primitive: 'x25519',
      message: "crypto provider 'noble' has no x25519: ask its primitives first",
    });
  });
});

/** Orders 1, 2, 4 and 8 on the curve and its twist, and what is not reduced (https://cr.yp.to/ecdh.html). */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];
