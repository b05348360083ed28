// A TLS client socket on node:tls with a pre-shared key (RFC 4279, RFC 8446 §4.2.11), over any stream socket.

import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls';
import {
  type Cancellable,
  type Endpoint,
  type Negotiated,
  type SecurityVersion,
  SocketError,
  type StreamSocket,
} from '../../lib/net/index.ts';
import { NodeStreamCore } from '../../lib/net/node/index.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { CIPHERSUITES } from './ciphersuites.ts';
import type { TlsSettings } from './configuration.ts';
import { hasExtendedMasterSecret } from './extended-master-secret.ts';
import { StreamDuplex } from './stream-duplex.ts';
import { fromTlsError } from './tls-errors.ts';

const NODE_VERSIONS = { 'TLS1.2': 'TLSv1.2', 'TLS1.3': 'TLSv1.3' } as const;

/** Made by the backend's `createSocket`. Time is OpenSSL's own. */
export class NodeTlsSocket extends NodeStreamCore {
  override readonly secure = true;
  readonly #settings: TlsSettings;
  readonly #lowerSocket: () => StreamSocket;
  #lower: StreamSocket | undefined;
  #tls: TLSSocket | undefined;
  #negotiated: Negotiated | undefined;
  #sentBefore = 0n;
  #receivedBefore = 0n;

  constructor(settings: TlsSettings, environment: Environment, lowerSocket: () => StreamSocket) {
    super(environment, settings.socket);
    this.#settings = settings;
    this.#lowerSocket = lowerSocket;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    await this.open('connected', options, async (signal) => {
      const lower = this.#take(this.#lower ?? this.#lowerSocket());
      lower.setOption('forcedAddressFamily', this.forcedAddressFamily);
      lower.setOption('preferredAddressFamily', this.preferredAddressFamily);
      await lower.connect(host, port, { signal });
      signal.throwIfAborted();
      this.hostname = host;
      await this.#handshake(lower, signal);
    });
  }

  /** A closed `lower` is kept for the next `connect`; over a connected one the handshake begins at once. */
  override async decorate(
    lower: StreamSocket,
    options?: Cancellable & { readonly host?: string | undefined },
  ): Promise<void> {
    if (this.state === 'closed' && lower.getOption('state') === 'closed' && options?.signal?.aborted !== true) {
      this.#lower = lower;
      return;
    }
    if (this.state !== 'closed') lower.close();
    else this.#lower = lower;
    await this.open('connected', options, async (signal) => {
      this.#take(lower);
      this.hostname = options?.host ?? lower.remoteHostname;
      await this.#handshake(lower, signal);
    });
  }

  override get mtu(): number {
    return this.#lower?.getOption('mtu') ?? super.mtu;
  }

  override get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  override get bytesSent(): bigint {
    return this.#sentBefore + (this.#lower?.getOption('bytesSent') ?? 0n);
  }

  override get bytesReceived(): bigint {
    return this.#receivedBefore + (this.#lower?.getOption('bytesReceived') ?? 0n);
  }

  override get system(): unknown {
    return this.#lower?.system;
  }

  override get local(): Endpoint | undefined {
    return this.#lower?.local;
  }

  override get remote(): Endpoint | undefined {
    return this.#lower?.remote;
  }

  /** Closes for good: the key is zeroed, so this socket connects no more. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#settings.key.close();
  }

  protected override mapError(error: Error): SocketError {
    return fromTlsError(error);
  }

  protected release(): void {
    this.detach();
    this.#tls?.removeAllListeners().on('error', () => undefined);
    this.#tls?.destroy();
    this.#tls = undefined;
    const lower = this.#lower;
    this.#lower = undefined;
    if (lower !== undefined) {
      lower.handler = undefined;
      this.#sentBefore += lower.getOption('bytesSent');
      this.#receivedBefore += lower.getOption('bytesReceived');
      lower.close();
    }
    this.#negotiated = undefined;
    this.hostname = undefined;
  }

  #take(lower: StreamSocket): StreamSocket {
    this.#lower = lower;
    return lower;
  }

  async #handshake(lower: StreamSocket, signal: AbortSignal): Promise<void> {
    const duplex = new StreamDuplex(lower, (cause) =>
      this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
    );
    const options = this.#options();
    this.#settings.additionalConfiguration?.(options);
    const tls = connect({ ...options, socket: duplex });
    this.#tls = tls;
    const { keyLog } = this.#settings;
    if (keyLog !== undefined) tls.on('keylog', (line) => keyLog(line.toString('latin1').trimEnd()));
    await secured(tls);
    signal.throwIfAborted();
    this.#negotiated = this.#agreed(tls);
    tls.removeAllListeners('error');
    this.#tls = undefined;
    this.attach(tls);
  }

  #options(): ConnectionOptions {
    const { suites, versions, identity, key, serverName } = this.#settings;
    const order = (['TLS1.2', 'TLS1.3'] as const).filter((version) => versions.includes(version));
    return {
      ciphers: suites.map(({ opensslName }) => opensslName).join(':'),
      minVersion: NODE_VERSIONS[order[0] ?? 'TLS1.2'],
      maxVersion: NODE_VERSIONS[order.at(-1) ?? 'TLS1.3'],
      pskCallback: () => ({ psk: key.bytes, identity }),
      // No anchors, so a server that answers with a certificate instead of the key is refused (and again in #agreed).
      ca: [],
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
      ...(serverName === undefined ? {} : { servername: serverName }),
    };
  }

  /** @throws SocketError EPROTO if the handshake was not what the configuration asks for */
  #agreed(tls: TLSSocket): Negotiated {
    const { standardName } = tls.getCipher();
    const suite = CIPHERSUITES.find((each) => each.standardName === standardName);
    const version = tls.getProtocol()?.replace('v', '') as SecurityVersion | undefined;
    if (suite === undefined || version === undefined || tls.getPeerX509Certificate() !== undefined) {
      throw new SocketError('EPROTO', `the server did not use the shared key (${standardName})`);
    }
    const session = tls.getSession();
    const extended = version === 'TLS1.3' || (session !== undefined && hasExtendedMasterSecret(session) === true);
    session?.fill(0);
    if (!extended && this.#settings.requireExtendedMasterSecret) {
      throw new SocketError(
        'EPROTO',
        'the server does not offer an extended master secret, which is required (RFC 7627)',
      );
    }
    const pskIdentity = utf8Encode(this.#settings.identity);
    return { version, ciphersuite: suite.id, extendedMasterSecret: extended, pskIdentity };
  }
}

function secured(tls: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    tls.once('secureConnect', resolve);
    tls.once('error', (error) => reject(fromTlsError(error)));
    tls.once('close', () => reject(new SocketError('ECONNRESET', 'the peer closed during the handshake')));
  });
}
