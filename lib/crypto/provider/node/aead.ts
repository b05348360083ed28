// AES-CCM, AES-GCM and ChaCha20-Poly1305 on node:crypto. Node has no way to reset a cipher, so each record makes its own.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { copyBytes } from '../../../bytes/index.ts';
import { type Aead, type AeadName, AEAD_PARAMETERS, checkAeadNonce } from '../aead.ts';
import { plain } from './plain.ts';

const CCM_MAX_LENGTH = 0xffffff; // RFC 3610 §2: the length field has L = 3 bytes

// OpenSSL takes an update from a null pointer, which an empty array may have, for none at all; this one has an address.
const NOTHING = new Uint8Array(1).subarray(0, 0);

type CipherName = 'aes-128-ccm' | 'aes-256-ccm';
type GcmName = 'aes-128-gcm' | 'aes-256-gcm';

/** What CCM and GCM share on node:crypto: the key, and output as one plain Uint8Array. */
abstract class NodeAead implements Aead {
  readonly tagLength: 8 | 16;
  #key: Uint8Array | undefined;

  constructor(name: AeadName, key: Uint8Array) {
    this.tagLength = AEAD_PARAMETERS[name].tagLength;
    this.#key = copyBytes(key);
  }

  abstract seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array;
  abstract open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;

  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  protected key(): Uint8Array {
    if (this.#key === undefined) throw new Error('this AEAD was destroyed');
    return this.#key;
  }

  protected joined(ciphertext: Uint8Array, tag: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(ciphertext.length + this.tagLength);
    sealed.set(ciphertext);
    sealed.set(tag, ciphertext.length);
    return sealed;
  }
}

/** CCM must know the length beforehand, and wants `update` even for no plaintext at all. */
export class NodeCcm extends NodeAead {
  readonly #cipher: CipherName;

  constructor(name: AeadName, key: Uint8Array) {
    super(name, key);
    this.#cipher = key.length === 16 ? 'aes-128-ccm' : 'aes-256-ccm';
  }

  override seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const key = this.key();
    checkAeadNonce(nonce);
    const plaintextLength = plaintext.length;
    if (plaintextLength > CCM_MAX_LENGTH) {
      throw new RangeError(`CCM plaintext: expected at most ${CCM_MAX_LENGTH} bytes, found ${plaintextLength}`);
    }
    const cipher = createCipheriv(this.#cipher, key, nonce, { authTagLength: this.tagLength });
    if (additionalData.length > 0) cipher.setAAD(additionalData, { plaintextLength });
    const ciphertext = cipher.update(plaintextLength === 0 ? NOTHING : plaintext);
    cipher.final();
    return this.joined(ciphertext, cipher.getAuthTag());
  }

  override open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.key();
    checkAeadNonce(nonce);
    const plaintextLength = sealed.length - this.tagLength;
    if (plaintextLength < 0 || plaintextLength > CCM_MAX_LENGTH) return undefined;
    const decipher = createDecipheriv(this.#cipher, key, nonce, { authTagLength: this.tagLength });
    decipher.setAuthTag(sealed.subarray(plaintextLength));
    if (additionalData.length > 0) decipher.setAAD(additionalData, { plaintextLength });
    try {
      const plaintext = decipher.update(sealed.subarray(0, plaintextLength));
      decipher.final();
      return plain(plaintext);
    } catch {
      return undefined;
    }
  }
}

export class NodeGcm extends NodeAead {
  readonly #cipher: GcmName;

  constructor(name: AeadName, key: Uint8Array) {
    super(name, key);
    this.#cipher = key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  }

  override seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const key = this.key();
    checkAeadNonce(nonce);
    const cipher = createCipheriv(this.#cipher, key, nonce);
    if (additionalData.length > 0) cipher.setAAD(additionalData);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return this.joined(ciphertext, cipher.getAuthTag());
  }

  override open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.key();
    checkAeadNonce(nonce);
    const length = sealed.length - this.tagLength;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(this.#cipher, key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(length));
    if (additionalData.length > 0) decipher.setAAD(additionalData);
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
      return plain(plaintext);
    } catch {
      plaintext.fill(0);
      return undefined;
    }
  }
}

export class NodeChacha extends NodeAead {
  override seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const key = this.key();
    checkAeadNonce(nonce);
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    if (additionalData.length > 0) cipher.setAAD(additionalData, { plaintextLength: plaintext.length });
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return this.joined(ciphertext, cipher.getAuthTag());
  }

  override open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.key();
    checkAeadNonce(nonce);
    const plaintextLength = sealed.length - this.tagLength;
    if (plaintextLength < 0) return undefined;
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(plaintextLength));
    if (additionalData.length > 0) decipher.setAAD(additionalData, { plaintextLength });
    const plaintext = decipher.update(sealed.subarray(0, plaintextLength));
    try {
      decipher.final();
      return plain(plaintext);
    } catch {
      plaintext.fill(0);
      return undefined;
    }
  }
}
