// A raw socket's configuration, copied and checked once, with its defaults and their sources.

import { type Duration, seconds } from '../runtime/index.ts';
import { SocketError } from './errors.ts';
import type { SocketConfiguration } from './socket-configuration.ts';
import type { Family } from './socket.ts';

/** A SocketConfiguration that is our own copy, checked, with the defaults filled in. */
export interface CheckedSocketConfiguration extends SocketConfiguration {
  readonly forcedAddressFamily: Family;
  readonly preferredAddressFamily: Family;
  readonly mtu: number;
  readonly receiveTimeout: Duration;
  readonly maxBufferedBytes: number;
  readonly maxSessions: number;
  readonly reuseAddress: boolean;
}

const DEFAULTS = Object.freeze({
  forcedAddressFamily: 'unspecified',
  preferredAddressFamily: 'unspecified',
  mtu: 1280, // RFC 8200 §5: what every IPv6 link carries
  receiveTimeout: seconds(30), // avs_net's default
  maxBufferedBytes: 1_048_576, // above Linux' default of 208 KiB for a UDP socket, below what would hurt a small device
  maxSessions: 10_000, // as ServerConfiguration.maxSessions
  reuseAddress: false,
} as const);

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6', 'unspecified'];
const LEAST_MTU = 68; // RFC 791: what every IPv4 host must forward
const LARGEST_PACKET = 65_535;

/** Copies and checks. @throws SocketError EINVAL naming the field */
export function checkedSocketConfiguration(given: SocketConfiguration = {}): CheckedSocketConfiguration {
  const checked = {
    ...given,
    preferredEndpoint: given.preferredEndpoint && { ...given.preferredEndpoint },
    localEndpoint: given.localEndpoint && { ...given.localEndpoint },
    forcedAddressFamily: checkedFamily('forcedAddressFamily', given.forcedAddressFamily),
    preferredAddressFamily: checkedFamily('preferredAddressFamily', given.preferredAddressFamily),
    mtu: given.mtu ?? DEFAULTS.mtu,
    receiveTimeout: checkedTimeout(given.receiveTimeout ?? DEFAULTS.receiveTimeout),
    maxBufferedBytes: given.maxBufferedBytes ?? DEFAULTS.maxBufferedBytes,
    maxSessions: given.maxSessions ?? DEFAULTS.maxSessions,
    reuseAddress: given.reuseAddress ?? DEFAULTS.reuseAddress,
  };
  within('mtu', checked.mtu, LEAST_MTU, LARGEST_PACKET);
  within('forcedMtu', checked.forcedMtu, LEAST_MTU, LARGEST_PACKET);
  within('dscp', checked.dscp, 0, 63);
  within('priority', checked.priority, 0, 7);
  within('maxSessions', checked.maxSessions, 1, Number.MAX_SAFE_INTEGER);
  within('maxBufferedBytes', checked.maxBufferedBytes, 1, Number.MAX_SAFE_INTEGER);
  if (checked.keepAlive !== undefined && !(checked.keepAlive >= 1_000 && Number.isFinite(checked.keepAlive)))
    throw invalid('keepAlive', 'a duration of 1 s or more', String(checked.keepAlive));
  checkedPort('localEndpoint.port', checked.localEndpoint?.port);
  checkedPort('preferredEndpoint.port', checked.preferredEndpoint?.port);
  return Object.freeze(checked);
}

/** @throws SocketError EINVAL */
export function checkedFamily(field: string, family: Family | undefined): Family {
  if (family === undefined) return 'unspecified';
  if (!FAMILIES.includes(family)) throw invalid(field, FAMILIES.join(', '), String(family));
  return family;
}

/** @throws SocketError EINVAL */
export function checkedTimeout(timeout: Duration): Duration {
  if (!(timeout >= 0)) throw invalid('receiveTimeout', 'a duration of 0 or more', String(timeout));
  return timeout;
}

/** @throws SocketError EINVAL */
export function checkedPort(field: string, port: number | undefined): void {
  within(field, port, 0, 65_535);
}

function within(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined) return;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw invalid(field, `an integer from ${least} to ${most}`, String(value));
  }
}

function invalid(field: string, expected: string, found: string): SocketError {
  return new SocketError('EINVAL', `${field}: expected ${expected}, found ${found}`, { fatal: false });
}
