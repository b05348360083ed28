// Chapter 5, the rest of the configuration: version, suites, timers, SNI, and the hook for what only this stack has.

import type { Environment } from '../../lib/index.ts';
import {
  type DatagramSocket,
  type HandshakeTimeouts,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
  type WritableOptions,
  serverNameOf,
} from '../../lib/net/index.ts';
import { CIPHERSUITES, type DtlsClientOptions } from '../../security-backends/native/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { type Chapter, type Made, backendOf } from './chapter.ts';
import {
  RESUMPTION_CAPABILITIES,
  type ResumableCredentials,
  ResumingSocket,
  onlyResumablePsk,
} from './4-resumption.ts';

export class ConfiguredSocket<C extends ResumableCredentials = ResumableCredentials> extends ResumingSocket<C> {
  readonly #suites: readonly number[];
  #timeouts: HandshakeTimeouts | undefined;

  constructor(environment: Environment, made: Made<C>) {
    super(environment, made);
    this.#suites = suitesOf(made.configuration);
    this.#timeouts = made.configuration.handshakeTimeouts;
  }

  /** The socket's options about addresses are the lower one's business. */
  protected override takeLower(given?: DatagramSocket): DatagramSocket {
    const lower = super.takeLower(given);
    if (lower.getOption('state') === 'closed') {
      lower.setOption('forcedAddressFamily', this.forcedAddressFamily);
      lower.setOption('preferredAddressFamily', this.preferredAddressFamily);
    }
    return lower;
  }

  protected override clientOptions(lower: DatagramSocket): DtlsClientOptions {
    const { configuration, credentials } = this.made;
    const options: DtlsClientOptions = {
      ...super.clientOptions(lower),
      credential: credentials.mode,
      ciphersuites: this.#suites,
      handshakeTimeouts: this.#timeouts,
      handshakeTries: configuration.handshakeTries,
      serverName: serverNameOf(configuration.serverName ?? this.remoteHostname),
      alpn: configuration.alpn,
      recordSizeLimit: configuration.recordSizeLimit,
      maxFragmentLength: configuration.maxFragmentLength,
      extendedMasterSecret: configuration.extendedMasterSecret,
      keyLog: configuration.dangerKeyLog,
    };
    configuration.additionalConfiguration?.(options);
    return options;
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key !== 'dtlsHandshakeTimeouts') return super.setOption(key, value);
    const { min, max }: HandshakeTimeouts = value;
    if (!(min > 0 && min <= max && Number.isFinite(max))) {
      throw new SocketError('EINVAL', `dtlsHandshakeTimeouts: expected 0 < min <= max, found ${min} and ${max} ms`, {
        fatal: false,
      });
    }
    this.#timeouts = { min, max };
    this.connection?.setHandshakeTimeouts(this.#timeouts);
  }
}

/** Those asked for that go with the credentials. @throws SocketError ENOTSUP if there are none */
function suitesOf({ security, ciphersuites }: SslConfiguration): readonly number[] {
  const fits = CIPHERSUITES.filter(
    ({ keyExchange }) => (security.mode === 'psk') === keyExchange.toLowerCase().endsWith('psk'),
  );
  if (ciphersuites === undefined) {
    const modern = fits.filter(({ protection, keyExchange }) => protection === 'aead' && keyExchange !== 'ecdhePsk');
    return modern.map(({ id }) => id);
  }
  const suites = ciphersuites.filter((id) => fits.some((suite) => suite.id === id));
  if (suites.length > 0) return suites;
  throw new SocketError('ENOTSUP', `ciphersuites: none of those asked for goes with security.mode ${security.mode}`);
}

export const CONFIGURATION_CAPABILITIES = {
  ...RESUMPTION_CAPABILITIES,
  ciphersuites: CIPHERSUITES.filter(({ keyExchange }) => keyExchange === 'psk').map(({ id }) => id),
} as const;

export function configured(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<ResumableCredentials>['make'] = (environment, made) => new ConfiguredSocket(environment, made);
  const chapter = {
    name: 'chapter 5',
    capabilities: CONFIGURATION_CAPABILITIES,
    later: [],
    load: onlyResumablePsk,
    make,
  };
  return backendOf(chapter, options);
}
