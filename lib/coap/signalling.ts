// Signalling messages of streams (RFC 8323 §5): what each end can do, whether the other is there, and how it ends.

import { DecodeError, utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type CoapOption, type MessageContent, NO_BYTES, formatCode } from './message.ts';
import { decodeUint, isCritical, textOption, uintOption } from './options.ts';

/** RFC 8323 §11.1. */
export const SIGNAL_CODES = { csm: 0xe1, ping: 0xe2, pong: 0xe3, release: 0xe4, abort: 0xe5 } as const;

/** Option numbers, each of its own code (RFC 8323 §11.2). */
export const SIGNAL_OPTIONS = {
  maxMessageSize: 2,
  blockWiseTransfer: 4,
  custody: 2,
  alternativeAddress: 2,
  holdOff: 4,
  badCsmOption: 2,
} as const;

/** Largest message that every end of a stream takes (RFC 8323 §5.3.1). */
export const BASE_MESSAGE_SIZE = 1_152;

/** What the sender of a CSM can take (RFC 8323 §5.3). */
export interface Capabilities {
  /** Largest message, header included, in bytes. */
  readonly maxMessageSize: number;
  readonly blockWise: boolean;
}

/** Before a CSM says otherwise (RFC 8323 §5.3). */
export const BASE_CAPABILITIES: Capabilities = Object.freeze({ maxMessageSize: BASE_MESSAGE_SIZE, blockWise: false });

/** Why and for how long the peer wants to be left (RFC 8323 §5.5). */
export interface ReleaseReasons {
  /** `host:port` where to connect instead, in order of preference. */
  readonly alternativeAddresses: readonly string[];
  /** Not to connect here again for so many seconds, 0 to 16,777,215; undefined: not said. */
  readonly holdOffSeconds: number | undefined;
  /** Words for people. */
  readonly diagnostic: string;
}

export type Signal =
  /** Only what the message says: what a CSM leaves out stays as it was. */
  | { readonly kind: 'csm'; readonly changes: Partial<Capabilities> }
  | { readonly kind: 'ping' | 'pong'; readonly token: Uint8Array; readonly custody: boolean }
  | { readonly kind: 'release'; readonly reasons: ReleaseReasons }
  | { readonly kind: 'abort'; readonly badCsmOption: number | undefined; readonly diagnostic: string }
  /** A code that is not assigned. */
  | { readonly kind: 'unknown' };

/** A critical option that a receiver of signals does not know: it ends the connection (RFC 8323 §5.2). */
export class BadSignalOption extends Error {
  override readonly name = 'BadSignalOption';
  /** The option, if it stands in a CSM: only then there is a way to name it (RFC 8323 §5.6). */
  readonly csmOption: number | undefined;

  constructor(code: number, number: number) {
    super(`${formatCode(code)} has the critical option ${number}, which is not understood`);
    this.csmOption = code === SIGNAL_CODES.csm ? number : undefined;
  }
}

/** Whether a code is a signal's: class 7. */
export function isSignalCode(code: number): boolean {
  return code >> 5 === 7;
}

/** @throws DecodeError for a malformed option; BadSignalOption */
export function readSignal({ code, token, options, payload }: MessageContent): Signal {
  switch (code) {
    case SIGNAL_CODES.csm:
      return { kind: 'csm', changes: readCapabilities(options) };
    case SIGNAL_CODES.ping:
    case SIGNAL_CODES.pong: {
      refuseCritical(code, options);
      const custody = options.some(({ number }) => number === SIGNAL_OPTIONS.custody);
      return { kind: code === SIGNAL_CODES.ping ? 'ping' : 'pong', token, custody };
    }
    case SIGNAL_CODES.release:
      return { kind: 'release', reasons: readReasons(options, payload) };
    case SIGNAL_CODES.abort: {
      const bad = options.find(({ number }) => number === SIGNAL_OPTIONS.badCsmOption);
      const badCsmOption = bad && decodeUint(limited(bad, 2, 'Bad-CSM-Option'), 'Bad-CSM-Option');
      return { kind: 'abort', badCsmOption, diagnostic: readDiagnostic(payload) };
    }
    default:
      return { kind: 'unknown' };
  }
}

function readCapabilities(options: readonly CoapOption[]): Partial<Capabilities> {
  refuseCritical(SIGNAL_CODES.csm, options);
  const changes: { maxMessageSize?: number; blockWise?: boolean } = {};
  for (const option of options) {
    if (option.number === SIGNAL_OPTIONS.maxMessageSize) {
      const size = decodeUint(limited(option, 4, 'Max-Message-Size'), 'Max-Message-Size');
      if (size < LEAST_MESSAGE_SIZE)
        throw new DecodeError('Max-Message-Size', `at least ${LEAST_MESSAGE_SIZE}`, `${size}`);
      changes.maxMessageSize = size;
    } else if (option.number === SIGNAL_OPTIONS.blockWiseTransfer) changes.blockWise = true;
  }
  return changes;
}

const LEAST_MESSAGE_SIZE = 64; // ours: below it nothing but the smallest block beside its options could ever be sent

function readReasons(options: readonly CoapOption[], payload: Uint8Array): ReleaseReasons {
  refuseCritical(SIGNAL_CODES.release, options);
  const holdOff = options.find(({ number }) => number === SIGNAL_OPTIONS.holdOff);
  return {
    alternativeAddresses: options
      .filter(({ number, value }) => number === SIGNAL_OPTIONS.alternativeAddress && value.length > 0)
      .map((option) => utf8Decode(limited(option, 255, 'Alternative-Address'), 'Alternative-Address')),
    holdOffSeconds: holdOff && decodeUint(limited(holdOff, 3, 'Hold-Off'), 'Hold-Off'),
    diagnostic: readDiagnostic(payload),
  };
}

function refuseCritical(code: number, options: readonly CoapOption[]): void {
  const unknown = options.find(({ number }) => isCritical(number)); // no critical one is assigned
  if (unknown !== undefined) throw new BadSignalOption(code, unknown.number);
}

function limited({ value }: CoapOption, mostBytes: number, field: string): Uint8Array {
  if (value.length > mostBytes) throw new DecodeError(field, `at most ${mostBytes} bytes`, `${value.length} bytes`);
  return value;
}

const MOST_DIAGNOSTIC_BYTES = 256; // ours: words for a log

/** Of a stranger, so cut, and without what could move a terminal's cursor. */
function readDiagnostic(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload.subarray(0, MOST_DIAGNOSTIC_BYTES));
  return text.replace(/[^\u0020-\u007e\u00a0-\uffff]/g, '\ufffd');
}

export function csmMessage({ maxMessageSize, blockWise }: Capabilities): MessageContent {
  const options = [uintOption(SIGNAL_OPTIONS.maxMessageSize, maxMessageSize)];
  if (blockWise) options.push({ number: SIGNAL_OPTIONS.blockWiseTransfer, value: NO_BYTES });
  return signal(SIGNAL_CODES.csm, options);
}

export function pingMessage(kind: 'ping' | 'pong', token: Uint8Array, custody: boolean): MessageContent {
  const options = custody ? [{ number: SIGNAL_OPTIONS.custody, value: NO_BYTES }] : [];
  return { ...signal(SIGNAL_CODES[kind], options), token };
}

/** @throws RangeError if a reason does not fit its option */
export function releaseMessage(reasons: Partial<ReleaseReasons>): MessageContent {
  const { alternativeAddresses = [], holdOffSeconds, diagnostic = '' } = reasons;
  const options = alternativeAddresses.map((address) => textOption(SIGNAL_OPTIONS.alternativeAddress, address));
  const wrong = options.find(({ value }) => value.length < 1 || value.length > 255);
  if (wrong !== undefined)
    throw new RangeError(`alternativeAddresses: expected 1 to 255 bytes, found ${wrong.value.length}`);
  if (holdOffSeconds !== undefined) {
    if (holdOffSeconds > 0xffffff) throw new RangeError(`holdOffSeconds: expected 24 bits, found ${holdOffSeconds}`);
    options.push(uintOption(SIGNAL_OPTIONS.holdOff, holdOffSeconds));
  }
  return signal(SIGNAL_CODES.release, options, diagnostic);
}

export function abortMessage(diagnostic: string, badCsmOption?: number): MessageContent {
  const options = badCsmOption === undefined ? [] : [uintOption(SIGNAL_OPTIONS.badCsmOption, badCsmOption)];
  return signal(SIGNAL_CODES.abort, options, diagnostic);
}

function signal(code: number, options: readonly CoapOption[], diagnostic = ''): MessageContent {
  return { code, token: NO_BYTES, options, payload: utf8Encode(diagnostic) };
}
