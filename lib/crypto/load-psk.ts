// From security infos to pre-shared keys.

import { type SecurityInfoLeaf, leaves } from './leaves.ts';
import { type LoadOptions, expectType, leafContent, missing } from './load-options.ts';
import { Secret } from './secret.ts';
import { SecurityInfoError } from './security-info-error.ts';
import type { PskIdentityInfo, PskKeyInfo } from './security-info.ts';

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
  const bytes = leaf === undefined ? undefined : leafContent(leaf, options);
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
  const bytes = leaf === undefined ? undefined : leafContent(leaf, options);
  if (leaf === undefined || bytes === undefined) return undefined;
  try {
    return checkedKey(leaf.source === 'file' ? hexInPlace(bytes, leaf) : bytes, leaf, options);
  } finally {
    bytes.fill(0);
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
