// The one error of security infos: which credential, from which source, at which place of the union.

import type { SecurityInfoSource, SecurityInfoType } from './security-info.ts';

/** Kinds of source. */
export type SecurityInfoSourceKind = SecurityInfoSource<SecurityInfoType>['kind'];

/**
 * - `EINVAL`: not what a security info may be (nested types differ, a length is out of range, malformed content)
 * - `ENOTSUP`: a source this type does not have, or that this version does not load
 * - `ELOOP`: a compound contains itself
 * - `E2BIG`: nested too deep, or too many elements
 * - `ENODATA`: `empty` where a credential is needed
 * - `EIO`: a file or a list could not be read; see `cause`
 */
export type SecurityInfoErrorCode = 'EINVAL' | 'ENOTSUP' | 'ELOOP' | 'E2BIG' | 'ENODATA' | 'EIO';

/** What a leaf or compound is and where it was found. */
export interface SecurityInfoPlace {
  readonly type: SecurityInfoType;
  readonly source: SecurityInfoSourceKind;
  /** The way to it, e.g. `array[2].list[0].file`. */
  readonly position: string;
}

/** A credential that cannot be used. Names type, source and position; never carries content. */
export class SecurityInfoError extends Error {
  override readonly name = 'SecurityInfoError';
  readonly code: SecurityInfoErrorCode;
  readonly type: SecurityInfoType;
  readonly source: SecurityInfoSourceKind;
  /** The way to it, e.g. `array[2].list[0].file`. */
  readonly position: string;

  constructor(code: SecurityInfoErrorCode, place: SecurityInfoPlace, detail: string, cause?: unknown) {
    super(`${place.type} from ${place.position}: ${detail}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.type = place.type;
    this.source = place.source;
    this.position = place.position;
  }
}
