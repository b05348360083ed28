// Chapter 4, resumption: a session is kept in the store that the configuration names, and offered the next time.

import { loadPsk } from '../../lib/crypto/index.ts';
import { days, toHex } from '../../lib/index.ts';
import {
  type DatagramSocket,
  type PskSecurity,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
  StoredSession,
  TlsAlertError,
  hashOfPlace,
  serverNameOf,
} from '../../lib/net/index.ts';
import {
  type DtlsClientOptions,
  type DtlsOutput,
  type OfferedSession,
  decodeOffered,
  encodeOffered,
} from '../../security-backends/native/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { PSK_CAPABILITIES, provider, pskCredentials } from './2-psk.ts';
import { AFTER_CHAPTER_4, type Chapter, type Credentials, backendOf } from './chapter.ts';
import { BufferedSocket } from './3-buffers-and-mtu.ts';

export interface ResumableCredentials extends Credentials {
  /** Tells nothing of the credentials, and is another one when they are: whoever has others finds no session. */
  readonly fingerprint: Uint8Array;
}

export function resumablePsk(security: PskSecurity): ResumableCredentials {
  const { identity, key } = loadPsk(security);
  const fingerprint = provider.hmac('sha256', key.bytes, identity);
  key.close();
  return { ...pskCredentials(security), fingerprint };
}

export class ResumingSocket<C extends ResumableCredentials = ResumableCredentials> extends BufferedSocket<C> {
  #stored: StoredSession | undefined;
  #offered: OfferedSession | undefined;

  override get sessionResumed(): boolean {
    return this.negotiated?.resumed === true;
  }

  protected override async shakeHands(
    lower: DatagramSocket,
    host: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    this.#stored = this.#storedFor(lower, host);
    this.#offered = await this.#load();
    if (signal.aborted) this.#forgetOffered();
    signal.throwIfAborted();
    await super.shakeHands(lower, host, signal);
  }

  protected override clientOptions(lower: DatagramSocket): DtlsClientOptions {
    const resumption = this.#stored === undefined ? undefined : { offered: this.#offered };
    return { ...super.clientOptions(lower), resumption };
  }

  protected override handle(output: DtlsOutput): void {
    if (output.kind === 'connected') this.#forgetOffered();
    if (output.kind === 'resumable') this.#keep(output.session);
    else super.handle(output);
  }

  /** RFC 5246 §7.2.2: what ended by a fatal alert is not resumed; nor is what could not be. */
  protected override ended(cause: SocketError | undefined): void {
    if (cause instanceof TlsAlertError || (this.state === 'connecting' && this.#offered !== undefined)) {
      this.#stored?.remove();
    }
    super.ended(cause);
  }

  protected override release(): void {
    super.release();
    this.#forgetOffered();
    this.#stored = undefined;
  }

  /** Milliseconds since 1970. RFC 5246 §F.1.4: at most a day. */
  protected validUntil(_offered: OfferedSession): number {
    return this.environment.clock.wallTime() + days(1);
  }

  #storedFor(lower: DatagramSocket, host: string | undefined): StoredSession | undefined {
    const { sessionStore, serverName } = this.made.configuration;
    if (sessionStore === undefined || lower.remote === undefined) return undefined;
    const place = {
      host: host ?? lower.remote.address,
      port: lower.remote.port,
      serverName: serverNameOf(serverName ?? host),
      tlsa: this.tlsa,
      fingerprint: this.made.credentials.fingerprint,
    };
    return new StoredSession(sessionStore, `custom-${toHex(hashOfPlace(place, provider))}`, this.environment.log);
  }

  async #load(): Promise<OfferedSession | undefined> {
    const bytes = await this.#stored?.load();
    if (bytes === undefined) return undefined;
    try {
      const offered = decodeOffered(bytes);
      if (this.environment.clock.wallTime() < offered.session.validUntil) return offered;
      offered.session.master.fill(0);
    } catch {
      this.environment.log.warn('the stored session is none: a full handshake');
    }
    this.#stored?.remove();
    return undefined;
  }

  /** The store's bytes are a copy; the secret that the stack gave is zeroed. */
  #keep(offered: OfferedSession): void {
    const session = { ...offered.session, validUntil: this.validUntil(offered) };
    this.#stored?.save(encodeOffered({ ...offered, session }));
    offered.session.master.fill(0);
  }

  /** Used up, one way or the other. */
  #forgetOffered(): void {
    this.#offered?.session.master.fill(0);
    this.#offered = undefined;
  }
}

export const RESUMPTION_CAPABILITIES = { ...PSK_CAPABILITIES, resumption: true } as const;

export function onlyResumablePsk({ security }: SslConfiguration): ResumableCredentials {
  if (security.mode !== 'psk') throw new SocketError('ENOTSUP', `security.mode: expected psk, found ${security.mode}`);
  return resumablePsk(security);
}

export function resuming(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<ResumableCredentials>['make'] = (environment, made) => new ResumingSocket(environment, made);
  const load = onlyResumablePsk;
  const chapter = { name: 'chapter 4', capabilities: RESUMPTION_CAPABILITIES, later: AFTER_CHAPTER_4, load, make };
  return backendOf(chapter, options);
}
