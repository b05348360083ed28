// Chapter 8, TCP: the same contract for streams, by node:tls with a pre-shared key (TLS 1.3, RFC 8446 §4.2.11).

import { Duplex } from 'node:stream';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { loadPsk } from '../../lib/crypto/index.ts';
import { type Environment, type Timer, later, seconds, utf8Decode } from '../../lib/index.ts';
import {
  ALERT_DESCRIPTIONS,
  type Cancellable,
  type Capabilities,
  type CheckedSocketConfiguration,
  type Endpoint,
  type Negotiated,
  type SecurityBackend,
  type SocketConfiguration,
  SocketError,
  type SslConfiguration,
  StreamCore,
  type StreamSocket,
  TlsAlertError,
  checkedSocketConfiguration,
  lacking,
  serverNameOf,
} from '../../lib/net/index.ts';

const TLS_AES_128_GCM_SHA256 = 0x1301;

/** What node:tls writes into and reads from: a stream of Node's over a stream socket of ours. */
class LowerStream extends Duplex {
  readonly #lower: StreamSocket;
  #room: (() => void) | undefined;

  constructor(lower: StreamSocket, closed: (cause: SocketError | undefined) => void) {
    super();
    this.#lower = lower;
    lower.handler = {
      readable: () => this._read(),
      writable: () => this.#room?.(),
      closed: (cause) => {
        this.destroy();
        closed(cause);
      },
    };
  }

  override _read(): void {
    do {
      const bytes = this.#lower.getOption('state') === 'closed' ? null : this.#lower.receive();
      if (bytes === undefined) return;
      if (!this.push(bytes) || bytes === null) return;
    } while (this.#lower.getOption('hasBufferedData'));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    try {
      this.#room = undefined;
      this.#lower.send(chunk.slice());
      done();
    } catch (error) {
      if (error instanceof SocketError && error.code === 'EAGAIN') this.#room = () => this._write(chunk, '', done);
      else done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _final(done: (error?: Error) => void): void {
    this.#lower.shutdown().then(() => done(), done);
  }
}

interface Made {
  readonly configuration: SslConfiguration;
  readonly socket: CheckedSocketConfiguration;
  readonly identity: string;
  readonly key: ReturnType<typeof loadPsk>['key'];
  readonly makeLower: () => StreamSocket;
}

class TlsSocket extends StreamCore {
  override readonly secure = true;
  readonly #made: Made;
  #lower: StreamSocket | undefined;
  #tls: TLSSocket | undefined;
  #negotiated: Negotiated | undefined;
  #patience: Timer | undefined;
  #refused = false;

  constructor(environment: Environment, made: Made) {
    super(environment, made.socket);
    this.#made = made;
  }

  connect(host: string, port: number, options?: Cancellable): Promise<void> {
    return this.open('connected', options, async (signal) => {
      const lower = (this.#lower ??= this.#made.makeLower());
      lower.setOption('forcedAddressFamily', this.forcedAddressFamily);
      lower.setOption('preferredAddressFamily', this.preferredAddressFamily);
      await lower.connect(host, port, { signal });
      signal.throwIfAborted();
      await this.#shakeHands(lower, host);
    });
  }

  override async decorate(
    lower: StreamSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed' || this.#lower !== undefined) {
      throw new SocketError('EBADF', 'this socket has a layer below already', { fatal: false });
    }
    this.#lower = lower;
    if (lower.getOption('state') === 'closed') return;
    await this.open('connected', options, () => this.#shakeHands(lower, options.host));
  }

  /** The trust is in the key: no certificate could stand for it, for there are no anchors. */
  async #shakeHands(lower: StreamSocket, host: string | undefined): Promise<void> {
    this.hostname = host;
    const { identity, key, configuration } = this.#made;
    const stream = new LowerStream(lower, (cause) => {
      if (this.#lower === lower) this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed'));
    });
    const options = {
      ciphers: 'TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.3',
      ca: [],
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: key.bytes, identity }),
    } as const;
    configuration.additionalConfiguration?.(options);
    const servername = serverNameOf(configuration.serverName ?? host);
    this.#waitNoLonger();
    const tls = connectTls({ ...options, ca: [], socket: stream, ...(servername && { servername }) });
    if (this.#lower !== lower) return void tls.destroy(); // closed by who was told that the first bytes leave
    this.#tls = tls;
    await new Promise<void>((resolve, reject) => {
      tls.once('secureConnect', resolve);
      tls.once('error', (error) => reject(fromTls(error)));
      tls.once('close', () => reject(new SocketError('ECONNRESET', 'the peer closed during the handshake')));
    });
    this.#patience?.cancel();
    this.#negotiated = { version: 'TLS1.3', ciphersuite: TLS_AES_128_GCM_SHA256, extendedMasterSecret: true };
    this.#listen(tls);
  }

  /** A stream repeats nothing, so no flight tells that the peer is silent: it has as long as all flights of DTLS would take. */
  #waitNoLonger(): void {
    const { handshakeTimeouts = { min: seconds(1), max: seconds(60) }, handshakeTries = 7 } = this.#made.configuration;
    let limit = 0;
    for (let flight = 0; flight < handshakeTries; flight++) {
      limit += Math.min(handshakeTimeouts.max, handshakeTimeouts.min * 2 ** flight);
    }
    const { clock, timers } = this.environment;
    const silent = new SocketError('ETIMEDOUT', `no handshake within ${limit} ms`);
    this.#patience = timers.at(later(clock.now(), limit), () => this.fail(silent));
  }

  /** Node's events become the core's calls: `deliver`, `endInput`, `finish`, `fail`. */
  #listen(tls: TLSSocket): void {
    tls.removeAllListeners('error').removeAllListeners('close');
    tls.on('data', (bytes: Uint8Array) => {
      this.deliver(Uint8Array.from(bytes));
      if (this.bufferedCost >= this.configuration.maxBufferedBytes) tls.pause(); // holds the peer back
    });
    // A FIN that anybody can forge looks the same to node:tls as close_notify. CoAP's messages tell their lengths, so here that
    // is all; `record-watch.ts` of security-backends/node-tls tells the two apart.
    tls.on('end', () => {
      this.endInput();
      this.announce();
      if (this.state === 'shutdown') this.finish();
    });
    tls.on('error', (error) => this.fail(fromTls(error)));
    tls.on('close', () => this.finish());
  }

  protected override drained(): void {
    if (this.bufferedCost < this.configuration.maxBufferedBytes) this.#tls?.resume();
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    const waiting = this.#tls?.writableLength ?? 0;
    if (waiting > 0 && waiting + bytes.length > this.configuration.maxBufferedBytes) {
      this.#refused = true;
      throw new SocketError('EAGAIN', `${waiting} bytes wait to be sent`, { fatal: false });
    }
    this.#tls?.write(bytes, () => this.#roomAgain());
    this.countSent(bytes.length);
  }

  /** Node's `drain` speaks of Node's own mark, not of ours. */
  #roomAgain(): void {
    if (!this.#refused || this.#tls === undefined) return;
    this.#refused = false;
    this.handler?.writable();
  }

  /** close_notify; we still hear the peer. */
  async shutdown(): Promise<void> {
    if (this.state !== 'connected') throw this.badState();
    this.enterShutdown();
    this.#tls?.end();
    if (this.#tls?.readableEnded === true) this.finish();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#made.key.close();
  }

  override get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  override get local(): Endpoint | undefined {
    return this.#lower?.local;
  }

  override get remote(): Endpoint | undefined {
    return this.#lower?.remote;
  }

  protected release(): void {
    const [tls, lower] = [this.#tls, this.#lower];
    this.#patience?.cancel();
    this.#tls = undefined;
    this.#lower = undefined;
    this.#negotiated = undefined;
    this.#refused = false;
    tls?.removeAllListeners().on('error', () => undefined);
    tls?.destroy();
    if (lower === undefined) return;
    lower.handler = undefined;
    lower.close();
  }
}

/** Node tells an alert by the name that OpenSSL gives it: ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, ERR_SSL_SSL/TLS_ALERT_…. */
function fromTls(error: Error & { readonly code?: string }): SocketError {
  if (error instanceof SocketError) return error;
  const name = /^ERR_SSL_[\w/]*ALERT_(\w+)$/.exec(error.code ?? '')?.[1]?.toLowerCase();
  const alert = Object.entries(ALERT_DESCRIPTIONS).find(([, each]) => each === name);
  if (alert === undefined) return new SocketError('ETLS', error.message, { cause: error });
  return new TlsAlertError({ level: 'fatal', description: Number(alert[0]), direction: 'received' });
}

const CAPABILITIES: Capabilities = {
  versions: ['TLS1.3'],
  ciphersuites: [TLS_AES_128_GCM_SHA256],
  credentials: ['psk'],
  roles: ['client'],
  resumption: false,
  connectionId: false,
  dane: false,
  clock: 'system',
};

/** Left to those who go on from here. */
const LATER = ['sessionStore', 'alpn', 'recordSizeLimit', 'maxFragmentLength', 'dangerKeyLog'] as const;

export interface StreamBackendOptions {
  readonly streamSocket: (configuration: SocketConfiguration, environment: Environment) => StreamSocket;
}

export function overTcp({ streamSocket }: StreamBackendOptions): SecurityBackend<StreamSocket> {
  return {
    name: 'chapter 8',
    capabilities: CAPABILITIES,
    createSocket(configuration, environment) {
      const { security } = configuration;
      const lack = lacking(CAPABILITIES, 'client', configuration, environment);
      if (lack !== undefined) throw new SocketError('ENOTSUP', `chapter 8 ${lack}`);
      const ignored = LATER.find((option) => configuration[option] !== undefined);
      if (ignored !== undefined) throw new SocketError('ENOTSUP', `chapter 8 has no ${ignored}`);
      if (security.mode !== 'psk') throw new SocketError('ENOTSUP', `security.mode: found ${security.mode}`);
      const { identity, key } = loadPsk(security);
      if (identity.includes(0)) {
        key.close();
        throw new SocketError('ENOTSUP', 'identity: a NUL byte would cut it in OpenSSL');
      }
      const socket = checkedSocketConfiguration(configuration.socket);
      const makeLower = (): StreamSocket => streamSocket(socket, environment);
      const made = { configuration: { ...configuration }, socket, identity: utf8Decode(identity), key, makeLower };
      return new TlsSocket(environment, made);
    },
  };
}
