// What a native DTLS socket takes from its configuration: checked once, copied, and refused before anything is sent.

import {
  type HandshakeTimeouts,
  type KeyLog,
  type SecurityVersion,
  type ServerConfiguration,
  SocketError,
  type TlsCommonConfiguration,
  type TlsaRecord,
} from '../../lib/net/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import { type Log, UNBOUNDED, days, seconds } from '../../lib/runtime/index.ts';
import {
  CIPHERSUITES,
  type Ciphersuite,
  type Credential,
  selectCiphersuites,
  suitsCredential,
} from './ciphersuites.ts';
import { type ConnectionIdOptions, MAX_CONNECTION_ID_BYTES, MAX_PADDING } from './connection.ts';
import { hasPrimitivesFor } from './registries.ts';
import type { ResumptionSettings } from './session-resumption.ts';

/** The part of a configuration that both roles have, complete and checked. */
export interface DtlsSettings {
  /** Ids this backend has, in the order of preference asked for. */
  readonly ciphersuites: readonly number[];
  readonly credential: Credential;
  readonly alpn: readonly string[];
  readonly recordSizeLimit: number | undefined;
  readonly extendedMasterSecret: 'require' | 'prefer';
  readonly handshakeTimeouts: HandshakeTimeouts;
  readonly handshakeTries: number;
  readonly keyLog: KeyLog | undefined;
  readonly connectionIds: ConnectionIdSettings | undefined;
}

export interface ConnectionIdSettings {
  /** Bytes of our own ids, by role. */
  readonly lengths: { readonly client: number; readonly server: number };
  readonly padding: number;
}

export const SUPPORTED_VERSIONS: readonly SecurityVersion[] = ['DTLS1.2'];

const DEFAULT_HANDSHAKE_TIMEOUTS: HandshakeTimeouts = { min: seconds(1), max: seconds(60) }; // RFC 6347 §4.2.4.1
const DEFAULT_HANDSHAKE_TRIES = 7; // 1+2+4+8+16+32+60 s: about two minutes, as TCP's SYN
const MAX_HANDSHAKE_TRIES = 255;

/** @throws SocketError ENOTSUP for what this backend lacks, EINVAL for values out of range */
export function dtlsSettings(
  configuration: TlsCommonConfiguration,
  credential: Credential,
  provider: CryptoProvider,
  log: Log,
): DtlsSettings {
  checkVersions(configuration.versions);
  return {
    credential,
    ciphersuites: chooseCiphersuites(configuration.ciphersuites, credential, provider),
    alpn: [...(configuration.alpn ?? [])],
    recordSizeLimit: configuration.recordSizeLimit,
    extendedMasterSecret: configuration.extendedMasterSecret ?? 'require', // RFC 7925 §16: MUST for IoT
    handshakeTimeouts: checkHandshakeTimeouts(configuration.handshakeTimeouts ?? DEFAULT_HANDSHAKE_TIMEOUTS),
    handshakeTries: checkCount(
      'handshakeTries',
      configuration.handshakeTries ?? DEFAULT_HANDSHAKE_TRIES,
      MAX_HANDSHAKE_TRIES,
    ),
    keyLog: configuration.dangerKeyLog && withoutThrowing(configuration.dangerKeyLog, log),
    connectionIds: connectionIdSettings(configuration.connectionId),
  };
}

const DEFAULT_ID_LENGTHS = { client: 0, server: 6 } as const;

function connectionIdSettings(given: TlsCommonConfiguration['connectionId']): ConnectionIdSettings | undefined {
  if (given === undefined || given === false) return undefined;
  const { length, padding = 1 } = given === true ? {} : given;
  if (length !== undefined && !(Number.isInteger(length) && length >= 0 && length <= MAX_CONNECTION_ID_BYTES)) {
    const expected = `expected 0 to ${MAX_CONNECTION_ID_BYTES} bytes, found ${length}`;
    throw new SocketError('EINVAL', `connectionId.length: ${expected}`, { fatal: false });
  }
  const lengths = length === undefined ? DEFAULT_ID_LENGTHS : { client: length, server: length };
  return { lengths, padding: checkCount('connectionId.padding', padding, MAX_PADDING) };
}

/** The options of one connection. @param own an id of the length that the settings have for its role */
export function connectionIdOptions({ connectionIds }: DtlsSettings, own: Uint8Array): ConnectionIdOptions | undefined {
  return connectionIds === undefined ? undefined : { own, padding: connectionIds.padding };
}

const MAX_KEPT_SESSIONS = 1_000_000;

/** @throws SocketError EINVAL */
export function resumptionSettings(given: ServerConfiguration['resumption']): ResumptionSettings | undefined {
  if (given === undefined || given === false) return undefined;
  const { tickets = true, sessionIds = true, lifetime = days(1), maxSessions = 1_000 } = given === true ? {} : given;
  if (!(lifetime > 0 && lifetime <= days(7))) {
    throw new SocketError('EINVAL', `resumption.lifetime: expected up to 7 days, found ${lifetime} ms`, {
      fatal: false,
    });
  }
  return {
    tickets,
    sessionIds,
    lifetime,
    maxSessions: checkCount('resumption.maxSessions', maxSessions, MAX_KEPT_SESSIONS),
  };
}

/** A copy, if the values can be used. @throws SocketError EINVAL */
export function checkHandshakeTimeouts(timeouts: HandshakeTimeouts): HandshakeTimeouts {
  const { min, max } = timeouts;
  if (min > 0 && min <= max && max < UNBOUNDED) return { min, max };
  throw new SocketError(
    'EINVAL',
    `dtlsHandshakeTimeouts: expected 0 < min <= max < unbounded, found ${min} ms and ${max} ms`,
    {
      fatal: false,
    },
  );
}

/** A copy. @throws SocketError ENOTSUP where no use is made of them */
export function checkTlsaRecords(
  records: readonly TlsaRecord[],
  { dane }: { readonly dane: boolean },
): readonly TlsaRecord[] {
  if (records.length > 0 && !dane) {
    throw new SocketError('ENOTSUP', "daneTlsaRecords: without use unless security.mode is 'certificate' with `dane`", {
      fatal: false,
    });
  }
  return records.map((record) => ({ ...record, associationData: record.associationData.slice() }));
}

/** @throws SocketError EINVAL unless 1 <= value <= max */
export function checkCount(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new SocketError('EINVAL', `${name}: expected an integer from 1 to ${max}, found ${value}`, { fatal: false });
}

/** A key log that fails (a full disk) must not end the connection it tells about. */
function withoutThrowing(keyLog: KeyLog, log: Log): KeyLog {
  return (line) => {
    try {
      keyLog(line);
    } catch (error) {
      log.warn({ error }, 'the key log failed');
    }
  };
}

function checkVersions(asked: readonly SecurityVersion[] | undefined): void {
  if (asked === undefined || asked.some((version) => SUPPORTED_VERSIONS.includes(version))) return;
  throw new SocketError('ENOTSUP', `versions: expected one of ${list(SUPPORTED_VERSIONS)}, found ${list(asked)}`);
}

function chooseCiphersuites(
  asked: readonly number[] | undefined,
  credential: Credential,
  provider: CryptoProvider,
): readonly number[] {
  const feasible = (suites: readonly Ciphersuite[]): readonly number[] =>
    suites.filter((suite) => hasPrimitivesFor(suite, provider)).map(({ id }) => id);
  if (asked === undefined) return feasible(selectCiphersuites(undefined, credential));
  const unique = asked.filter((id, at) => asked.indexOf(id) === at);
  const usable = feasible(selectCiphersuites(unique, credential));
  if (usable.length > 0) return usable;
  const supported = feasible(CIPHERSUITES.filter((suite) => suitsCredential(suite, credential)));
  const [theirs, ours] = [list(asked.map(suiteName)), list(supported.map(suiteName))];
  throw new SocketError(
    'ENOTSUP',
    `ciphersuites: offered ${theirs}, supported with security.mode ${credential} ${ours}`,
  );
}

function suiteName(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}
