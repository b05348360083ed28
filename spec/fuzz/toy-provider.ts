// Cryptography that lets everything through, so that mutated messages reach what lies behind it: every MAC has the same
// bytes, every record opens, every signature that does not begin with 0 is good. It also takes no time.

import { copyBytes } from '../../lib/bytes/index.ts';
import {
  AEAD_PARAMETERS,
  type Aead,
  type CryptoProvider,
  GROUP_PARAMETERS,
  PRIMITIVES,
  type HashName,
  SPKI_PREFIX,
  isPublicKeyForm,
} from '../../lib/crypto/provider/provider.ts';
import type { RandomSource } from '../../lib/runtime/index.ts';

const HASH_BYTES: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };
const digest = (name: HashName): Uint8Array => new Uint8Array(HASH_BYTES[name]).fill(0x42);
const DAMAGED = 0xff; // the last byte of a tag that shall be wrong

const signature = Uint8Array.of(1, 2, 3, 4);
const nothing = (): void => undefined;

export const toyProvider: CryptoProvider = {
  name: 'toy',
  primitives: new Set(PRIMITIVES),
  constantTime: new Set(),
  createHash: (name) => ({ update: nothing, digest: () => digest(name) }),
  hash: digest,
  hmac: digest,
  hmacKey: (name) => ({ mac: () => digest(name), destroy: nothing }),
  aead: (name) => toyAead(AEAD_PARAMETERS[name].tagLength),
  cbc: () => ({
    encrypt: (_, plaintext) => plaintext.slice(),
    decrypt: (_, ciphertext) => (ciphertext.length % 16 === 0 ? copyBytes(ciphertext) : undefined),
    destroy: nothing,
  }),
  keyAgreement: (group) => ({
    generate: () => {
      const { publicKeyLength, sharedSecretLength } = GROUP_PARAMETERS[group];
      const publicKey = new Uint8Array(publicKeyLength).fill(4);
      const agree = (peer: Uint8Array): Uint8Array | undefined =>
        isPublicKeyForm(group, peer) && peer.some((byte) => byte !== 0)
          ? new Uint8Array(sharedSecretLength).fill(7)
          : undefined;
      return { publicKey, agree, destroy: nothing };
    },
  }),
  verify: (_scheme, _spki, _message, given) => given.length > 0 && given[0] !== 0,
  sign: () => signature,
  signingKey: () => ({
    algorithm: 'ec-p256',
    publicKey: () => SPKI_PREFIX['ec-p256'].slice(),
    sign: () => signature,
    destroy: nothing,
  }),
};

function toyAead(tagLength: 8 | 16): Aead {
  return {
    tagLength,
    seal(_nonce, _data, plaintext) {
      const sealed = new Uint8Array(plaintext.length + tagLength);
      sealed.set(plaintext);
      return sealed;
    },
    open: (_nonce, _data, sealed) =>
      sealed.length < tagLength || sealed.at(-1) === DAMAGED ? undefined : sealed.slice(0, sealed.length - tagLength),
    destroy: nothing,
  };
}

/** The same bytes always: what comes of an input depends on nothing else. */
export const toyRandom: RandomSource = {
  bytes: (length) => new Uint8Array(length).fill(0x11),
};
