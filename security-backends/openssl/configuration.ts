// What a socket of this backend takes from its configuration: checked once, copied, and refused before anything is sent.

import { utf8Encode } from '../../lib/bytes/index.ts';
import { REGISTERED_SCHEMES } from '../../lib/crypto/index.ts';
import {
  type CheckedSocketConfiguration,
  type HandshakeTimeouts,
  type KeyLog,
  type SecurityVersion,
  type SessionStore,
  SocketError,
  type SslConfiguration,
  type TlsaRecord,
  checkedSocketConfiguration,
  notSupported,
} from '../../lib/net/index.ts';
import { type Duration, type Log, UNBOUNDED, milliseconds, seconds } from '../../lib/runtime/index.ts';
import { type Ciphersuite, chooseSuites } from './ciphersuites.ts';
import type { OpenSslOptions } from './connection-options.ts';
import type { Transport } from './library.ts';

/** Complete and checked. */
export interface OpenSslSettings {
  readonly transport: Transport;
  readonly socket: CheckedSocketConfiguration;
  readonly versions: readonly SecurityVersion[];
  readonly native: Readonly<OpenSslOptions>;
  readonly alpn: readonly string[];
  readonly requireExtendedMasterSecret: boolean;
  readonly timeouts: HandshakeTimeouts;
  /** How often a flight is sent before the attempt ends. */
  readonly tries: number;
  readonly serverName: string | undefined;
  readonly maxFragmentLength: number | undefined;
  readonly keyLog: KeyLog | undefined;
  readonly sessionStore: SessionStore | undefined;
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
}

export const VERSIONS: Readonly<Record<Transport, readonly SecurityVersion[]>> = {
  datagram: ['DTLS1.2'],
  stream: ['TLS1.3', 'TLS1.2'],
};

const DEFAULT_TIMEOUTS: HandshakeTimeouts = { min: seconds(1), max: seconds(60) }; // RFC 6347 §4.2.4.1
const DEFAULT_TRIES = 7; // 1+2+4+8+16+32+60 s: about two minutes, as TCP's SYN
const MOST_TRIES = 12; // DTLS1_TMO_ALERT_COUNT: after so many time-outs OpenSSL gives up by itself
const FRAGMENT_LENGTHS: readonly number[] = [512, 1024, 2048, 4096]; // RFC 6066 §4
const LONGEST_PROTOCOL = 255; // RFC 7301 §3.1

const GROUPS = 'X25519:P-256:P-384';
/** SHA-1 is absent, and so is everything that TLS 1.2 allows for want of this list (RFC 5246 §7.4.1.4.1). */
const SIGNATURE_ALGORITHMS = REGISTERED_SCHEMES.join(':');

/** @throws SocketError ENOTSUP for what this backend lacks, EINVAL for values out of range */
export function openSslSettings(
  configuration: SslConfiguration,
  transport: Transport,
  suites: readonly Ciphersuite[],
  log: Log,
): OpenSslSettings {
  refuseWhatIsLacking(configuration);
  const versions = chooseVersions(configuration.versions, transport);
  const chosen = suitesFor(configuration, transport, versions, suites);
  const names = (generation: Ciphersuite['generation']): string =>
    chosen.flatMap((suite) => (suite.generation === generation ? [suite.opensslName] : [])).join(':');
  return {
    transport,
    socket: checkedSocketConfiguration(configuration.socket),
    versions: versions.filter((version) => chosen.some(({ generation }) => version.endsWith(generation))),
    native: {
      cipherList: names('1.2'),
      ciphersuites: names('1.3'),
      groups: GROUPS,
      signatureAlgorithms: SIGNATURE_ALGORITHMS,
    },
    alpn: (configuration.alpn ?? []).map(checkedProtocol),
    requireExtendedMasterSecret: (configuration.extendedMasterSecret ?? 'require') === 'require', // RFC 7925 §16
    timeouts: checkedTimeouts(configuration.handshakeTimeouts ?? DEFAULT_TIMEOUTS),
    tries: checkedTries(configuration.handshakeTries ?? DEFAULT_TRIES),
    serverName: checkedName(configuration.serverName),
    maxFragmentLength: checkedFragmentLength(configuration.maxFragmentLength),
    keyLog: configuration.dangerKeyLog && withoutThrowing(configuration.dangerKeyLog, log),
    sessionStore: configuration.sessionStore,
    additionalConfiguration: configuration.additionalConfiguration,
  };
}

function refuseWhatIsLacking(configuration: SslConfiguration): void {
  const { security, connectionId, liveSession, recordSizeLimit } = configuration;
  if (security.mode === 'rawPublicKey') throw notSupported('security.mode rawPublicKey', 'OpenSSL 3.0 has none');
  if (connectionId !== undefined && connectionId !== false) throw notSupported('connectionId', 'OpenSSL has none');
  if (liveSession !== undefined) throw notSupported('liveSession', 'OpenSSL lets no session out while it is used');
  if (recordSizeLimit !== undefined) throw notSupported('recordSizeLimit', 'OpenSSL 3 has none (RFC 8449)');
}

function chooseVersions(
  asked: readonly SecurityVersion[] | undefined,
  transport: Transport,
): readonly SecurityVersion[] {
  const ours = VERSIONS[transport];
  const versions = ours.filter((version) => asked?.includes(version) ?? true);
  if (versions.length > 0) return versions;
  throw notSupported('versions', `expected one of ${ours.join(', ')}, found ${asked?.join(', ') || 'none'}`);
}

function suitesFor(
  { ciphersuites, security }: SslConfiguration,
  transport: Transport,
  versions: readonly SecurityVersion[],
  suites: readonly Ciphersuite[],
): readonly Ciphersuite[] {
  const credential = security.mode === 'psk' ? 'psk' : 'certificate';
  const chosen = chooseSuites(suites, { ids: ciphersuites, credential, transport, versions });
  if (chosen.length > 0) return chosen;
  const offered = (ciphersuites ?? []).map((id) => `0x${id.toString(16).toUpperCase().padStart(4, '0')}`).join(', ');
  const what = `none of ${offered || 'no suites'} is here for ${versions.join(', ')}`;
  throw notSupported('ciphersuites', `${what} with security.mode ${credential}`);
}

/** A copy. @throws SocketError EINVAL */
export function checkedTimeouts({ min, max }: HandshakeTimeouts): HandshakeTimeouts {
  if (min > 0 && min <= max && max < UNBOUNDED) return { min, max };
  throw invalid('dtlsHandshakeTimeouts', '0 < min <= max < unbounded', `${min} ms and ${max} ms`);
}

/** As long as DTLS would try, flight by flight, before it gives up: 123 s by default. */
export function patienceOf({ min, max }: HandshakeTimeouts, tries: number): Duration {
  let total = 0;
  for (let flight = 0; flight < tries; flight++) total += Math.min(max, min * 2 ** flight);
  return milliseconds(total);
}

/** A copy. @throws SocketError ENOTSUP where no use is made of them */
export function checkedTlsaRecords(
  records: readonly TlsaRecord[],
  { dane }: { readonly dane: boolean },
): readonly TlsaRecord[] {
  if (records.length > 0 && !dane) {
    throw notSupported('daneTlsaRecords', "without use unless security.mode is 'certificate' with `dane`");
  }
  return records.map((record) => ({ ...record, associationData: record.associationData.slice() }));
}

function checkedTries(tries: number): number {
  if (Number.isInteger(tries) && tries >= 1 && tries <= MOST_TRIES) return tries;
  throw invalid('handshakeTries', `an integer from 1 to ${MOST_TRIES}`, `${tries}`);
}

/** A C string ends at its first NUL: what is behind would be cut off unseen. */
function checkedName(name: string | undefined): string | undefined {
  if (name?.includes('\0') === true) throw invalid('serverName', 'no NUL', 'one');
  return name;
}

function checkedProtocol(protocol: string): string {
  const { length } = utf8Encode(protocol);
  if (length >= 1 && length <= LONGEST_PROTOCOL) return protocol;
  throw invalid('alpn', `names of 1 to ${LONGEST_PROTOCOL} bytes`, `one of ${length}`);
}

function checkedFragmentLength(bytes: number | undefined): number | undefined {
  if (bytes === undefined || FRAGMENT_LENGTHS.includes(bytes)) return bytes;
  throw invalid('maxFragmentLength', FRAGMENT_LENGTHS.join(', '), `${bytes}`);
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

function invalid(field: string, expected: string, found: string): SocketError {
  return new SocketError('EINVAL', `${field}: expected ${expected}, found ${found}`, { fatal: false });
}
