// From security infos to private keys that can sign, wherever the key itself is.

import { equalBytes } from '../bytes/index.ts';
import type { EnginePrivateKey } from './engine.ts';
import { type SecurityInfoLeaf, leaves } from './leaves.ts';
import { type LoadOptions, expectType, leafContent, parsed } from './load-options.ts';
import type { PrivateKey, PrivateKeyAlgorithm } from './private-key.ts';
import { readPrivateKeyFile } from './private-key-file.ts';
import {
  type CryptoProvider,
  SIGNATURE_PARAMETERS,
  SIGNATURE_SCHEMES,
  TLS12_ONLY_SCHEMES,
} from './provider/provider.ts';
import type { SignatureScheme, SigningKey } from './provider/provider.ts';
import { parsePublicKey } from './public-key.ts';
import { Secret } from './secret.ts';
import { SecurityInfoError } from './security-info-error.ts';
import type { PrivateKeyInfo } from './security-info.ts';
import type { Certificate } from './x509.ts';

/** A private key that can sign. Nothing of the key itself is to be had from it. */
export interface LoadedPrivateKey {
  readonly algorithm: PrivateKeyAlgorithm;
  /** Its SubjectPublicKeyInfo, DER: computed from the key, or said by its engine. */
  readonly publicKey: Uint8Array;
  /** What it can sign with. */
  readonly schemes: readonly SignatureScheme[];
  /** At once for keys of ours, at once or later for an engine's. @throws RangeError for a scheme not among `schemes` */
  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Zeroes what there is to zero; `sign` throws afterwards. */
  close(): void;
}

/**
 * The key, to be closed by the caller; undefined for `empty`.
 * @throws SecurityInfoError EINVAL (malformed, wrong password), ENODATA (no password, no such key), ENOTSUP, EIO, E2BIG
 */
export function loadPrivateKey(info: PrivateKeyInfo, options: LoadOptions = {}): LoadedPrivateKey | undefined {
  expectType(info, 'privateKey');
  const [leaf] = leaves(info, options);
  if (leaf === undefined) return undefined;
  const { source } = leaf.info;
  if (source.kind === 'engine') return engineKey(leaf, engineLookup(leaf, source.query, options));
  return withKey(leaf, options, ({ algorithm }, signing, publicKey, { primitives }) => {
    return new OwnPrivateKey(algorithm, publicKey, signing, primitives);
  });
}

/** A private key as bytes, for stacks that sign by themselves. */
export interface PrivateKeyMaterial {
  readonly algorithm: PrivateKeyAlgorithm;
  /** SubjectPublicKeyInfo, DER: computed from the key. */
  readonly publicKey: Uint8Array;
  /** PKCS#8 version 1, DER. */
  readonly pkcs8: Secret;
}

/**
 * The key itself, to be closed by the caller; undefined for `empty`.
 * @throws SecurityInfoError as `loadPrivateKey`; ENOTSUP for a key that stays in its engine
 */
export function loadPrivateKeyMaterial(info: PrivateKeyInfo, options: LoadOptions): PrivateKeyMaterial | undefined {
  expectType(info, 'privateKey');
  const [leaf] = leaves(info, options);
  if (leaf === undefined) return undefined;
  if (leaf.info.source.kind === 'engine') {
    const detail = 'expected a key that can be loaded, found one of an engine: the TLS stack here signs by itself';
    throw new SecurityInfoError('ENOTSUP', leaf, detail);
  }
  return withKey(leaf, options, ({ algorithm, pkcs8 }, signing, publicKey) => {
    signing.destroy();
    return { algorithm, publicKey, pkcs8: new Secret(pkcs8.bytes) };
  });
}

type OfPublicKey = Pick<LoadedPrivateKey, 'algorithm' | 'publicKey'>;

/**
 * The certificate's key must be the key we sign with.
 * @throws SecurityInfoError EINVAL
 */
export function checkKeyMatches(certificate: Certificate, key: OfPublicKey, info: PrivateKeyInfo): void {
  if (equalBytes(certificate.publicKey.spki, key.publicKey)) return;
  const place = { type: 'privateKey', source: info.source.kind, position: info.source.kind } as const;
  const detail = `expected the key of the first certificate (${certificate.publicKey.algorithm.name}), found another`;
  throw new SecurityInfoError('EINVAL', place, `${detail} (${key.algorithm.name})`);
}

/** Reads a key of ours and computes its public key. What `use` does not take is zeroed afterwards. */
function withKey<T>(
  leaf: SecurityInfoLeaf<'privateKey'>,
  options: LoadOptions,
  use: (key: PrivateKey, signing: SigningKey, publicKey: Uint8Array, provider: Signing) => T,
): T | undefined {
  const bytes = leafContent(leaf, options);
  if (bytes === undefined) return undefined;
  const { source } = leaf.info;
  const password = 'password' in source ? source.password : undefined;
  const { provider, keyDecryption, maxIterations } = options;
  if (provider === undefined) throw new SecurityInfoError('ENOTSUP', leaf, 'expected a crypto provider, found none');
  try {
    return parsed(leaf, () => {
      const key = readPrivateKeyFile(bytes, { password, keyDecryption, maxIterations });
      try {
        const signing = provider.signingKey(key.pkcs8.bytes);
        return use(key, signing, checkedPublicKey(leaf, key, signing), provider);
      } finally {
        key.pkcs8.close();
      }
    });
  } finally {
    bytes.fill(0);
  }
}

type Signing = Pick<CryptoProvider, 'signingKey' | 'primitives'>;

/** Signing with one key under another's public key can give the private key away (Ed25519). */
function checkedPublicKey(
  leaf: SecurityInfoLeaf<'privateKey'>,
  { statedPublicKey }: PrivateKey,
  signing: SigningKey,
): Uint8Array {
  const publicKey = signing.publicKey();
  if (statedPublicKey === undefined || equalBytes(statedPublicKey, publicKey)) return publicKey;
  signing.destroy();
  throw new SecurityInfoError('EINVAL', leaf, 'expected the public key that belongs to the private, found another');
}

class OwnPrivateKey implements LoadedPrivateKey {
  readonly algorithm: PrivateKeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  readonly #key: SigningKey;

  constructor(
    algorithm: PrivateKeyAlgorithm,
    publicKey: Uint8Array,
    key: SigningKey,
    primitives: CryptoProvider['primitives'],
  ) {
    this.algorithm = algorithm;
    this.publicKey = publicKey;
    this.schemes = schemesOf(algorithm).filter((scheme) => primitives.has(scheme));
    this.#key = key;
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
    return this.#key.sign(scheme, message);
  }

  close(): void {
    this.#key.destroy();
  }
}

/** In order of preference. */
function schemesOf({ name }: PrivateKeyAlgorithm): readonly SignatureScheme[] {
  return SIGNATURE_SCHEMES.filter((scheme) => SIGNATURE_PARAMETERS[scheme].key === name);
}

/** The engine's key of this query. @throws SecurityInfoError ENOTSUP without an engine, ENODATA without such a key */
export function engineLookup(
  leaf: SecurityInfoLeaf<'privateKey' | 'rawPublicKey'>,
  query: string,
  { engine }: LoadOptions,
): EnginePrivateKey {
  if (engine === undefined) throw new SecurityInfoError('ENOTSUP', leaf, 'expected an engine, found none');
  const key = engine.privateKey(query);
  if (key === undefined) throw new SecurityInfoError('ENODATA', leaf, 'the engine has no such key');
  return key;
}

function engineKey(leaf: SecurityInfoLeaf<'privateKey'>, key: EnginePrivateKey): LoadedPrivateKey {
  const publicKey = key.publicKey.slice();
  const { algorithm } = parsed(leaf, () => parsePublicKey(publicKey));
  if (algorithm.name === 'x25519' || algorithm.name === 'unsupported') {
    throw new SecurityInfoError('EINVAL', leaf, 'expected a key for ECDSA, Ed25519 or RSA, found another');
  }
  const schemes = schemesOf(algorithm).filter(
    (scheme) => key.schemes?.includes(scheme) ?? !TLS12_ONLY_SCHEMES.has(scheme),
  );
  let closed = false;
  return {
    algorithm,
    publicKey,
    schemes,
    sign(scheme, message) {
      if (closed) throw new Error('this private key was closed');
      if (!schemes.includes(scheme)) throw new RangeError(`expected one of ${schemes.join(', ')}, found ${scheme}`);
      return key.sign(scheme, message);
    },
    close: () => void (closed = true),
  };
}
