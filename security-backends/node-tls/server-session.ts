// One client of a TLS server: a session over an accepted stream socket.

import { type SecureContext, TLSSocket } from 'node:tls';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type Secret, parseCertificate } from '../../lib/crypto/index.ts';
import { type Endpoint, type Negotiated, SocketError, type StreamSocket, notSupported } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type Agreed, agreedOn, negotiatedFrom } from './agreed.ts';
import type { TlsSettings } from './configuration.ts';
import type { ServerCredentials } from './server-credentials.ts';
import { TlsStream } from './tls-stream.ts';

/** What the server has for all its sessions. */
export interface ServerSide {
  readonly settings: TlsSettings;
  readonly credentials: ServerCredentials;
  /** The chain that a client with this leaf has shown before, for those who resume. */
  knownChain(leaf: Uint8Array): readonly Uint8Array[] | undefined;
  /** Told of each chain that was let in. */
  remember(chain: readonly Uint8Array[]): void;
}

/** Its context, and what `new TLSSocket` takes beside it. */
export interface ServerContext {
  readonly context: SecureContext;
  readonly options: object;
}

/** Made by the server for each stream it accepts; the application has it once its client is let in. */
export class TlsServerSession extends TlsStream {
  readonly #side: ServerSide;
  /** Told when something came in: so the server knows who is idle. */
  #active: (() => void) | undefined;
  #ended: (() => void) | undefined;
  #keys: Secret[] = [];
  #identity: string | undefined;
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
    { context, options }: ServerContext,
    told: { readonly active: () => void; readonly ended: () => void },
  ): Promise<void> {
    this.lower = lower;
    this.#ended = told.ended;
    await this.open('connected', undefined, (signal) =>
      this.secureOver(lower, signal, {
        isServer: true,
        begin: (duplex) => {
          const psk = this.settings.credential === 'psk' ? { pskCallback: this.#keyOf } : {};
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

  /** Gives way to another. */
  abandon(): void {
    this.fail(new SocketError('ECONNABORTED', 'the server has too many sessions, and this one was idle the longest'));
  }

  protected override release(): void {
    for (const key of this.#keys) key.close();
    this.#keys = [];
    super.release();
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
  }

  readonly #keyOf = (_socket: unknown, identity: string): Uint8Array | null => {
    const { credentials } = this.#side;
    this.#identity = undefined;
    // Node decodes the identity: bytes that are no UTF-8 have become U+FFFD, and tickets come this way too.
    if (!isText(identity)) {
      this.environment.log.info({ from: this.remote }, 'PSK identity refused: expected text, found other bytes');
      return null;
    }
    const from: Endpoint = this.remote ?? { address: '', port: 0 };
    const key = this.#lookedUp(identity, from);
    if (key === null) return null;
    if (key === undefined) return credentials.hidesIdentities ? this.environment.random.bytes(32) : null;
    this.#keys.push(key);
    this.#identity = identity;
    return key.bytes;
  };

  #lookedUp(identity: string, from: Endpoint): Secret | undefined | null {
    try {
      return this.#side.credentials.lookup(identity, from);
    } catch (error) {
      this.environment.log.error({ from, error }, 'the PSK look-up failed');
      return null;
    }
  }

  async #trust(tls: TLSSocket, shown: readonly Uint8Array[]): Promise<void> {
    const { credentials } = this.#side;
    if (!credentials.requiresCertificate) return;
    const [leaf] = shown;
    if (leaf === undefined) throw new SocketError('EPROTO', 'the client showed no certificate, which is required');
    const chain = tls.isSessionReused() ? (this.#side.knownChain(leaf) ?? shown) : shown; // a ticket has the leaf alone
    await credentials.judge(chain);
    this.#side.remember(chain);
    this.#chain = chain;
  }

  #agree(tls: TLSSocket): Negotiated {
    const agreed = agreedOn(tls, this.settings);
    if (this.settings.credential === 'psk') return negotiatedFrom(agreed, { pskIdentity: this.#identityOf(agreed) });
    const [leaf] = this.#chain;
    if (leaf === undefined) return negotiatedFrom(agreed, {});
    const peerPublicKey = parseCertificate(leaf).publicKey.spki.slice();
    return negotiatedFrom(agreed, { peerCertificates: this.#chain, peerPublicKey });
  }

  /** A resumed session names the identity it came from, which must still have a key. */
  #identityOf(agreed: Agreed): Uint8Array {
    if (!agreed.resumed && this.#identity !== undefined) return utf8Encode(this.#identity);
    const { pskIdentity } = agreed;
    const from: Endpoint = this.remote ?? { address: '', port: 0 };
    const key = pskIdentity && this.#lookedUp(utf8Decode(pskIdentity), from);
    if (pskIdentity === undefined || key === undefined || key === null) {
      throw new SocketError('EPROTO', 'the client used a session of an identity that is not known any more');
    }
    key.close();
    return pskIdentity;
  }
}

/** Not empty, without control characters, and nothing that Node could not decode. */
function isText(identity: unknown): identity is string {
  return typeof identity === 'string' && identity !== '' && !/[\p{Cc}\ufffd]/u.test(identity);
}
