// One client connection of OpenSSL between two memory BIOs: bytes in, bytes out, and no socket, timer or promise.

import { equalBytes } from '../../lib/bytes/index.ts';
import { type HandshakeTimeouts, type Negotiated, type SecurityVersion, SocketError } from '../../lib/net/index.ts';
import { type Duration, milliseconds } from '../../lib/runtime/index.ts';
import { type CallbackOwner, type Callbacks, type Verdict, callbacksOf } from './callbacks.ts';
import {
  BIO_CTRL,
  GROUP_NAMES,
  SSL_CTRL,
  SSL_ERROR,
  SSL_OP,
  SSL_VERIFY_PEER,
  VERIFY_ERRORS,
  VERSION_NUMBERS,
} from './constants.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { contextOf } from './contexts.ts';
import { type SeenAlert, failureOf, queuedReasons } from './errors.ts';
import type { Pointer } from './functions.ts';
import type { OpenSsl } from './library.ts';
import { derOf, drained, fromDer, memoryBio, outOfMemory } from './native-memory.ts';

/** How far OpenSSL came: it is done, waits for bytes, waits for a verdict, the peer has ended, or it failed. */
export type Progress = 'done' | 'wait' | 'judge' | 'end' | SocketError;

const LARGEST_PLAINTEXT = 16_384; // RFC 5246 §6.2.1
const MICROSECONDS = 1000; // in a millisecond
const FRAGMENT_LENGTHS = [512, 1024, 2048, 4096]; // RFC 6066 §4: codes 1 to 4
const LONGEST_HINT = 256; // PSK_MAX_IDENTITY_LEN

// Nothing stays in these beyond the call that fills them. A record of no bytes is a message too: its length is told apart.
const scratch = new Uint8Array(LARGEST_PLAINTEXT);
const scratchLength = new BigUint64Array(1); // a size_t
const scratchLengthBytes = new Uint8Array(scratchLength.buffer);

/** Owned by its driver, which calls `free` exactly once. */
export class SslConnection implements CallbackOwner {
  /** Lines for the key log, and sessions (DER) for the store: taken and emptied by the driver after each call. */
  readonly keyLogLines: string[] = [];
  readonly sessions: Uint8Array[] = [];
  /** The chain that waits for a verdict, and then the one that got it. DER, leaf first. */
  chain: readonly Uint8Array[] | undefined;
  /** How often the present flight was sent. */
  flights = 0;
  /** How many flights there have been: it rises where the peer's messages led on. */
  progress = 0;
  readonly #library: OpenSsl;
  readonly #callbacks: Callbacks;
  readonly #options: ConnectionOptions;
  readonly #ssl: Pointer;
  readonly #input: Pointer;
  readonly #output: Pointer;
  #verdict: Verdict = 'later';
  #timeouts: HandshakeTimeouts;
  #alert: SeenAlert | undefined;
  #refusal: string | undefined;
  #error: unknown;
  #offeredSession = false;
  #established = false;

  /** @throws SocketError ENOBUFS; ENOTSUP or EINVAL for options that OpenSSL does not take */
  constructor(library: OpenSsl, options: ConnectionOptions) {
    this.#library = library;
    this.#callbacks = callbacksOf(library);
    this.#options = options;
    this.#timeouts = options.timeouts;
    this.#ssl = library.SSL_new(contextOf(library, options.transport, options.keyLog)) ?? fail();
    this.#callbacks.owners.set(this.#ssl, this);
    try {
      this.#input = memoryBio(library);
      this.#output = this.#attachedOutput();
      this.#configure();
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Zeroes and gives back everything; nothing may be called afterwards. */
  free(): void {
    this.#callbacks.owners.delete(this.#ssl);
    this.#library.SSL_free(this.#ssl); // with its BIOs
  }

  setTimeouts(timeouts: HandshakeTimeouts): void {
    this.#timeouts = timeouts;
  }

  // Bytes.

  /** What came from below: one datagram, or a piece of the stream. */
  feed(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#library.BIO_write(this.#input, bytes, bytes.length);
  }

  /** What is for below, of all calls since the last time: records one after the other. */
  output(): Uint8Array {
    return drained(this.#library, this.#output);
  }

  /** Goes on with the handshake. */
  handshake(): Progress {
    this.#library.ERR_clear_error();
    const result = this.#library.SSL_do_handshake(this.#ssl);
    if (result !== 1) return this.#progress(result);
    this.#established = true;
    return 'done';
  }

  /** The next record's plaintext, the caller's to keep. */
  read(): Uint8Array | Exclude<Progress, 'done'> {
    this.#library.ERR_clear_error();
    const result = this.#library.SSL_read_ex(this.#ssl, scratch, scratch.length, scratchLengthBytes);
    if (result !== 1) return this.#progress(result);
    const length = Number(scratchLength[0]);
    const bytes = scratch.slice(0, length);
    scratch.fill(0, 0, length);
    return bytes;
  }

  /** @throws SocketError what OpenSSL refuses, which is the connection's end */
  write(bytes: Uint8Array): void {
    this.#library.ERR_clear_error();
    const result = this.#library.SSL_write(this.#ssl, bytes, bytes.length);
    if (result === bytes.length) return;
    const progress = this.#progress(result);
    throw progress instanceof SocketError ? progress : new SocketError('ETLS', `OpenSSL does not write (${progress})`);
  }

  /** Says close_notify, if there is a session. */
  sayGoodbye(): void {
    if (!this.#established) return;
    this.#library.ERR_clear_error();
    this.#library.SSL_shutdown(this.#ssl);
    this.#library.ERR_clear_error();
  }

  #progress(result: number): Exclude<Progress, 'done'> {
    const { ssl, zeroReturn, wantRead, wantWrite, wantRetryVerify, syscall } = SSL_ERROR;
    const kind = this.#library.SSL_get_error(this.#ssl, result);
    const reasons = queuedReasons(this.#library);
    if (this.#error !== undefined) return asFailure(this.#error);
    if (kind === wantRead || kind === wantWrite) return 'wait';
    if (kind === wantRetryVerify) return 'judge';
    if (kind === zeroReturn) return 'end';
    if (kind === ssl || kind === syscall) return this.#failed(reasons);
    return new SocketError('ETLS', `OpenSSL waits for what is not here (${kind})`);
  }

  #failed(reasons: string): SocketError {
    const said = this.#refusal ?? reasons;
    const where = this.#established ? '' : `, while ${this.#library.SSL_state_string_long(this.#ssl) ?? 'connecting'}`;
    return failureOf(this.#alert, said === '' ? '' : `${said}${where}`);
  }

  // The peer's certificates.

  /** Answers the chain that waits. @param reason of a refusal, for people */
  giveVerdict(verdict: Exclude<Verdict, 'later'>, reason?: string): void {
    this.#verdict = verdict;
    this.#refusal = reason;
  }

  // Timers: only while a flight of ours is unanswered.

  /** How long until `handleTimeout`; undefined: nothing waits. */
  timeLeft(): Duration | undefined {
    const { longBytes } = this.#library;
    const timeval = new Uint8Array(2 * longBytes);
    if (this.#library.SSL_ctrl_bytes(this.#ssl, SSL_CTRL.dtlsGetTimeout, 0, timeval) !== 1) return undefined;
    const view = new DataView(timeval.buffer);
    const at = (offset: number): number =>
      longBytes === 8 ? Number(view.getBigInt64(offset, true)) : view.getInt32(offset, true);
    return milliseconds(at(0) * 1000 + Math.ceil(at(longBytes) / MICROSECONDS));
  }

  /** Sends the flight again, if OpenSSL's own clock agrees that it is time. */
  handleTimeout(): SocketError | undefined {
    this.#library.ERR_clear_error();
    if (this.#library.SSL_ctrl(this.#ssl, SSL_CTRL.dtlsHandleTimeout, 0, null) >= 0) return undefined;
    return failureOf(this.#alert, queuedReasons(this.#library));
  }

  // What was agreed on.

  /** Largest message that leaves in one datagram, in bytes. */
  dataMtu(): number {
    const most = this.#library.DTLS_get_data_mtu(this.#ssl);
    return Math.min(most, this.#options.maxFragmentLength ?? LARGEST_PLAINTEXT);
  }

  /** Whether the session that was offered is the one gone on with; an external key of TLS 1.3 counts as reuse to OpenSSL. */
  get resumed(): boolean {
    if (!this.#offeredSession || this.#library.SSL_session_reused(this.#ssl) !== 1) return false;
    const session = this.#library.SSL_get_session(this.#ssl);
    return this.#version !== 'TLS1.3' || (session !== null && this.#library.SSL_SESSION_has_ticket(session) === 1);
  }

  get #version(): SecurityVersion | undefined {
    const number = this.#library.SSL_version(this.#ssl);
    return (Object.keys(VERSION_NUMBERS) as (keyof typeof VERSION_NUMBERS)[]).find(
      (version) => VERSION_NUMBERS[version] === number,
    );
  }

  /** After the handshake. @throws SocketError EPROTO for a version or credential that was not to be */
  negotiated(): Negotiated {
    const library = this.#library;
    const version = this.#version;
    if (version === undefined || !this.#options.versions.includes(version)) {
      throw new SocketError('EPROTO', `the server settled on version ${library.SSL_version(this.#ssl)}`);
    }
    const { mode } = this.#options.credential;
    if ((library.SSL_get0_peer_certificate(this.#ssl) !== null) !== (mode === 'certificate')) {
      throw new SocketError('EPROTO', `the handshake was not made with the credential configured (${mode})`);
    }
    const resumed = this.resumed;
    return {
      version,
      ciphersuite: library.SSL_CIPHER_get_protocol_id(library.SSL_get_current_cipher(this.#ssl)),
      extendedMasterSecret:
        version === 'TLS1.3' || library.SSL_ctrl(this.#ssl, SSL_CTRL.extendedMasterSecretSupport, 0, null) === 1,
      ...(resumed && { resumed }),
      pskIdentity: mode === 'psk' ? this.#options.credential.preSharedKey()?.identity.slice() : undefined,
      pskIdentityHint: this.#hint(),
      alpn: this.#alpn(),
      group: resumed && version !== 'TLS1.3' ? undefined : this.#group(),
      peerCertificates: this.chain,
    };
  }

  #hint(): Uint8Array | undefined {
    const hint = this.#library.SSL_get_psk_identity_hint(this.#ssl);
    return hint === null ? undefined : this.#library.stringAt(hint, LONGEST_HINT);
  }

  #alpn(): string | undefined {
    const [address, length] = [new BigUint64Array(1), new Uint32Array(1)];
    this.#library.SSL_get0_alpn_selected(this.#ssl, new Uint8Array(address.buffer), new Uint8Array(length.buffer));
    if (address[0] === 0n || length[0] === 0) return undefined;
    return new TextDecoder().decode(this.#library.copyFrom(address[0]!, length[0]!));
  }

  #group(): string | undefined {
    return GROUP_NAMES[this.#library.SSL_ctrl(this.#ssl, SSL_CTRL.negotiatedGroup, 0, null)];
  }

  // Called by OpenSSL, from inside of the calls above.

  alert(direction: SeenAlert['direction'], level: number, description: number): void {
    const seen: SeenAlert = { direction, level: level === 2 ? 'fatal' : 'warning', description };
    if (this.#alert?.level !== 'fatal') this.#alert = seen; // the first is the cause
  }

  preSharedKey(): { readonly identity: Uint8Array; readonly key: Uint8Array } | undefined {
    return this.#options.credential.preSharedKey();
  }

  judge(chain: readonly Uint8Array[]): Verdict {
    if (this.#options.credential.mode === 'psk') {
      this.#refusal = 'the server shows a certificate, and only the pre-shared key may authenticate';
      return 'unsupported_certificate';
    }
    const isJudged = this.chain !== undefined && isSameChain(this.chain, chain);
    this.chain = chain;
    return isJudged ? this.#verdict : 'later'; // a verdict is of one chain
  }

  certificateRequested(): void {
    this.#options.credential.showCertificate(this.#ssl);
  }

  session(session: Pointer): void {
    if (this.#options.resumption === undefined || this.#library.SSL_SESSION_is_resumable(session) !== 1) return;
    this.sessions.push(derOf(this.#library, this.#library.symbols.i2d_SSL_SESSION, session));
  }

  keyLog(line: string): void {
    this.keyLogLines.push(line);
  }

  nextTimeout(before: number): number {
    const { min, max } = this.#timeouts;
    this.flights = before === 0 ? 1 : this.flights + 1;
    if (before === 0) this.progress++;
    const wait = before === 0 ? min : Math.min(2 * (before / MICROSECONDS), max);
    return Math.min(Math.round(wait * MICROSECONDS), 0xffff_ffff);
  }

  failed(error: unknown): void {
    this.#error ??= error;
  }

  // Setting up.

  #attachedOutput(): Pointer {
    const output = this.#library.BIO_new(this.#library.BIO_s_mem());
    if (output === null) {
      this.#library.BIO_free(this.#input);
      throw outOfMemory();
    }
    this.#library.SSL_set_bio(this.#ssl, this.#input, output); // both are the connection's now
    this.#library.BIO_ctrl(this.#input, BIO_CTRL.setMemEofReturn, -1, null); // empty is "not yet", not the end
    return output;
  }

  #configure(): void {
    const { versions, native, serverName, alpn, maxFragmentLength, transport, mtu, credential, resumption } =
      this.#options;
    const [library, ssl] = [this.#library, this.#ssl];
    const numbers = versions.map((version) => VERSION_NUMBERS[version as keyof typeof VERSION_NUMBERS]);
    this.#set('versions', library.SSL_ctrl(ssl, SSL_CTRL.setMinimumVersion, Math.min(...numbers), null));
    this.#set('versions', library.SSL_ctrl(ssl, SSL_CTRL.setMaximumVersion, Math.max(...numbers), null));
    if (native.cipherList !== '') this.#set('cipherList', library.SSL_set_cipher_list(ssl, native.cipherList));
    this.#set('ciphersuites', library.SSL_set_ciphersuites(ssl, native.ciphersuites));
    this.#set('groups', library.SSL_ctrl_text(ssl, SSL_CTRL.setGroupsList, 0, native.groups));
    const { signatureAlgorithms } = native;
    const algorithms = library.SSL_ctrl_text(ssl, SSL_CTRL.setSignatureAlgorithmsList, 0, signatureAlgorithms);
    this.#set('signatureAlgorithms', algorithms);
    library.SSL_set_verify(ssl, SSL_VERIFY_PEER, null);
    if (resumption === undefined) library.SSL_set_options(ssl, SSL_OP.noTicket);
    if (serverName !== undefined)
      this.#set('serverName', library.SSL_ctrl_text(ssl, SSL_CTRL.setServerName, 0, serverName));
    if (alpn.length > 0) {
      const list = alpnList(alpn);
      this.#set('alpn', library.SSL_set_alpn_protos(ssl, list, list.length) === 0 ? 1 : 0);
    }
    if (maxFragmentLength !== undefined) {
      const code = FRAGMENT_LENGTHS.indexOf(maxFragmentLength) + 1;
      this.#set('maxFragmentLength', library.SSL_set_tlsext_max_fragment_length(ssl, code));
    }
    if (credential.mode === 'psk') library.SSL_set_psk_client_callback(ssl, this.#callbacks.pskClient);
    else library.SSL_set_cert_cb(ssl, this.#callbacks.certificate, null);
    if (transport === 'datagram') {
      this.#set('mtu', library.SSL_ctrl(ssl, SSL_CTRL.setMtu, mtu, null));
      library.DTLS_set_timer_cb(ssl, this.#callbacks.dtlsTimer);
    }
    this.#offer(resumption?.session);
    library.SSL_set_connect_state(ssl);
  }

  /** @throws SocketError EINVAL */
  #set(what: string, result: number): void {
    if (result >= 1) return;
    const reasons = queuedReasons(this.#library);
    throw new SocketError('EINVAL', `${what}: OpenSSL does not take it${reasons === '' ? '' : ` (${reasons})`}`);
  }

  /** A session that OpenSSL does not understand costs a full handshake. */
  #offer(der: Uint8Array | undefined): void {
    if (der === undefined) return;
    const session = fromDer(this.#library, this.#library.symbols.d2i_SSL_SESSION, der);
    if (session === null) return;
    this.#offeredSession = this.#library.SSL_set_session(this.#ssl, session) === 1;
    this.#library.SSL_SESSION_free(session);
    this.#library.ERR_clear_error();
  }
}

function isSameChain(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((der, at) => equalBytes(der, other[at]!));
}

function alpnList(protocols: readonly string[]): Uint8Array {
  const names = protocols.map((protocol) => new TextEncoder().encode(protocol));
  return Uint8Array.from(names.flatMap((name) => [name.length, ...name]));
}

/** The alert's number, for those who tell the peer. */
export function verdictFor(description: string): Exclude<Verdict, 'later' | 'accepted'> {
  return Object.hasOwn(VERIFY_ERRORS, description) ? (description as keyof typeof VERIFY_ERRORS) : 'bad_certificate';
}

function asFailure(error: unknown): SocketError {
  if (error instanceof SocketError) return error;
  return new SocketError('EIO', error instanceof Error ? error.message : String(error), { cause: error });
}

function fail(): never {
  throw outOfMemory();
}
