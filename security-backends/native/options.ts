// Options of a connection with every default filled in, checked once.

import type { HandshakeTimeouts, KeyLog } from '../../lib/net/index.ts';
import { SocketError } from '../../lib/net/index.ts';
import type { RandomSource } from '../../lib/runtime/index.ts';
import type { CryptoProvider, NamedGroup, SignatureScheme } from '../../lib/crypto/provider/provider.ts';
import type { Ciphersuite, Credential } from './ciphersuites.ts';
import { CIPHERSUITES, selectCiphersuites, suitsCredential } from './ciphersuites.ts';
import type { ConnectionIdOptions, DtlsLimits, DtlsOptions, LiveKeeper } from './connection.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_TIMEOUTS,
  DEFAULT_TRIES,
  MAX_CONNECTION_ID_BYTES,
  MAX_PADDING,
  MIN_MTU,
} from './connection.ts';
import { LEAST_RECORD_SIZE } from './extension-bodies.ts';
import { MAX_PLAINTEXT_BYTES } from './record.ts';
import { hasPrimitivesFor, supportedGroups, supportedSchemes } from './registries.ts';

export interface ResolvedOptions {
  readonly mtu: number;
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly credential: Credential;
  readonly ciphersuites: readonly Ciphersuite[];
  readonly groups: readonly NamedGroup[];
  readonly signatureSchemes: readonly SignatureScheme[];
  readonly alpn: readonly string[];
  readonly recordSizeLimit: number | undefined;
  readonly connectionId: { readonly own: Uint8Array; readonly padding: number } | undefined;
  readonly extendedMasterSecret: 'require' | 'prefer';
  readonly renegotiationInfo: 'require' | 'prefer';
  readonly timeouts: HandshakeTimeouts;
  readonly tries: number;
  readonly keyLog: KeyLog | undefined;
  readonly live: LiveKeeper | undefined;
  readonly limits: DtlsLimits;
}

/** @throws SocketError EINVAL naming the option, ENOTSUP if no cipher suite is left */
export function resolveOptions(options: DtlsOptions): ResolvedOptions {
  const timeouts = options.handshakeTimeouts ?? DEFAULT_TIMEOUTS;
  const tries = options.handshakeTries ?? DEFAULT_TRIES;
  const { provider, credential = 'psk', recordSizeLimit } = options;
  const groups = chosen(options.groups, supportedGroups(provider));
  const signatureSchemes = chosen(options.signatureSchemes, supportedSchemes(provider));
  const ciphersuites = shared(
    selectCiphersuites(options.ciphersuites, credential).filter((suite) =>
      hasPrimitivesFor(suite, provider, groups, signatureSchemes),
    ),
  );
  if (!(options.mtu >= MIN_MTU)) throw invalid('mtu', `at least ${MIN_MTU} bytes`, `${options.mtu}`);
  if (!Number.isInteger(tries) || tries < 1) throw invalid('handshakeTries', 'a whole number from 1', `${tries}`);
  if (ciphersuites.length === 0) {
    const offered = (options.ciphersuites ?? []).map(hexId).join(', ') || 'none';
    const suitable = CIPHERSUITES.filter((suite) => suitsCredential(suite, credential));
    const known = suitable.map((suite) => hexId(suite.id)).join(', ');
    throw new SocketError('ENOTSUP', `ciphersuites: none of ${offered} is among those supported: ${known}`);
  }
  if (recordSizeLimit !== undefined && !isRecordSize(recordSizeLimit)) {
    throw invalid('recordSizeLimit', `${LEAST_RECORD_SIZE} to ${MAX_PLAINTEXT_BYTES} bytes`, `${recordSizeLimit}`);
  }
  checkTimeouts(timeouts);
  return interned({
    mtu: Math.floor(options.mtu),
    provider,
    random: options.random,
    credential,
    ciphersuites,
    groups,
    signatureSchemes,
    alpn: options.alpn ?? NO_PROTOCOLS,
    recordSizeLimit,
    connectionId: connectionIdOf(options.connectionId),
    extendedMasterSecret: options.extendedMasterSecret ?? 'require',
    renegotiationInfo: options.renegotiationInfo ?? 'prefer',
    timeouts,
    tries,
    keyLog: options.keyLog,
    live: options.live,
    limits: options.limits === undefined ? DEFAULT_LIMITS : completeLimits(options.limits),
  });
}

const NO_PROTOCOLS: readonly string[] = Object.freeze([]);

let before: WeakRef<ResolvedOptions> | undefined;

/** The same object as for the connection before, where it says the same: an endpoint has thousands that are alike. */
function interned(options: ResolvedOptions): ResolvedOptions {
  const known = before?.deref();
  const keys = Object.keys(options) as (keyof ResolvedOptions)[];
  if (known !== undefined && keys.every((key) => options[key] === known[key])) return known;
  before = new WeakRef(options);
  return options;
}

let latest: readonly Ciphersuite[] = [];

/** The same list as the connection before, where it says the same: an endpoint has thousands of connections with one list. */
function shared(ciphersuites: readonly Ciphersuite[]): readonly Ciphersuite[] {
  const same = latest.length === ciphersuites.length && latest.every((suite, at) => suite === ciphersuites[at]);
  if (!same) latest = ciphersuites;
  return latest;
}

const completed = new WeakMap<Partial<DtlsLimits>, DtlsLimits>();

/** One object for all connections that are made from the same frozen limits. */
function completeLimits(limits: Partial<DtlsLimits>): DtlsLimits {
  if (!Object.isFrozen(limits)) return { ...DEFAULT_LIMITS, ...limits };
  const known = completed.get(limits) ?? { ...DEFAULT_LIMITS, ...limits };
  completed.set(limits, known);
  return known;
}

function connectionIdOf(given: ConnectionIdOptions | undefined): ResolvedOptions['connectionId'] {
  if (given === undefined) return undefined;
  const { own, padding = 1 } = given;
  if (own.length > MAX_CONNECTION_ID_BYTES) {
    throw invalid('connectionId.own', `at most ${MAX_CONNECTION_ID_BYTES} bytes`, `${own.length}`);
  }
  if (!Number.isInteger(padding) || padding < 1 || padding > MAX_PADDING) {
    throw invalid('connectionId.padding', `1 to ${MAX_PADDING} bytes`, `${padding}`);
  }
  return { own: own.slice(), padding };
}

function chosen<T>(asked: readonly T[] | undefined, supported: readonly T[]): readonly T[] {
  return asked === undefined ? supported : asked.filter((each) => supported.includes(each));
}

function isRecordSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= LEAST_RECORD_SIZE && bytes <= MAX_PLAINTEXT_BYTES;
}

/** @throws SocketError EINVAL unless 0 < min <= max */
export function checkTimeouts(timeouts: HandshakeTimeouts): void {
  if (timeouts.min > 0 && timeouts.max >= timeouts.min) return;
  throw invalid('handshakeTimeouts', '0 < min <= max', `min ${timeouts.min} ms, max ${timeouts.max} ms`);
}

function invalid(field: string, expected: string, found: string): SocketError {
  return new SocketError('EINVAL', `${field}: expected ${expected}, found ${found}`, { fatal: false });
}

function hexId(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}
