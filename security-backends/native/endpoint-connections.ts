// Makes the connections of an endpoint: which kind of credential a handshake has, and all options that follow.

import { type CryptoProvider, defaultProvider, verifiedOnUse } from '../../lib/crypto/index.ts';
import { SocketError, literalFamily, udpOverhead } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { Credential } from './ciphersuites.ts';
import { DtlsClient, type DtlsClientOptions } from './client.ts';
import { type DtlsSettings, connectionIdOptions, dtlsSettings, resumptionSettings } from './configuration.ts';
import { DEFAULT_LIMITS, type DtlsJob, type DtlsOptions } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import type { EndpointCredentials } from './endpoint-credentials.ts';
import type { DtlsEndpointOptions, DtlsRole, EndpointLimits } from './endpoint-options.ts';
import type { EndpointSession } from './endpoint-session.ts';
import type { ClientHello } from './handshake-messages.ts';
import { credentialFor } from './hello-credential.ts';
import type { OfferedSession, ResumableSession } from './resumable-session.ts';
import { DtlsServer, type DtlsServerOptions } from './server.ts';
import { type ResumptionSettings, SessionResumption } from './session-resumption.ts';

const KINDS: readonly Credential[] = ['psk', 'certificate', 'rawPublicKey'];
const MESSAGE_ROOM = 1_024; // bytes of a Certificate message beside the chain itself, lengths and request included

/**
 * An endpoint may have credentials of several kinds; a session has one of them, which is settled before its connection
 * is made: by whoever calls, or by the client's hello. So the rule that no handshake of another kind is completed holds
 * for each connection as it does for each configuration.
 */
export class EndpointConnections {
  readonly provider: CryptoProvider;
  readonly #options: DtlsEndpointOptions;
  readonly #settings: ReadonlyMap<Credential, DtlsSettings>;
  readonly #suites: ReadonlyMap<Credential, readonly number[]>;
  readonly #credentials: EndpointCredentials;
  readonly #environment: Environment;
  readonly #limits: { readonly handshakeMessageBytes: number };
  readonly #resumable: ResumptionSettings | undefined;
  #kept: { readonly resumption: SessionResumption; readonly revision: number } | undefined;

  /** @throws SocketError ENOTSUP, EINVAL for options that cannot be met */
  constructor(
    options: DtlsEndpointOptions,
    limits: EndpointLimits,
    credentials: EndpointCredentials,
    environment: Environment,
  ) {
    this.provider = options.provider === undefined ? defaultProvider() : verifiedOnUse(options.provider);
    this.#options = options;
    this.#credentials = credentials;
    this.#resumable = resumptionSettings(options.resumption);
    this.#environment = environment;
    this.#settings = settingsByKind(options, this.provider, environment);
    this.#suites = new Map([...this.#settings].map(([kind, { ciphersuites }]) => [kind, ciphersuites]));
    const { maxCredentialBytes } = limits;
    const handshakeMessageBytes = Math.min(maxCredentialBytes + MESSAGE_ROOM, DEFAULT_LIMITS.handshakeMessageBytes);
    this.#limits = Object.freeze({ handshakeMessageBytes });
  }

  /** The kind a hello is answered with; one that nothing goes with is refused in the words of the first kind there is. */
  kindFor(hello: ClientHello): Credential {
    const kinds = this.#available('server');
    const served = new Map([...this.#suites].filter(([kind]) => kinds.includes(kind)));
    try {
      return credentialFor(hello, served) ?? kinds[0] ?? 'psk';
    } catch {
      return kinds[0] ?? 'psk'; // the handshake itself says what cannot be read
    }
  }

  /** The kind to call with. @throws SocketError EINVAL if there is no credential of that kind, or none at all */
  kindToCall(asked: Credential | undefined): Credential {
    const kinds = this.#available('client');
    const kind = asked ?? kinds[0];
    if (kind !== undefined && kinds.includes(kind)) return kind;
    const expected = asked === undefined ? 'a tag with a credential' : `a tag with a credential for ${asked}`;
    throw new SocketError('EINVAL', `credentials: expected ${expected}, found ${kinds.join(', ') || 'none'}`, {
      fatal: false,
    });
  }

  /** @throws SocketError */
  client(session: EndpointSession, mtu: number): DtlsClient {
    const { credential, serverName, remote } = session;
    const offered = session.resumable(this.#credentials.revision, this.#environment.clock.wallTime());
    const native: DtlsClientOptions = {
      ...this.#common(credential, mtu, remote.address, this.#ownId('client')),
      serverName,
      hasCertificate: this.#credentials.hasCertificate(credential),
      resumption: { offered },
    };
    this.#options.additionalConfiguration?.(native);
    return new DtlsClient(native);
  }

  /** @throws SocketError ENOTSUP without any credential for servers: then everybody is refused */
  server(session: EndpointSession, verified: VerifiedHello, mtu: number, ownId: Uint8Array): DtlsServer {
    const { credential, remote } = session;
    if (!this.#available('server').includes(credential)) {
      throw new SocketError('ENOTSUP', 'no tag of this endpoint has a credential for a server');
    }
    const native: DtlsServerOptions = {
      ...this.#common(credential, mtu, remote.address, ownId),
      ...(credential === 'certificate' ? this.#credentials.serverCertificate : {}),
      identityHint: credential === 'psk' ? this.#credentials.hint(session) : undefined,
      resumption: this.#resumption(),
      verified,
    };
    this.#options.additionalConfiguration?.(native);
    return new DtlsServer(native);
  }

  /** Takes a client's session into keeping, with its secret. */
  keep(offered: OfferedSession): void {
    const resumption = this.#resumption();
    if (resumption === undefined) offered.session.master.fill(0);
    else resumption.keep(offered);
  }

  /** The session that a client names, as a copy, if it can be resumed. */
  find({ sessionId, ticket }: Extract<DtlsJob, { readonly type: 'resumeSession' }>): ResumableSession | undefined {
    return this.#resumption()?.find(sessionId, ticket);
  }

  /** Nothing can be resumed any more. */
  forget(): void {
    this.#kept?.resumption.destroy();
    this.#kept = undefined;
  }

  // Ticket keys and kept sessions go with the credentials they were made with: no ticket outlives the key of its client.
  #resumption(): SessionResumption | undefined {
    const { revision } = this.#credentials;
    if (this.#resumable === undefined) return undefined;
    if (this.#kept?.revision !== revision) {
      this.forget();
      const resumption = new SessionResumption(this.#resumable, this.provider, this.#environment);
      this.#kept = { resumption, revision };
    }
    return this.#kept?.resumption;
  }

  /** Bytes of the ids that clients get of us; 0: none. */
  get serverIdBytes(): number {
    return this.#idBytes('server');
  }

  #ownId(role: DtlsRole): Uint8Array {
    return this.#environment.random.bytes(this.#idBytes(role));
  }

  #idBytes(role: DtlsRole): number {
    const [settings] = this.#settings.values();
    return settings?.connectionIds?.lengths[role] ?? 0;
  }

  #common(credential: Credential, mtu: number, address: string, ownId: Uint8Array): DtlsOptions {
    const settings = this.#settings.get(credential);
    if (settings === undefined) throw new SocketError('ENOTSUP', `no cipher suite is on for ${credential}`);
    return {
      ...settings,
      renegotiationInfo: this.#options.renegotiationInfo,
      provider: this.provider,
      limits: this.#limits,
      mtu: mtu - udpOverhead(literalFamily(address) ?? 'unspecified'),
      random: this.#environment.random,
      connectionId: connectionIdOptions(settings, ownId),
    };
  }

  #available(role: DtlsRole): readonly Credential[] {
    return this.#credentials.kinds(role).filter((kind) => this.#settings.has(kind));
  }
}

/** Kinds for which there is no cipher suite are left out. @throws SocketError if that is all of them */
function settingsByKind(
  options: DtlsEndpointOptions,
  provider: CryptoProvider,
  { log }: Environment,
): ReadonlyMap<Credential, DtlsSettings> {
  const settings = new Map<Credential, DtlsSettings>();
  let refusal: unknown;
  for (const kind of KINDS) {
    try {
      const ofKind = dtlsSettings(options, kind, provider, log);
      if (ofKind.ciphersuites.length > 0) settings.set(kind, ofKind);
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'ENOTSUP') throw error;
      refusal ??= error;
    }
  }
  if (settings.size === 0) throw refusal;
  return settings;
}
