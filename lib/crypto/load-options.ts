// What all loaders share: where content comes from, and how what goes wrong is told.

import { DecodeError } from '../bytes/index.ts';
import type { Log } from '../runtime/index.ts';
import type { Engine } from './engine.ts';
import type { FileSource } from './file-source.ts';
import { type KeyDecryption, KeyDecryptionError } from './key-decryption.ts';
import type { LeavesOptions, SecurityInfoLeaf } from './leaves.ts';
import { type CryptoProvider, CryptoUnsupportedError } from './provider/provider.ts';
import { SecurityInfoError, type SecurityInfoPlace } from './security-info-error.ts';
import type { SecurityInfo, SecurityInfoType } from './security-info.ts';
import type { SystemTrustStore } from './system-trust-store.ts';

export interface LoadOptions extends LeavesOptions {
  /** Where `file` and `path` sources are read. Without it they are ENOTSUP. */
  readonly files?: FileSource | undefined;
  /** What the operating system trusts. Without it that is ENOTSUP. */
  readonly systemTrustStore?: SystemTrustStore | undefined;
  /** What answers `engine` sources. Without it they are ENOTSUP. */
  readonly engine?: Engine | undefined;
  /** What signs with private keys. Without it they are ENOTSUP. */
  readonly provider?: Pick<CryptoProvider, 'signingKey' | 'primitives'> | undefined;
  /** What opens encrypted private keys. Without it they are ENOTSUP. */
  readonly keyDecryption?: KeyDecryption | undefined;
  /** Most PBKDF2 iterations for one key. Default 10,000,000. */
  readonly maxIterations?: number | undefined;
  /** Longest certificate, in bytes. Default 65,536. */
  readonly maxCertificateLength?: number | undefined;
  /** Longest revocation list, in bytes. Default 4 MiB. */
  readonly maxRevocationListLength?: number | undefined;
  /** Told about weak keys and skipped files, never about a secret. Default: nobody. */
  readonly log?: Log | undefined;
  /** Longest PSK identity, in bytes. Default 128. */
  readonly maxIdentityLength?: number | undefined;
  /** Longest PSK key, in bytes. Default 64. */
  readonly maxKeyLength?: number | undefined;
}

/** What a `file` or `buffer` leaf holds, as an array of ours; undefined for `empty`. @throws SecurityInfoError */
export function leafContent(leaf: SecurityInfoLeaf<SecurityInfoType>, { files }: LoadOptions): Uint8Array | undefined {
  const { source } = leaf.info;
  if (source.kind === 'empty') return undefined;
  if (source.kind === 'buffer') return source.bytes.slice();
  if (source.kind !== 'file') throw unloadable(leaf);
  if (files === undefined) throw new SecurityInfoError('ENOTSUP', leaf, 'expected a file source, found none');
  return readable(leaf, source.path, () => files.read(source.path));
}

/** Reads, with what fails told as EIO. */
export function readable<T>(place: SecurityInfoPlace, path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SecurityInfoError('EIO', place, `'${path}' cannot be read`, cause);
  }
}

/** Parses, with malformed content told as SecurityInfoError of this place. */
export function parsed<T>(place: SecurityInfoPlace, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DecodeError) throw new SecurityInfoError('EINVAL', place, error.message, error);
    if (error instanceof KeyDecryptionError) throw new SecurityInfoError(error.code, place, error.message, error);
    if (error instanceof CryptoUnsupportedError) throw new SecurityInfoError('ENOTSUP', place, error.message, error);
    throw error;
  }
}

/** @throws SecurityInfoError EINVAL */
export function expectType(info: SecurityInfo, type: SecurityInfoType): void {
  if (info.type === type) return;
  const place = { type, source: info.source.kind, position: info.source.kind };
  throw new SecurityInfoError('EINVAL', place, `expected the type ${type}, found ${info.type}`);
}

export function unloadable(leaf: SecurityInfoPlace): SecurityInfoError {
  return new SecurityInfoError('ENOTSUP', leaf, 'this version does not load such credentials');
}

/** @throws SecurityInfoError ENODATA */
export function missing(info: SecurityInfo): never {
  const place = { type: info.type, source: info.source.kind, position: info.source.kind };
  throw new SecurityInfoError('ENODATA', place, 'expected a credential, found none');
}
