// From security infos to credentials.

import type { Log } from '../runtime/index.ts';
import type { FileSource } from './file-source.ts';
import { type LeavesOptions, type SecurityInfoLeaf, leaves } from './leaves.ts';
import { Secret } from './secret.ts';
import { SecurityInfoError } from './security-info-error.ts';
import type {
  CertificateChainInfo,
  CertificateRevocationListInfo,
  PrivateKeyInfo,
  PskIdentityInfo,
  PskKeyInfo,
  RawPublicKeyInfo,
  SecurityInfo,
  SecurityInfoType,
} from './security-info.ts';

export interface LoadOptions extends LeavesOptions {
  /** Where `file` and `path` sources are read. Without it they are ENOTSUP. */
  readonly files?: FileSource | undefined;
  /** Told about weak keys, never about their value. Default: nobody. */
  readonly log?: Log | undefined;
  /** Longest PSK identity, in bytes. Default 128. */
  readonly maxIdentityLength?: number | undefined;
  /** Longest PSK key, in bytes. Default 64. */
  readonly maxKeyLength?: number | undefined;
}

export const DEFAULT_LOAD_OPTIONS = Object.freeze({
  maxIdentityLength: 128, // RFC 4279 §5.3
  maxKeyLength: 64, // RFC 4279 §5.3
});

const WEAK_KEY_LENGTH = 16; // bytes: RFC 9257 §6 asks for 128 bits of entropy

/** A pre-shared key with its identity. */
export interface LoadedPsk {
  /** A copy of its own. */
  readonly identity: Uint8Array;
  /** To be closed by whoever loaded it. */
  readonly key: Secret;
}

/** A private key: its PKCS#8 DER, or the name of one that stays in its engine. */
export type LoadedPrivateKey =
  | { readonly kind: 'pkcs8'; readonly der: Secret }
  | { readonly kind: 'engine'; readonly query: string };

/**
 * Identity and key together, both needed.
 * @throws SecurityInfoError ENODATA if one of them is `empty`, and what `loadPskIdentity` and `loadPskKey` throw
 */
export function loadPsk(psk: { identity: PskIdentityInfo; key: PskKeyInfo }, options: LoadOptions = {}): LoadedPsk {
  const identity = loadPskIdentity(psk.identity, options) ?? missing(psk.identity);
  const key = loadPskKey(psk.key, options) ?? missing(psk.key);
  return { identity, key };
}

/**
 * The identity as a new array, or undefined for `empty`.
 * @throws SecurityInfoError EINVAL for one that is too long, ENOTSUP for sources that cannot be loaded, EIO for files
 */
export function loadPskIdentity(info: PskIdentityInfo, options: LoadOptions = {}): Uint8Array | undefined {
  expectType(info, 'pskIdentity');
  const [leaf] = leaves(info, options);
  const bytes = leaf === undefined ? undefined : content(leaf, options);
  if (leaf === undefined || bytes === undefined) return undefined;
  const identity = leaf.source === 'file' ? withoutLineEnd(bytes) : bytes;
  const longest = options.maxIdentityLength ?? DEFAULT_LOAD_OPTIONS.maxIdentityLength;
  if (identity.length <= longest) return identity;
  const detail = `PSK identity: expected at most ${longest} bytes, found ${identity.length}`;
  throw new SecurityInfoError('EINVAL', leaf, detail);
}

/**
 * The key as a secret to be closed by the caller, or undefined for `empty`. Under 16 bytes it warns.
 * @throws SecurityInfoError EINVAL for one that is too long or has no byte, ENOTSUP, EIO
 */
export function loadPskKey(info: PskKeyInfo, options: LoadOptions = {}): Secret | undefined {
  expectType(info, 'pskKey');
  const [leaf] = leaves(info, options);
  const bytes = leaf === undefined ? undefined : content(leaf, options);
  if (leaf === undefined || bytes === undefined) return undefined;
  try {
    return checkedKey(leaf.source === 'file' ? hexInPlace(bytes, leaf) : bytes, leaf, options);
  } finally {
    bytes.fill(0);
  }
}

/** The certificates, DER, leaf first. @throws SecurityInfoError ENOTSUP: only `empty` can be loaded by this version */
export function loadCertificateChain(info: CertificateChainInfo, options: LoadOptions = {}): readonly Uint8Array[] {
  expectType(info, 'certificateChain');
  return onlyEmpty(info, options);
}

/** The lists, DER. @throws SecurityInfoError ENOTSUP: only `empty` can be loaded by this version */
export function loadCertificateRevocationLists(
  info: CertificateRevocationListInfo,
  options: LoadOptions = {},
): readonly Uint8Array[] {
  expectType(info, 'certificateRevocationList');
  return onlyEmpty(info, options);
}

/** SubjectPublicKeyInfos, DER. @throws SecurityInfoError ENOTSUP: only `empty` can be loaded by this version */
export function loadRawPublicKeys(info: RawPublicKeyInfo, options: LoadOptions = {}): readonly Uint8Array[] {
  expectType(info, 'rawPublicKey');
  return onlyEmpty(info, options);
}

/** Undefined for `empty`. @throws SecurityInfoError ENOTSUP: only `empty` can be loaded by this version */
export function loadPrivateKey(info: PrivateKeyInfo, options: LoadOptions = {}): LoadedPrivateKey | undefined {
  expectType(info, 'privateKey');
  onlyEmpty(info, options);
  return undefined;
}

function onlyEmpty(info: SecurityInfo, options: LoadOptions): readonly Uint8Array[] {
  for (const leaf of leaves(info, options)) {
    if (leaf.source !== 'empty') throw unloadable(leaf);
  }
  return [];
}

/** What a PSK leaf holds, as an array of ours; undefined for `empty`. */
function content(leaf: SecurityInfoLeaf<SecurityInfoType>, { files }: LoadOptions): Uint8Array | undefined {
  const { source } = leaf.info;
  if (source.kind === 'empty') return undefined;
  if (source.kind === 'buffer') return source.bytes.slice();
  if (source.kind !== 'file') throw unloadable(leaf);
  if (files === undefined) throw new SecurityInfoError('ENOTSUP', leaf, 'expected a file source, found none');
  try {
    return files.read(source.path);
  } catch (cause) {
    throw new SecurityInfoError('EIO', leaf, `'${source.path}' cannot be read`, cause);
  }
}

function checkedKey(key: Uint8Array, leaf: SecurityInfoLeaf<'pskKey'>, options: LoadOptions): Secret {
  const longest = options.maxKeyLength ?? DEFAULT_LOAD_OPTIONS.maxKeyLength;
  if (key.length === 0 || key.length > longest) {
    throw new SecurityInfoError('EINVAL', leaf, `PSK key: expected 1 to ${longest} bytes, found ${key.length}`);
  }
  if (key.length < WEAK_KEY_LENGTH) {
    const message = `PSK key is shorter than ${WEAK_KEY_LENGTH} bytes and may be guessed`;
    options.log?.warn({ position: leaf.position, bytes: key.length }, message);
  }
  return new Secret(key);
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (end < bytes.length && bytes[end - 1] === 0x0d) end--;
  return bytes.slice(0, end);
}

/** Decodes hex over its own digits: no string, which could not be zeroed, comes into being. */
function hexInPlace(text: Uint8Array, leaf: SecurityInfoLeaf<'pskKey'>): Uint8Array {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === 0x20 || (character >= 0x09 && character <= 0x0d)) continue;
    const digit = hexDigit(character);
    if (digit === undefined) {
      const detail = `PSK key file: expected hex digits and white space, found another byte at offset ${at}`;
      throw new SecurityInfoError('EINVAL', leaf, detail);
    }
    text[digits >> 1] = digits % 2 === 0 ? digit << 4 : text[digits >> 1]! | digit;
    digits++;
  }
  if (digits % 2 === 0) return text.subarray(0, digits / 2);
  throw new SecurityInfoError('EINVAL', leaf, `PSK key file: expected an even number of hex digits, found ${digits}`);
}

function hexDigit(character: number): number | undefined {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const lower = character | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined;
}

function expectType(info: SecurityInfo, type: SecurityInfoType): void {
  if (info.type === type) return;
  const place = { type, source: info.source.kind, position: info.source.kind };
  throw new SecurityInfoError('EINVAL', place, `expected the type ${type}, found ${info.type}`);
}

function unloadable(leaf: SecurityInfoLeaf<SecurityInfoType>): SecurityInfoError {
  return new SecurityInfoError('ENOTSUP', leaf, 'this version does not load such credentials');
}

function missing(info: SecurityInfo): never {
  const place = { type: info.type, source: info.source.kind, position: info.source.kind };
  throw new SecurityInfoError('ENODATA', place, 'expected a credential, found none');
}
