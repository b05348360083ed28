// What the datagram and the stream socket share: one connection after the other to the server that a configuration means.

import { type CryptoProvider, type WantedServer, parseCertificate } from '../../lib/crypto/index.ts';
import {
  type Endpoint,
  type HandshakeTimeouts,
  type Negotiated,
  type SocketError,
  TlsAlertError,
  type TlsaRecord,
  serverNameOf,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type OpenSslSettings, patienceOf } from './configuration.ts';
import { SslConnection } from './connection.ts';
import type { ClientCredentials } from './credentials.ts';
import { ConnectionDriver } from './driver.ts';
import type { OpenSsl } from './library.ts';
import { ClientSessions, type KeptSession } from './sessions.ts';

/** What a socket is made from: loaded, checked and copied. */
export interface ClientOptions {
  readonly library: OpenSsl;
  readonly settings: OpenSslSettings;
  readonly credentials: ClientCredentials;
  readonly provider: Pick<CryptoProvider, 'hash'>;
  /** DANE records to begin with. */
  readonly tlsa: readonly TlsaRecord[];
}

/** What comes of a connection. */
export interface ChannelEvents {
  /** Records for below, one after the other. */
  transmit(bytes: Uint8Array): void;
  /** Application data, the receiver's to keep. */
  data(bytes: Uint8Array): void;
  /** The peer has ended its side in order. */
  ended(): void;
  /** The last event. */
  failed(cause: SocketError): void;
}

export interface Target {
  /** The name given to `connect` or `decorate`, if any. */
  readonly host: string | undefined;
  readonly remote: Endpoint | undefined;
  /** Largest datagram below, in bytes. */
  readonly mtu: number;
}

/** At most one connection at a time. */
export class ClientChannel {
  tlsa: readonly TlsaRecord[];
  readonly #options: ClientOptions;
  readonly #environment: Environment;
  readonly #events: ChannelEvents;
  #timeouts: HandshakeTimeouts;
  #driver: ConnectionDriver | undefined;
  #sessions: ClientSessions | undefined;
  /** What was offered, its secret gone; undefined: nothing was. */
  #offered: KeptSession | undefined;
  #negotiated: Negotiated | undefined;

  constructor(options: ClientOptions, environment: Environment, events: ChannelEvents) {
    this.#options = options;
    this.#environment = environment;
    this.#events = events;
    this.#timeouts = options.settings.timeouts;
    this.tlsa = options.tlsa;
  }

  /** Of the present connection, or of the last. */
  get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  /** Whether input has a use now: else it is to be left below until `wanted`. */
  get takesInput(): boolean {
    return this.#driver?.takesInput ?? false;
  }

  /** Largest message that leaves in one datagram, in bytes; 0 without a connection. */
  get dataMtu(): number {
    return this.#driver?.dataMtu ?? 0;
  }

  set timeouts(timeouts: HandshakeTimeouts) {
    this.#timeouts = timeouts;
    this.#driver?.setTimeouts(timeouts);
  }

  /**
   * Resolves when connected. What fails in the handshake is told by `failed`, and the promise stays open.
   * @param wanted called when input that was left below has a use again
   * @throws SocketError for what OpenSSL does not take
   */
  async open(target: Target, signal: AbortSignal, wanted: () => void): Promise<void> {
    this.#negotiated = undefined;
    this.#sessions = this.#sessionsFor(target);
    const kept = await this.#keptSession(target);
    if (signal.aborted) kept?.session.fill(0);
    signal.throwIfAborted();
    const connection = this.#connection(target, kept);
    return new Promise((resolve) => {
      this.#driver = this.#drive(connection, target, wanted, resolve);
      this.#driver.start();
    });
  }

  receive(bytes: Uint8Array): void {
    this.#driver?.receive(bytes);
  }

  /** @throws SocketError */
  send(bytes: Uint8Array): void {
    this.#driver?.send(bytes);
  }

  endOutput(): void {
    this.#driver?.endOutput();
  }

  /** Says close_notify if there is a session, and frees everything of it; no event follows. */
  close(): void {
    const driver = this.#driver;
    this.#driver = undefined;
    driver?.close();
  }

  #connection(target: Target, kept: KeptSession | undefined): SslConnection {
    const { library, settings, credentials } = this.#options;
    const { transport, versions, alpn, maxFragmentLength, serverName, keyLog, additionalConfiguration } = settings;
    const native = { ...settings.native };
    additionalConfiguration?.(native);
    this.#offered = kept;
    try {
      return new SslConnection(library, {
        transport,
        versions,
        native,
        credential: credentials,
        serverName: serverNameOf(serverName ?? target.host),
        alpn,
        maxFragmentLength,
        timeouts: this.#timeouts,
        mtu: target.mtu,
        keyLog: keyLog !== undefined,
        resumption: this.#sessions && { session: kept?.session },
      });
    } finally {
      kept?.session.fill(0);
    }
  }

  /** The session to offer, if there is one whose server we would trust today. */
  async #keptSession(target: Target): Promise<KeptSession | undefined> {
    const { credentials } = this.#options;
    const kept = await this.#sessions?.load();
    if (kept === undefined || credentials.mode === 'psk') return kept;
    try {
      await credentials.judge(kept.chain, this.#wanted(target));
      return kept;
    } catch {
      kept.session.fill(0);
      this.#sessions?.remove();
      return undefined; // the full handshake tells why
    }
  }

  #wanted({ host, remote }: Target): WantedServer {
    return { host: this.#options.settings.serverName ?? host ?? remote?.address ?? '', tlsa: this.tlsa };
  }

  /** With what the server has shown: when a session is resumed, that was before. */
  #identified(negotiated: Negotiated): Negotiated {
    const shown = negotiated.resumed === true ? this.#offered?.chain : negotiated.peerCertificates;
    const [leaf] = shown ?? [];
    if (shown === undefined || leaf === undefined) return negotiated;
    return { ...negotiated, peerCertificates: shown, peerPublicKey: parseCertificate(leaf).publicKey.spki.slice() };
  }

  #drive(connection: SslConnection, target: Target, wanted: () => void, connected: () => void): ConnectionDriver {
    const { settings, credentials } = this.#options;
    const events = {
      transmit: (bytes: Uint8Array) => this.#events.transmit(bytes),
      data: (bytes: Uint8Array) => this.#events.data(bytes),
      ended: () => this.#events.ended(),
      judge: (chain: readonly Uint8Array[]) => credentials.judge(chain, this.#wanted(target)),
      wanted,
      keyLog: (line: string) => settings.keyLog?.(line),
      session: (der: Uint8Array) => this.#keep(der),
      connected: (negotiated: Negotiated) => {
        this.#negotiated = this.#identified(negotiated);
        connected();
      },
      failed: (cause: SocketError) => {
        // RFC 5246 §7.2.2: fatal alerts end a session for good; so does one that could not be resumed.
        if (cause instanceof TlsAlertError || (this.#offered !== undefined && this.#negotiated === undefined))
          this.#sessions?.remove();
        this.#driver = undefined;
        this.#events.failed(cause);
      },
    };
    const { tries, requireExtendedMasterSecret, transport } = settings;
    // A stream repeats nothing by itself, so no flight tells that the peer is silent.
    const handshakeLimit = transport === 'stream' ? patienceOf(this.#timeouts, tries) : undefined;
    const options = { transport, tries, handshakeLimit, requireExtendedMasterSecret };
    return new ConnectionDriver(connection, this.#environment, events, options);
  }

  #keep(der: Uint8Array): void {
    const { version, resumed, peerCertificates = [] } = this.#negotiated ?? {};
    if (version === undefined || this.#sessions === undefined) return void der.fill(0);
    // A session that goes on from another ends with it: keys are agreed on anew once a day.
    const limit = resumed === true ? this.#offered?.validUntil : undefined;
    this.#sessions.save(der, { version, chain: peerCertificates, limit });
  }

  #sessionsFor({ host, remote }: Target): ClientSessions | undefined {
    const { settings, credentials, provider } = this.#options;
    if (settings.sessionStore === undefined || remote === undefined) return undefined;
    const place = {
      host: host ?? remote.address,
      port: remote.port,
      serverName: serverNameOf(settings.serverName ?? host),
      fingerprint: credentials.fingerprint(),
      tlsa: this.tlsa,
    };
    return new ClientSessions(settings.sessionStore, settings.transport, place, provider, this.#environment);
  }
}
