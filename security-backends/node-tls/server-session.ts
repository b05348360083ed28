// One client of a TLS server: a session over an accepted stream socket.

import { type SecureContext, TLSSocket } from 'node:tls';
import { equalBytes } from '../../lib/bytes/index.ts';
import { parseCertificate } from '../../lib/crypto/index.ts';
import { type Negotiated, SocketError, type StreamSocket, notSupported } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { agreedOn, negotiatedFrom, sessionOf } from './agreed.ts';
import type { ClientChains } from './client-chains.ts';
import type { ClientKeys } from './client-keys.ts';
import type { TlsSettings } from './configuration.ts';
import type { ServerCredentials } from './server-credentials.ts';
import { SessionKeys } from './session-keys.ts';
import { TlsStream } from './tls-stream.ts';

/** What the server has for all its sessions. */
export interface ServerSide {
  readonly settings: TlsSettings;
  readonly credentials: ServerCredentials;
  readonly chains: ClientChains;
  /** Undefined: nobody resumes by a pre-shared key. */
  readonly clientKeys: ClientKeys | undefined;
}

/** Its context, and what `new TLSSocket` takes beside it. */
export interface ServerContext {
  readonly context: SecureContext;
  readonly options: object;
  /** What seals its tickets. */
  readonly ticketKey: Uint8Array | undefined;
}

/** Made by the server for each stream it accepts; the application has it once its client is let in. */
export class TlsServerSession extends TlsStream {
  readonly #side: ServerSide;
  /** Told when something came in: so the server knows who is idle. */
  #active: (() => void) | undefined;
  #ended: (() => void) | undefined;
  #keys: SessionKeys | undefined;
  #ticketKey: Uint8Array | undefined;
  #chain: readonly Uint8Array[] = [];

  constructor(side: ServerSide, environment: Environment) {
    super(side.settings, environment);
    this.#side = side;
  }

  connect(): Promise<void> {
    return Promise.reject(notSupported('connect', 'a session of a server is connected'));
  }

  override get remoteHostname(): string | undefined {
    return undefined;
  }

  /** Shakes hands with the client of `lower`, which becomes this session's. @throws SocketError; then all is closed */
  async begin(
    lower: StreamSocket,
    { context, options, ticketKey }: ServerContext,
    told: { readonly active: () => void; readonly ended: () => void },
  ): Promise<void> {
    this.lower = lower;
    this.#ticketKey = ticketKey;
    this.#ended = told.ended;
    if (this.settings.credential === 'psk') {
      const from = lower.remote ?? { address: '', port: 0 };
      this.#keys = new SessionKeys(this.#side.credentials, from, this.environment);
    }
    await this.open('connected', undefined, (signal) =>
      this.secureOver(lower, signal, {
        isServer: true,
        begin: (duplex) => {
          const keys = this.#keys;
          const psk = keys && { pskCallback: (_: unknown, identity: string) => keys.keyOf(identity) };
          return new TLSSocket(duplex, { ...options, ...psk, isServer: true, secureContext: context });
        },
        trust: (tls, chain) => this.#trust(tls, chain),
        agree: (tls) => this.#agree(tls),
      }),
    );
    this.adopt('accepted');
    this.#active = told.active;
  }

  protected override deliver(bytes: Uint8Array): void {
    this.#active?.();
    super.deliver(bytes);
  }

  /** Whether both clients showed the same identity or key. Who shows neither is nobody. */
  isSameAs(other: TlsServerSession): boolean {
    const [one, two] = [this.#shown, other.#shown];
    return one !== undefined && two !== undefined && equalBytes(one, two);
  }

  get #shown(): Uint8Array | undefined {
    return this.negotiated?.pskIdentity ?? this.negotiated?.peerPublicKey;
  }

  /** Gives way to another. */
  abandon(): void {
    this.fail(new SocketError('ECONNABORTED', 'the server has too many sessions, and this one was idle the longest'));
  }

  protected override release(): void {
    this.#keys?.close();
    super.release();
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
  }

  protected override overheard(bytes: Uint8Array): Promise<void> | undefined {
    return this.#keys?.overhear(bytes);
  }

  async #trust(tls: TLSSocket, shown: readonly Uint8Array[]): Promise<void> {
    const { credentials } = this.#side;
    if (this.#keys !== undefined && tls.getProtocol() === 'TLSv1.2') await this.#trustByKey(this.#keys, tls);
    if (!credentials.requiresCertificate) return;
    const [leaf] = shown;
    if (leaf === undefined) throw new SocketError('EPROTO', 'the client showed no certificate, which is required');
    const chain = tls.isSessionReused() ? await this.#side.chains.of(leaf) : shown;
    await credentials.judge(chain);
    this.#side.chains.remember(chain);
    this.#chain = chain;
  }

  async #trustByKey(keys: SessionKeys, tls: TLSSocket): Promise<void> {
    const isReused = tls.isSessionReused();
    if (isReused) await keys.resume(sessionOf(tls)?.pskIdentity);
    const { used, usedKey } = keys;
    const { clientKeys } = this.#side;
    if (used === undefined || usedKey === undefined || clientKeys === undefined) return;
    if (!isReused) return clientKeys.remember(used, usedKey);
    if (await clientKeys.mayResume(used, usedKey, this.#ticketKey)) return;
    throw new SocketError('EPROTO', 'the client used a session that was made by another key');
  }

  #agree(tls: TLSSocket): Negotiated {
    const agreed = agreedOn(tls, this.settings);
    if (this.#keys !== undefined) {
      const { used } = this.#keys;
      this.#keys.close();
      if (used === undefined) throw new SocketError('EPROTO', 'the client used a key that was not looked up');
      return negotiatedFrom(agreed, { pskIdentity: used });
    }
    const [leaf] = this.#chain;
    if (leaf === undefined) return negotiatedFrom(agreed, {});
    const peerPublicKey = parseCertificate(leaf).publicKey.spki.slice();
    return negotiatedFrom(agreed, { peerCertificates: this.#chain, peerPublicKey });
  }
}
