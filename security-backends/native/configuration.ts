// What a native DTLS socket takes from its configuration: checked once, copied, and refused before anything is sent.

import {
  type HandshakeTimeouts,
  type KeyLog,
  type SecurityVersion,
  SocketError,
  type TlsCommonConfiguration,
} from '../../lib/net/index.ts';
import { type Log, UNBOUNDED, seconds } from '../../lib/runtime/index.ts';

/** The part of a configuration that both roles have, complete and checked. */
export interface DtlsSettings {
  /** Ids this backend has, in the order of preference asked for. */
  readonly ciphersuites: readonly number[];
  readonly extendedMasterSecret: 'require' | 'prefer';
  readonly handshakeTimeouts: HandshakeTimeouts;
  readonly handshakeTries: number;
  readonly keyLog: KeyLog | undefined;
}

export const SUPPORTED_VERSIONS: readonly SecurityVersion[] = ['DTLS1.2'];

const DEFAULT_HANDSHAKE_TIMEOUTS: HandshakeTimeouts = { min: seconds(1), max: seconds(60) }; // RFC 6347 §4.2.4.1
const DEFAULT_HANDSHAKE_TRIES = 7; // 1+2+4+8+16+32+60 s: about two minutes, as TCP's SYN
const MAX_HANDSHAKE_TRIES = 255;

/**
 * @param supported ids of all suites that suit the credential
 * @param byDefault those in use if the configuration names none
 * @throws SocketError ENOTSUP for what this backend lacks, EINVAL for values out of range
 */
export function dtlsSettings(
  configuration: TlsCommonConfiguration,
  supported: readonly number[],
  log: Log,
  byDefault: readonly number[] = supported,
): DtlsSettings {
  checkVersions(configuration.versions);
  return {
    ciphersuites: chooseCiphersuites(configuration.ciphersuites, supported, byDefault),
    extendedMasterSecret: configuration.extendedMasterSecret ?? 'require', // RFC 7925 §16: MUST for IoT
    handshakeTimeouts: checkHandshakeTimeouts(configuration.handshakeTimeouts ?? DEFAULT_HANDSHAKE_TIMEOUTS),
    handshakeTries: checkCount(
      'handshakeTries',
      configuration.handshakeTries ?? DEFAULT_HANDSHAKE_TRIES,
      MAX_HANDSHAKE_TRIES,
    ),
    keyLog: configuration.dangerKeyLog && withoutThrowing(configuration.dangerKeyLog, log),
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
  supported: readonly number[],
  byDefault: readonly number[],
): readonly number[] {
  if (asked === undefined) return [...byDefault];
  const usable = asked.filter((id, at) => supported.includes(id) && asked.indexOf(id) === at);
  if (usable.length > 0) return usable;
  const offered = list(asked.map(suiteName));
  throw new SocketError('ENOTSUP', `ciphersuites: offered ${offered}, supported ${list(supported.map(suiteName))}`);
}

function suiteName(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}
