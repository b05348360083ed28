// What TLS takes from its configuration: checked once, copied, refused before anything is sent.

import { utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CheckedSocketConfiguration,
  type HandshakeTimeouts,
  type KeyLog,
  type SecurityVersion,
  type ServerConfiguration,
  SocketError,
  type SslConfiguration,
  type TlsCommonConfiguration,
  type TlsaRecord,
  checkedSocketConfiguration,
} from '../../lib/net/index.ts';
import { type Duration, type Log, UNBOUNDED, days, milliseconds, seconds } from '../../lib/runtime/index.ts';
import { type Ciphersuite, type Credential, availableSuites, chooseSuites } from './ciphersuites.ts';

/** The part that both roles have. Complete and checked. */
export interface TlsSettings {
  readonly socket: CheckedSocketConfiguration;
  readonly credential: Credential;
  /** In the order preferred; at least one. */
  readonly suites: readonly Ciphersuite[];
  /** The newest first; at least one. */
  readonly versions: readonly SecurityVersion[];
  readonly alpn: readonly string[];
  readonly requireExtendedMasterSecret: boolean;
  /** A handshake that takes longer is ended. */
  readonly handshakeLimit: Duration;
  readonly keyLog: KeyLog | undefined;
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
}

export const VERSIONS: readonly SecurityVersion[] = Object.freeze(['TLS1.3', 'TLS1.2'] as const);

const DEFAULT_TIMEOUTS: HandshakeTimeouts = { min: seconds(1), max: seconds(60) }; // RFC 6347 §4.2.4.1
const DEFAULT_TRIES = 7;
const LONGEST_PROTOCOL = 255; // RFC 7301 §3.1

/** What node:tls has no call for. */
const LACKING: readonly (keyof SslConfiguration)[] = [
  'connectionId',
  'recordSizeLimit',
  'maxFragmentLength',
  'liveSession',
];

/** @throws SocketError ENOTSUP for what this backend lacks, EINVAL for values out of range */
export function tlsSettings(configuration: SslConfiguration | ServerConfiguration, log: Log): TlsSettings {
  const { mode } = configuration.security;
  if (mode === 'rawPublicKey') {
    throw notSupported('security.mode: expected psk or certificate, found rawPublicKey: node:tls has no RFC 7250');
  }
  for (const option of LACKING) {
    const value = option in configuration ? configuration[option as keyof TlsCommonConfiguration] : undefined;
    if (value !== undefined && value !== false) throw notSupported(`${option}: node:tls has no call for it`);
  }
  const versions = VERSIONS.filter((version) => configuration.versions?.includes(version) ?? true);
  if (versions.length === 0) {
    throw notSupported(`versions: expected one of ${VERSIONS.join(', ')}, found ${configuration.versions?.join(', ')}`);
  }
  const suites = chooseSuites(configuration.ciphersuites, versions, mode);
  if (suites.length === 0) throw noSuites(configuration.ciphersuites ?? [], versions, mode);
  return {
    socket: checkedSocketConfiguration(configuration.socket),
    credential: mode,
    suites,
    versions: versions.filter((version) => suites.some((suite) => suite.version === version)),
    alpn: (configuration.alpn ?? []).map(checkedProtocol),
    requireExtendedMasterSecret: (configuration.extendedMasterSecret ?? 'require') === 'require', // RFC 7925 §16
    handshakeLimit: handshakeLimit(configuration),
    keyLog: configuration.dangerKeyLog && withoutThrowing(configuration.dangerKeyLog, log),
    additionalConfiguration: configuration.additionalConfiguration,
  };
}

/** How a server lets its clients resume. */
export interface ResumptionSettings {
  readonly lifetime: Duration;
  /** Clients whose chains are remembered: a ticket holds the leaf alone. */
  readonly maxSessions: number;
}

/** @throws SocketError EINVAL, ENOTSUP */
export function resumptionSettings(
  given: ServerConfiguration['resumption'],
  settings: TlsSettings,
): ResumptionSettings | undefined {
  if (given === undefined || given === false) return undefined;
  const { tickets = true, lifetime = days(1), maxSessions = 1_000 } = given === true ? {} : given;
  if (!tickets) throw notSupported('resumption.tickets: node:tls resumes by tickets alone');
  if (!(lifetime >= seconds(1) && lifetime <= days(7))) {
    throw invalid(`resumption.lifetime: expected 1 s to 7 days, found ${lifetime} ms`); // RFC 8446 §4.6.1
  }
  if (settings.credential === 'psk' && settings.versions.includes('TLS1.3')) {
    throw notSupported(
      "resumption: with pre-shared keys expected versions: ['TLS1.2']: node:tls does not tell whose ticket of TLS 1.3 it is",
    );
  }
  return { lifetime, maxSessions: checkedCount('resumption.maxSessions', maxSessions) };
}

const LARGEST_COUNT = 10_000_000;

/** @throws SocketError EINVAL unless it is an integer of 1 or more */
export function checkedCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST_COUNT) return value;
  throw invalid(`${name}: expected an integer from 1 to ${LARGEST_COUNT}, found ${value}`);
}

/** A copy. @throws SocketError ENOTSUP where no use is made of them */
export function checkedTlsaRecords(
  records: readonly TlsaRecord[],
  { dane }: { readonly dane: boolean },
): readonly TlsaRecord[] {
  if (records.length > 0 && !dane) {
    throw notSupported("daneTlsaRecords: without use unless security.mode is 'certificate' with `dane`");
  }
  return records.map((record) => ({ ...record, associationData: record.associationData.slice() }));
}

export function notSupported(message: string): SocketError {
  return new SocketError('ENOTSUP', message, { fatal: false });
}

function invalid(message: string): SocketError {
  return new SocketError('EINVAL', message, { fatal: false });
}

function noSuites(asked: readonly number[], versions: readonly SecurityVersion[], mode: Credential): SocketError {
  const names = (ids: readonly number[]): string => ids.map(suiteName).join(', ') || 'none';
  const fit = availableSuites().filter((suite) => versions.includes(suite.version) && suite.credentials.includes(mode));
  const supported = names(fit.map(({ id }) => id));
  return notSupported(
    `ciphersuites: offered ${names(asked)}, supported with security.mode ${mode} in ${versions.join(', ')} ${supported}`,
  );
}

/** As it is written, e.g. 0xC0A8. */
export function suiteName(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}

function checkedProtocol(name: string): string {
  const { length } = utf8Encode(name);
  if (length >= 1 && length <= LONGEST_PROTOCOL) return name;
  throw invalid(`alpn: expected names of 1 to ${LONGEST_PROTOCOL} bytes, found ${length}`);
}

/** As long as DTLS would try, flight by flight, before it gives up: 123 s by default. */
function handshakeLimit({ handshakeTimeouts, handshakeTries }: TlsCommonConfiguration): Duration {
  const { min, max } = handshakeTimeouts ?? DEFAULT_TIMEOUTS;
  const tries = handshakeTries ?? DEFAULT_TRIES;
  if (!(min > 0 && min <= max && max < UNBOUNDED)) {
    throw invalid(`handshakeTimeouts: expected 0 < min <= max < unbounded, found ${min} ms and ${max} ms`);
  }
  if (!(Number.isInteger(tries) && tries >= 1 && tries <= 255)) {
    throw invalid(`handshakeTries: expected an integer from 1 to 255, found ${tries}`);
  }
  let total = 0;
  for (let flight = 0; flight < tries; flight++) total += Math.min(max, min * 2 ** flight);
  return milliseconds(total);
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
