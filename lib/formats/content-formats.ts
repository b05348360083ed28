// Content-Format numbers (LwM2M Core 1.2 §7.4, IANA CoAP Content-Formats), and what a format must know of a resource.

import type { Path, ResourceType } from '../model/index.ts';

/** Content-Formats by name. */
export const CONTENT_FORMATS = {
  text: 0,
  coreLink: 40,
  opaque: 42,
  cbor: 60,
  senmlJson: 110,
  senmlCbor: 112,
  /** What FETCH and PATCH carry: paths without values, and null for what is to be taken away (RFC 8790). */
  senmlEtchJson: 320,
  senmlEtchCbor: 322,
  /** TLV before it had a number of its own; never offered, spoken with servers that ask for it. */
  legacyTlv: 1542,
  /** JSON of 1.0 before it had a number of its own; never offered, spoken with servers that ask for it. */
  legacyJson: 1543,
  tlv: 11542,
  /** LwM2M JSON of 1.0 */
  json: 11543,
  lwm2mCbor: 11544,
} as const;

/** Versions of the enabler that the formats differ by. */
export type FormatVersion = '1.0' | '1.1' | '1.2';

/** What a format needs to know of a resource's definition. */
export interface ResourceShape {
  readonly type: ResourceType;
  readonly multiple: boolean;
  /** Its integers are always bigints. Default false: only those beyond 2^53 are. */
  readonly wide?: boolean | undefined;
}

/** The shape of the resource at `path` (3 ids), or undefined where its object is not known. */
export type ShapeOf = (path: Path) => ResourceShape | undefined;

/** Bounds of what one payload may hold: a peer's bytes never make us build more. */
export interface FormatLimits {
  /** Values in one payload. */
  readonly maxEntries: number;
  /** Length of one payload in bytes. */
  readonly maxBytes: number;
  /** Levels of arrays and maps inside one value we do not know. */
  readonly maxDepth: number;
}

// No specification names bounds: these are far above what the registry's largest objects need.
export const DEFAULT_FORMAT_LIMITS: FormatLimits = Object.freeze({
  maxEntries: 10_000,
  maxBytes: 1_048_576,
  maxDepth: 8,
});

/** Whether an answer cannot be had so (4.06), or a request is in a format that is not taken for it (4.15). */
export type FormatErrorReason = 'notAcceptable' | 'unsupportedContentFormat';

/** A format that is not delivered, or that cannot carry what it is asked to. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code = 'ENOTSUP';
  /** The Content-Format asked for. */
  readonly format: number;
  readonly reason: FormatErrorReason;

  constructor(format: number, message: string, reason: FormatErrorReason = 'notAcceptable') {
    super(message);
    this.format = format;
    this.reason = reason;
  }
}
