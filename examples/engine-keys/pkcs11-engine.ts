// An engine over a PKCS#11 token: an HSM, a smart card, a TPM, or SoftHSM. Keys never leave it; only what they sign does.

import { createHash } from 'node:crypto';
import { type Engine, type EnginePrivateKey, ecdsaSignature, fromHex } from '../../lib/index.ts';
import { type Attribute, CK, type Handle, type Pkcs11 } from './pkcs11.ts';

export interface TokenOptions {
  readonly pkcs11: Pkcs11;
  /** The token's own library, such as /usr/lib/softhsm/libsofthsm2.so. */
  readonly library: string;
  /** The token's label. */
  readonly token: string;
  readonly pin: string;
}

const P256 = '06082a8648ce3d030107'; // OBJECT IDENTIFIER, as CKA_EC_PARAMS has it
const P256_SPKI = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
const POINT_BYTES = 65;
const RAW_SIGNATURE_BYTES = 64;
const LONGEST_CHAIN = 8;

/** A query is a label (CKA_LABEL). Keys are of the curve P-256. */
export class TokenEngine implements Engine {
  readonly #pkcs11: Pkcs11;
  readonly #slot: Handle;
  /** Open as long as the engine, for the login ends with the last session. */
  readonly #session: Handle;
  readonly #signing = new Set<Promise<unknown>>();
  #closed = false;

  /** @throws Error for a token that is not there, or another PIN */
  constructor({ pkcs11, library, token, pin }: TokenOptions) {
    this.#pkcs11 = pkcs11;
    pkcs11.load(library);
    pkcs11.C_Initialize({ flags: CK.CKF_OS_LOCKING_OK }); // signatures are made in threads of their own: without it, memory breaks
    try {
      const slot = pkcs11.C_GetSlotList(true).find((each) => pkcs11.C_GetTokenInfo(each).label.trimEnd() === token);
      if (slot === undefined) throw new Error(`expected a token labelled ${JSON.stringify(token)}, found none`);
      this.#slot = slot;
      this.#session = pkcs11.C_OpenSession(slot, CK.CKF_SERIAL_SESSION);
      pkcs11.C_Login(this.#session, CK.CKU_USER, pin);
    } catch (error) {
      this.#finish();
      throw error;
    }
  }

  privateKey(label: string): EnginePrivateKey | undefined {
    const key = this.#find(CK.CKO_PRIVATE_KEY, { type: CK.CKA_LABEL, value: label });
    const publicKey = this.#find(CK.CKO_PUBLIC_KEY, { type: CK.CKA_LABEL, value: label });
    if (key === undefined || publicKey === undefined) return undefined;
    return {
      publicKey: this.#subjectPublicKeyInfo(publicKey),
      schemes: ['ecdsa_secp256r1_sha256'],
      sign: (_scheme, message) => this.#counted(this.#sign(key, message)),
    };
  }

  /** The certificate of that label, and its issuers as far as they are in the token. */
  certificates(label: string): readonly Uint8Array[] | undefined {
    const chain: Uint8Array[] = [];
    let at = this.#find(CK.CKO_CERTIFICATE, { type: CK.CKA_LABEL, value: label });
    while (at !== undefined && chain.length < LONGEST_CHAIN) {
      const [certificate, subject, issuer] = this.#read(at, CK.CKA_VALUE, CK.CKA_SUBJECT, CK.CKA_ISSUER);
      chain.push(Uint8Array.from(certificate!));
      if (subject!.equals(issuer!)) break;
      at = this.#find(CK.CKO_CERTIFICATE, { type: CK.CKA_SUBJECT, value: issuer! });
    }
    return chain.length === 0 ? undefined : chain;
  }

  /** Logs out, once what is being signed is signed. Keys that were found sign no more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#signing);
    this.#finish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The library must not be unloaded under a thread. */
  #counted<T>(signature: Promise<T>): Promise<T> {
    this.#signing.add(signature);
    return signature.finally(() => this.#signing.delete(signature));
  }

  // A session signs one message at a time, and several handshakes may ask at once: each signature has its own.
  async #sign(key: Handle, message: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) throw new Error('the token was closed');
    const session = this.#pkcs11.C_OpenSession(this.#slot, CK.CKF_SERIAL_SESSION);
    const digest = createHash('sha256').update(message).digest();
    try {
      this.#pkcs11.C_SignInit(session, { mechanism: CK.CKM_ECDSA }, key);
      const raw = await this.#pkcs11.C_SignAsync(session, digest, Buffer.alloc(RAW_SIGNATURE_BYTES));
      return ecdsaSignature(raw);
    } finally {
      digest.fill(0); // the thread reads it until here, and holds no reference to it
      this.#pkcs11.C_CloseSession(session);
    }
  }

  #finish(): void {
    this.#pkcs11.C_Finalize();
    this.#pkcs11.close();
  }

  #subjectPublicKeyInfo(publicKey: Handle): Uint8Array {
    const [curve, point] = this.#read(publicKey, CK.CKA_EC_PARAMS, CK.CKA_EC_POINT);
    if (curve!.toString('hex') !== P256) throw new Error('expected a key of the curve P-256, found another');
    return Uint8Array.of(...P256_SPKI, ...point!.subarray(-POINT_BYTES)); // it comes as an OCTET STRING
  }

  #find(objectClass: number, by: Attribute): Handle | undefined {
    this.#pkcs11.C_FindObjectsInit(this.#session, [{ type: CK.CKA_CLASS, value: objectClass }, by]);
    try {
      return this.#pkcs11.C_FindObjects(this.#session, 1)[0];
    } finally {
      this.#pkcs11.C_FindObjectsFinal(this.#session);
    }
  }

  #read(object: Handle, ...types: readonly number[]): readonly Buffer[] {
    const template = types.map((type) => ({ type }));
    return this.#pkcs11.C_GetAttributeValue(this.#session, object, template).map(({ value }) => value);
  }
}
