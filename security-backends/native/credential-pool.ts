// A pool of credentials by tag: pre-shared keys, raw key pairs, keys of peers, certificates. Endpoints name tags of it.

import {
  type CertificateChainInfo,
  type CertificateRevocationListInfo,
  type CryptoProvider,
  type LoadedPsk,
  type PrivateKeyInfo,
  type PskIdentityInfo,
  type PskKeyInfo,
  type PublicKey,
  type RawPublicKeyInfo,
  defaultProvider,
  loadPsk,
  loadRawPublicKeys,
  verifiedOnUse,
} from '../../lib/crypto/index.ts';
import type { CertificateSecurity } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type Loading, certificateClient, certificateServer } from './certificate-credentials.ts';
import type { ClientCredentials, OwnIdentity, ServerCredentials } from './credentials.ts';
import { missingKey, ownKey } from './raw-key-credentials.ts';

/** A key known to both sides (RFC 4279). */
export interface PskCredential {
  readonly type: 'psk';
  readonly identity: PskIdentityInfo;
  readonly key: PskKeyInfo;
  /** Server: sent to clients, if it is the first of the endpoint's tags that has one. Client: what this key is for. */
  readonly hint?: Uint8Array | undefined;
}

/** A raw key pair of our own (RFC 7250). */
export interface RawKeyCredential {
  readonly type: 'rawKey';
  readonly privateKey: PrivateKeyInfo;
  /** Default: the private key tells it. */
  readonly publicKey?: RawPublicKeyInfo | undefined;
}

/** Raw public keys of peers that are accepted. */
export interface PeerKeysCredential {
  readonly type: 'peerKeys';
  readonly keys: RawPublicKeyInfo;
}

/** X.509: what we show and whom we trust, in either role. */
export interface CertificateCredential {
  readonly type: 'certificate';
  /** Leaf first, with `key`. Without them it serves as client alone, which shows nothing. */
  readonly chain?: CertificateChainInfo | undefined;
  readonly key?: PrivateKeyInfo | undefined;
  readonly trustAnchors?: CertificateChainInfo | undefined;
  readonly revocationLists?: CertificateRevocationListInfo | undefined;
  /** As server: whether clients must show one that leads to `trustAnchors`. Default `require`. */
  readonly clientCertificate?: 'require' | 'none' | undefined;
  readonly withoutClock?: CertificateSecurity['withoutClock'];
}

export type PoolCredential = PskCredential | RawKeyCredential | PeerKeysCredential | CertificateCredential;

export type CredentialType = PoolCredential['type'];

/** What `list` tells; nothing secret. */
export interface CredentialSummary {
  readonly tag: number;
  readonly type: CredentialType;
  /** Of a pre-shared key; a copy. */
  readonly identity?: Uint8Array | undefined;
  readonly hint?: Uint8Array | undefined;
}

/** Loaded: what endpoints answer with. */
export type LoadedCredential =
  | { readonly type: 'psk'; readonly psk: LoadedPsk; readonly hint: Uint8Array | undefined }
  | { readonly type: 'rawKey'; readonly own: OwnIdentity }
  | { readonly type: 'peerKeys'; readonly keys: readonly PublicKey[] }
  | {
      readonly type: 'certificate';
      readonly client: ClientCredentials;
      /** Undefined without a chain of our own. */
      readonly server: ServerCredentials | undefined;
    };

export interface CredentialPoolOptions extends Partial<Omit<Loading, 'log'>> {
  /** Default 10,000: a gateway with a key for each of its devices. */
  readonly maxCredentials?: number | undefined;
}

/** EEXIST: the tag has one of this type. EINVAL: no such tag can be. ENOSPC: the pool is full. */
export type CredentialPoolErrorCode = 'EEXIST' | 'EINVAL' | 'ENOSPC';

/** Misuse of a pool; it stays as it was. */
export class CredentialPoolError extends Error {
  override readonly name = 'CredentialPoolError';
  readonly code: CredentialPoolErrorCode;

  constructor(code: CredentialPoolErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** The tag of no credential. */
export const EMPTY_TAG = 0;

const LARGEST_TAG = 0xffff;
const DEFAULT_MAX_CREDENTIALS = 10_000;

/**
 * Credentials by tag, at most one of each type a tag. `add` loads and **copies**: the caller may zero or reuse its
 * arrays afterwards (RIOT's credman keeps pointers into them). Endpoints read the pool at each handshake, so what is added or removed
 * counts from the next question of a handshake on; sessions that are open stay.
 *
 * ```ts
 * const pool = new CredentialPool({}, environment);
 * pool.add(1, { type: 'psk', identity: pskIdentityFromBuffer(id), key: pskKeyFromBuffer(key) });
 * ```
 */
export class CredentialPool {
  readonly #loading: Loading;
  readonly #environment: Environment;
  readonly #max: number;
  readonly #tags = new Map<number, Map<CredentialType, LoadedCredential>>();
  #size = 0;
  #revision = 0;

  constructor(options: CredentialPoolOptions, environment: Environment) {
    const { maxCredentials = DEFAULT_MAX_CREDENTIALS, provider, ...loading } = options;
    const verified: CryptoProvider = provider === undefined ? defaultProvider() : verifiedOnUse(provider);
    this.#loading = { ...loading, provider: verified, log: environment.log };
    this.#environment = environment;
    this.#max = maxCredentials;
  }

  /** How many credentials there are. */
  get size(): number {
    return this.#size;
  }

  /** Grows with every change: what was proven by credentials of another revision is not gone on from. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * @param tag 1 to 65,535
   * @throws CredentialPoolError; SecurityInfoError or SocketError ENOTSUP if it cannot be loaded or used
   */
  add(tag: number, credential: PoolCredential): void {
    checkTag(tag);
    const ofTag = this.#tags.get(tag);
    if (ofTag?.has(credential.type) === true) {
      throw new CredentialPoolError('EEXIST', `tag ${tag} has a credential of type ${credential.type}`);
    }
    if (this.#size >= this.#max) {
      throw new CredentialPoolError('ENOSPC', `expected at most ${this.#max} credentials (option maxCredentials)`);
    }
    const loaded = this.#load(credential);
    this.#tags.set(tag, (ofTag ?? new Map<CredentialType, LoadedCredential>()).set(credential.type, loaded));
    this.#size++;
    this.#revision++;
  }

  /** Takes it out and zeroes its keys; handshakes that still need them fail. @returns whether it was there */
  remove(tag: number, type: CredentialType): boolean {
    const ofTag = this.#tags.get(tag);
    const loaded = ofTag?.get(type);
    if (ofTag === undefined || loaded === undefined) return false;
    ofTag.delete(type);
    if (ofTag.size === 0) this.#tags.delete(tag);
    this.#size--;
    this.#revision++;
    forget(loaded);
    return true;
  }

  /** In the order of addition of tags; nothing secret. */
  list(): readonly CredentialSummary[] {
    const summaries: CredentialSummary[] = [];
    for (const [tag, ofTag] of this.#tags) {
      for (const loaded of ofTag.values()) summaries.push(summary(tag, loaded));
    }
    return summaries;
  }

  /** The credential of this tag and type, for endpoints; none for tag 0. */
  find<T extends CredentialType>(tag: number, type: T): Extract<LoadedCredential, { readonly type: T }> | undefined {
    const loaded = this.#tags.get(tag)?.get(type);
    return loaded !== undefined && isOf(loaded, type) ? loaded : undefined;
  }

  /** Removes all, zeroing their keys. */
  clear(): void {
    for (const ofTag of this.#tags.values()) for (const loaded of ofTag.values()) forget(loaded);
    this.#tags.clear();
    this.#size = 0;
    this.#revision++;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #load(credential: PoolCredential): LoadedCredential {
    switch (credential.type) {
      case 'psk':
        return { type: 'psk', psk: loadPsk(credential, this.#loading), hint: credential.hint?.slice() };
      case 'rawKey': {
        const own = ownKey(credential.publicKey, credential.privateKey, this.#loading);
        if (own === undefined) throw missingKey('privateKey', 'expected a private key, found none');
        return { type: 'rawKey', own };
      }
      case 'peerKeys':
        return { type: 'peerKeys', keys: loadRawPublicKeys(credential.keys, this.#loading) };
      case 'certificate':
        return this.#loadCertificate(credential);
    }
  }

  #loadCertificate(credential: CertificateCredential): LoadedCredential {
    const { chain, key, trustAnchors, revocationLists, clientCertificate, withoutClock } = credential;
    const trust = { mode: 'certificate', trustAnchors, revocationLists, withoutClock } as const;
    const client = certificateClient(
      { ...trust, clientChain: chain, clientKey: key },
      this.#loading,
      this.#environment,
    );
    if (chain === undefined || key === undefined) return { type: 'certificate', client, server: undefined };
    try {
      const server = certificateServer({ ...trust, chain, key, clientCertificate }, this.#loading, this.#environment);
      return { type: 'certificate', client, server };
    } catch (error) {
      client.forget();
      throw error;
    }
  }
}

/** @throws CredentialPoolError EINVAL for 0, which is the empty tag, and for what is none */
export function checkTag(tag: number): void {
  if (Number.isInteger(tag) && tag > EMPTY_TAG && tag <= LARGEST_TAG) return;
  const found = tag === EMPTY_TAG ? '0, the empty tag' : `${tag}`;
  throw new CredentialPoolError('EINVAL', `tag: expected an integer from 1 to ${LARGEST_TAG}, found ${found}`);
}

function isOf<T extends CredentialType>(
  loaded: LoadedCredential,
  type: T,
): loaded is Extract<LoadedCredential, { readonly type: T }> {
  return loaded.type === type;
}

function summary(tag: number, loaded: LoadedCredential): CredentialSummary {
  if (loaded.type !== 'psk') return { tag, type: loaded.type };
  return { tag, type: 'psk', identity: loaded.psk.identity.slice(), hint: loaded.hint?.slice() };
}

function forget(loaded: LoadedCredential): void {
  if (loaded.type === 'psk') loaded.psk.key.close();
  else if (loaded.type === 'rawKey') loaded.own.key.close();
  else if (loaded.type === 'certificate') {
    loaded.client.forget();
    loaded.server?.forget();
  }
}
