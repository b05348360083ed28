// What a TLS client and a session of a server share: a TLSSocket over any stream socket, heard only once it is judged.

import type { TLSSocket } from 'node:tls';
import {
  type Endpoint,
  type Negotiated,
  SocketError,
  type StreamSocket,
  TlsAlertError,
  untilAborted,
} from '../../lib/net/index.ts';
import { NodeStreamCore } from '../../lib/net/node/index.ts';
import { type Environment, type Timer, formatDuration, later } from '../../lib/runtime/index.ts';
import { type TlsSettings, suiteName } from './configuration.ts';
import { chainOf } from './agreed.ts';
import { FlightGate, clientRecord, serverRecord } from './flight-gate.ts';
import { RecordWatch } from './record-watch.ts';
import { StreamDuplex } from './stream-duplex.ts';
import { alertFor, fromTlsError } from './tls-errors.ts';

const MOST_RENEGOTIATIONS = 16; // asked for: each is refused by an alert, which would wait for who does not read

/** What the roles do differently. */
export interface Handshake {
  readonly isServer: boolean;
  /** Makes the TLSSocket. */
  readonly begin: (duplex: StreamDuplex) => TLSSocket;
  /** Whether the peer that showed `chain` is let in. @throws CertificateRefusedError, DecodeError, SocketError */
  readonly trust: (tls: TLSSocket, chain: readonly Uint8Array[]) => Promise<void>;
  /** What was agreed on. @throws SocketError EPROTO if that is not what the configuration asks for */
  readonly agree: (tls: TLSSocket, chain: readonly Uint8Array[]) => Negotiated;
}

/** Time is OpenSSL's own, but for the limit of the handshake. */
export abstract class TlsStream extends NodeStreamCore {
  override readonly secure = true;
  protected readonly settings: TlsSettings;
  protected lower: StreamSocket | undefined;
  #records = new RecordWatch();
  /** Records of the handshake. */
  #shakes = 0;
  #tls: TLSSocket | undefined;
  #limit: Timer | undefined;
  #negotiated: Negotiated | undefined;
  #sentBefore = 0n;
  #receivedBefore = 0n;

  constructor(settings: TlsSettings, environment: Environment) {
    super(environment, settings.socket);
    this.settings = settings;
  }

  override get mtu(): number {
    return this.lower?.getOption('mtu') ?? super.mtu;
  }

  override get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  override get sessionResumed(): boolean {
    return this.#negotiated?.resumed === true;
  }

  override get bytesSent(): bigint {
    return this.#sentBefore + (this.lower?.getOption('bytesSent') ?? 0n);
  }

  override get bytesReceived(): bigint {
    return this.#receivedBefore + (this.lower?.getOption('bytesReceived') ?? 0n);
  }

  override get system(): unknown {
    return this.lower?.system;
  }

  override get local(): Endpoint | undefined {
    return this.lower?.local;
  }

  override get remote(): Endpoint | undefined {
    return this.lower?.remote;
  }

  override get interfaceName(): string | undefined {
    return this.lower?.interfaceName ?? super.interfaceName;
  }

  /** Shakes hands over `lower`. Until its trust has been given, the peer gets no Finished of ours, and its data is not read. */
  protected async secureOver(lower: StreamSocket, signal: AbortSignal, handshake: Handshake): Promise<void> {
    const { clock, timers } = this.environment;
    const { handshakeLimit } = this.settings;
    this.#limit = timers.at(later(clock.now(), handshakeLimit), () =>
      this.fail(new SocketError('ETIMEDOUT', `the handshake took longer than ${formatDuration(handshakeLimit)}`)),
    );
    const held = signalled();
    const gate = new FlightGate((record) => this.#decide(handshake, record), held.resolve);
    const duplex = this.#duplexOver(lower, gate);
    const tls = handshake.begin(duplex);
    this.#tls = tls;
    const done = this.#shaken(tls);
    await untilAborted(signal, () => Promise.race([held.promise, done]));
    const chain = chainOf(tls);
    await this.#trusted(handshake, tls, chain, duplex);
    signal.throwIfAborted();
    duplex.openGate();
    await untilAborted(signal, () => done);
    this.#negotiated = handshake.agree(tls, chain);
    this.#shakes = this.#records.handshakes;
    this.#limit?.cancel();
    for (const event of ['end', 'close']) tls.off(event, this.#leftEarly);
    this.#tls = undefined;
    this.attach(tls);
  }

  #decide({ isServer }: Handshake, record: Uint8Array): ReturnType<typeof clientRecord> {
    if (!isServer) return clientRecord(record);
    return this.#tls?.getProtocol() === 'TLSv1.2' ? serverRecord(record) : 'pass';
  }

  /** @throws TlsAlertError of what we said to a peer that is not trusted; SocketError ETLS where it was too late to say it */
  async #trusted(
    { trust }: Handshake,
    tls: TLSSocket,
    chain: readonly Uint8Array[],
    duplex: StreamDuplex,
  ): Promise<void> {
    try {
      await trust(tls, chain);
    } catch (error) {
      const description = alertFor(error);
      if (!(error instanceof Error) || description === undefined) throw error;
      throw duplex.refuse(description)
        ? new TlsAlertError({ level: 'fatal', description, direction: 'sent' }, error.message, { cause: error })
        : new SocketError('ETLS', error.message, { cause: error });
    }
  }

  /** What the peer sends during the handshake, before OpenSSL has it: a promise holds it up. */
  protected overheard(bytes: Uint8Array): Promise<void> | undefined {
    void bytes;
    return undefined;
  }

  protected override deliver(bytes: Uint8Array): void {
    this.#records.delivered(bytes);
    super.deliver(bytes);
  }

  protected override mapError(error: Error): SocketError {
    return fromTlsError(error);
  }

  /** Where the peer sends no more, but did not say so, its last words may have been cut off. */
  protected override inputEnded(): void {
    const { version, ciphersuite } = this.#negotiated ?? {};
    const suite = this.settings.suites.find(({ id }) => id === ciphersuite);
    const tagBytes = suite?.standardName.includes('CCM_8') === true ? 8 : 16;
    if (this.#records.endedByAlert(version === 'TLS1.2' ? 'TLS1.2' : 'TLS1.3', tagBytes)) return super.inputEnded();
    this.fail(new SocketError('EOF', 'the stream ended without close_notify: its end may have been cut off'));
  }

  protected release(): void {
    this.detach();
    this.#limit?.cancel();
    this.#tls?.removeAllListeners().on('error', () => undefined);
    this.#tls?.destroy();
    this.#tls = undefined;
    const { lower } = this;
    this.lower = undefined;
    if (lower !== undefined) {
      lower.handler = undefined;
      this.#sentBefore += lower.getOption('bytesSent');
      this.#receivedBefore += lower.getOption('bytesReceived');
      lower.close();
    }
    this.#negotiated = undefined;
    this.hostname = undefined;
  }

  #duplexOver(lower: StreamSocket, gate: FlightGate): StreamDuplex {
    const records = new RecordWatch();
    this.#records = records;
    const events = {
      arrived: (bytes: Uint8Array) => {
        records.take(bytes);
        if (this.#negotiated === undefined) return this.overheard(bytes);
        if (records.handshakes - this.#shakes > MOST_RENEGOTIATIONS)
          this.fail(new SocketError('EPROTO', 'the peer asks for a renegotiation again and again'));
        return undefined;
      },
      closed: (cause: SocketError | undefined) =>
        this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
    };
    return new StreamDuplex(lower, events, gate);
  }

  /** Resolves when the handshake is done. What goes wrong, then and until the verdict, fails this socket. */
  #shaken(tls: TLSSocket): Promise<void> {
    const { keyLog } = this.settings;
    if (keyLog !== undefined) tls.on('keylog', (line) => keyLog(line.toString('latin1').trimEnd()));
    // A server's TLSSocket that no tls.Server has made tells what goes wrong later by `_tlsError` alone.
    for (const event of ['error', '_tlsError']) tls.on(event, (error: Error) => this.#went(error));
    for (const event of ['end', 'close']) tls.on(event, this.#leftEarly);
    return new Promise((resolve) => {
      // Of clients and servers alike, where `secureConnect` is of clients alone.
      tls.once('secure', resolve);
    });
  }

  #went(error: Error): void {
    this.fail(this.#negotiated === undefined ? fromTlsError(error, this.#offer) : this.mapError(error));
  }

  readonly #leftEarly = (): void => this.fail(new SocketError('ECONNRESET', 'the peer closed during the handshake'));

  /** What the peer could have chosen from: it is all that can be told where node:tls does not tell what the peer offered. */
  get #offer(): string {
    const { versions, suites, alpn } = this.settings;
    const protocols = alpn.length === 0 ? '' : `, application protocols ${alpn.join(', ')}`;
    return `ours: ${versions.join(', ')}, cipher suites ${suites.map(({ id }) => suiteName(id)).join(', ')}${protocols}`;
  }
}

interface Signalled {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function signalled(): Signalled {
  let resolve: (() => void) | undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve: () => resolve?.() };
}
