// A TLS client socket on node:tls, with a pre-shared key (RFC 4279, RFC 8446 §4.2.11) or certificates, over any stream socket.

import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls';
import { type CryptoProvider, parseCertificate } from '../../lib/crypto/index.ts';
import {
  type Cancellable,
  type Negotiated,
  type SessionStore,
  SocketError,
  type SslConfiguration,
  type StreamSocket,
  type TlsaRecord,
  type WritableOptions,
  notSupported,
  serverNameOf,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type Agreed, agreedOn, negotiatedFrom, notByKey } from './agreed.ts';
import { type TlsSettings, checkedTlsaRecords } from './configuration.ts';
import type { ClientCredentials } from './credentials.ts';
import { handshakeOptions } from './handshake-options.ts';
import type { StreamDuplex } from './stream-duplex.ts';
import { ClientSessions, type KeptSession } from './stored-sessions.ts';
import { TlsStream } from './tls-stream.ts';

/** What the backend makes a client socket from: checked and copied. */
export interface TlsClientSocketOptions extends Pick<SslConfiguration, 'serverName'> {
  readonly settings: TlsSettings;
  readonly credentials: ClientCredentials;
  readonly provider: CryptoProvider;
  readonly sessionStore: SessionStore | undefined;
  /** DANE records to begin with. */
  readonly tlsa: readonly TlsaRecord[];
  /** A closed socket of the layer below. */
  readonly makeLower: () => StreamSocket;
}

/** Made by the backend's `createSocket`. */
export class TlsClientSocket extends TlsStream {
  readonly #options: TlsClientSocketOptions;
  #tlsa: readonly TlsaRecord[];
  #sessions: ClientSessions | undefined;
  #disposed = false;

  constructor(options: TlsClientSocketOptions, environment: Environment) {
    super(options.settings, environment);
    this.#options = options;
    this.#tlsa = options.tlsa;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    await this.open('connected', options, async (signal) => {
      this.#checkUsable();
      const lower = (this.lower ??= this.#options.makeLower());
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
      this.lower = lower;
      return;
    }
    if (this.state !== 'closed') lower.close();
    else this.lower = lower;
    await this.open('connected', options, async (signal) => {
      this.#checkUsable();
      this.hostname = options?.host ?? lower.remoteHostname;
      await this.#handshake(lower, signal);
    });
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key !== 'daneTlsaRecords') return super.setOption(key, value);
    if (!this.#options.credentials.dane) {
      throw notSupported('setOption daneTlsaRecords', "it needs security.mode 'certificate' with `dane`");
    }
    this.#tlsa = checkedTlsaRecords(value, this.#options.credentials);
  }

  /** Closes for good: the key is zeroed, so this socket connects no more. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#disposed = true;
    this.#options.credentials.forget();
  }

  protected override mapError(error: Error): SocketError {
    this.#sessions?.remove();
    return super.mapError(error);
  }

  protected override release(): void {
    super.release();
    this.#sessions = undefined;
  }

  #checkUsable(): void {
    if (this.#disposed)
      throw new SocketError('EBADF', 'the socket was disposed, and its key with it', { fatal: false });
  }

  async #handshake(lower: StreamSocket, signal: AbortSignal): Promise<void> {
    const kept = await this.#keptSession(lower);
    const sessions = this.#sessions;
    const tickets = new Tickets();
    try {
      signal.throwIfAborted();
      await this.secureOver(lower, signal, {
        isServer: false,
        begin: (duplex) => this.#begin(duplex, kept, tickets),
        trust: (tls, chain) => this.#trust(tls, chain, kept),
        agree: (tls, chain) => this.#agree(tls, chain, kept, tickets),
      });
    } catch (error) {
      tickets.drop();
      if (kept !== undefined) sessions?.remove();
      throw error;
    } finally {
      kept?.session.fill(0);
    }
  }

  /** The session to offer, if there is one whose server we would trust today. */
  async #keptSession(lower: StreamSocket): Promise<KeptSession | undefined> {
    const { sessionStore, credentials, provider } = this.#options;
    const { remote } = lower;
    if (sessionStore === undefined || remote === undefined) return undefined;
    const place = {
      host: this.remoteHostname ?? remote.address,
      port: remote.port,
      serverName: serverNameOf(this.#wantedName),
      fingerprint: credentials.fingerprint(),
      tlsa: this.#tlsa,
    };
    this.#sessions = new ClientSessions(sessionStore, place, provider, this.environment);
    const kept = await this.#sessions.load();
    if (kept === undefined || credentials.credential === 'psk') return kept;
    try {
      await this.#judgeChain(kept.chain);
      return kept;
    } catch {
      kept.session.fill(0);
      this.#sessions.remove();
      return undefined; // the full handshake tells why
    }
  }

  #begin(duplex: StreamDuplex, kept: KeptSession | undefined, tickets: Tickets): TLSSocket {
    const identity = this.#options.credentials.options();
    const servername = serverNameOf(this.#wantedName)?.replace(/\.$/, '');
    const options: ConnectionOptions = {
      ...handshakeOptions(this.settings),
      ...identity,
      ca: [], // whom to trust is not OpenSSL's to decide
      checkServerIdentity: () => undefined,
      ...(servername !== undefined && { servername }),
      ...(kept !== undefined && { session: Buffer.from(kept.session.buffer) }),
    };
    this.settings.additionalConfiguration?.(options);
    try {
      const tls = connect({ ...options, socket: duplex });
      if (this.#sessions !== undefined) tls.on('session', (session) => tickets.take(session));
      return tls;
    } finally {
      identity.key?.fill(0);
    }
  }

  async #trust(tls: TLSSocket, chain: readonly Uint8Array[], kept: KeptSession | undefined): Promise<void> {
    if (this.settings.credential === 'psk') {
      if (chain.length > 0) throw notByKey();
      return;
    }
    // Who resumes was judged before the session was offered; nobody resumes what was not.
    if (!tls.isSessionReused()) await this.#judgeChain(chain);
    else if (kept === undefined) throw new SocketError('EPROTO', 'the server resumed a session that was not offered');
  }

  #agree(tls: TLSSocket, shown: readonly Uint8Array[], kept: KeptSession | undefined, tickets: Tickets): Negotiated {
    const agreed = agreedOn(tls, this.settings);
    const chain = agreed.resumed && kept !== undefined ? kept.chain : shown;
    const sessions = this.#sessions;
    if (sessions !== undefined) tickets.keep((session) => sessions.save(session, chain));
    return this.#negotiatedWith(agreed, chain);
  }

  #negotiatedWith(agreed: Agreed, chain: readonly Uint8Array[]): Negotiated {
    const { pskIdentity } = this.#options.credentials;
    if (pskIdentity !== undefined) return negotiatedFrom(agreed, { pskIdentity: pskIdentity.slice() });
    return negotiatedFrom(agreed, {
      peerCertificates: chain,
      peerPublicKey: parseCertificate(chain[0]!).publicKey.spki.slice(),
    });
  }

  async #judgeChain(chain: readonly Uint8Array[]): Promise<void> {
    const host = this.#wantedName ?? this.remote?.address ?? '';
    await this.#options.credentials.judge(chain, { host, tlsa: this.#tlsa });
  }

  get #wantedName(): string | undefined {
    return this.#options.serverName ?? this.remoteHostname;
  }
}

/** Sessions that node:tls tells of, held back until the server has been judged. */
class Tickets {
  #waiting: Buffer | undefined;
  #save: ((session: Uint8Array) => void) | undefined;

  take(session: Buffer): void {
    if (this.#save !== undefined) return this.#save(session);
    this.#waiting?.fill(0);
    this.#waiting = session;
  }

  /** The server was not let in: none is kept. */
  drop(): void {
    this.keep((session) => session.fill(0));
  }

  /** From now on each goes to `save`, which zeroes it. */
  keep(save: (session: Uint8Array) => void): void {
    this.#save = save;
    if (this.#waiting !== undefined) save(this.#waiting);
    this.#waiting = undefined;
  }
}
