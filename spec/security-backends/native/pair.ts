// Two connections in memory, a clock moved by hand, and an attacker on the wire between them.

import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { CryptoProvider } from '../../../lib/crypto/provider/provider.ts';
import type { Endpoint, Negotiated, SocketError } from '../../../lib/net/index.ts';
import { equalBytes } from '../../../lib/bytes/index.ts';
import { type Instant, NEVER, SeededRandom } from '../../../lib/runtime/index.ts';
import { DtlsClient, type DtlsClientOptions } from '../../../security-backends/native/client.ts';
import type {
  DtlsConnection,
  DtlsJob,
  DtlsJobAnswer,
  DtlsOptions,
  PskAnswer,
} from '../../../security-backends/native/connection.ts';
import { CookieGate, type CookieVerdict, isClientHello } from '../../../security-backends/native/cookie-gate.ts';
import type { OfferedSession } from '../../../security-backends/native/resumable-session.ts';
import { DtlsServer, type DtlsServerOptions } from '../../../security-backends/native/server.ts';

export const IDENTITY = new TextEncoder().encode('device-1');
export const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);
export const CLIENT: Endpoint = { address: '192.0.2.1', port: 40_000 };

export type Side = 'client' | 'server';

/** A connection and everything it has said. */
export class Party {
  readonly connection: DtlsConnection;
  readonly data: Uint8Array[] = [];
  readonly alerts: { description: number; direction: string; level: string }[] = [];
  readonly jobs: DtlsJob[] = [];
  readonly resumable: OfferedSession[] = [];
  negotiated: Negotiated | undefined;
  closed: { readonly cause: SocketError | undefined } | undefined;
  /** Datagrams not taken from here yet. */
  outbox: Uint8Array[] = [];
  /** How jobs are answered; undefined leaves them open. */
  answer: ((job: DtlsJob) => DtlsJobAnswer) | undefined;

  constructor(connection: DtlsConnection, answer?: (job: DtlsJob) => DtlsJobAnswer) {
    this.connection = connection;
    this.answer = answer;
  }

  /** Polls until there is nothing, as drivers do. */
  pump(now: Instant): void {
    for (let output = this.connection.poll(); output !== undefined; output = this.connection.poll()) {
      if (this.closed !== undefined) throw new Error(`an output after closed: ${output.kind}`);
      if (output.kind === 'transmit') this.outbox.push(output.datagram);
      else if (output.kind === 'data') this.data.push(output.bytes);
      else if (output.kind === 'alert') this.alerts.push(output);
      else if (output.kind === 'connected') this.negotiated = output.negotiated;
      else if (output.kind === 'closed') this.closed = { cause: output.cause };
      else if (output.kind === 'resumable') this.resumable.push(output.session);
      else {
        this.jobs.push(output.job);
        if (this.answer !== undefined) this.connection.answer(output.job.id, this.answer(output.job), now);
      }
    }
  }

  /** Takes what it has sent. */
  take(): Uint8Array[] {
    const taken = this.outbox;
    this.outbox = [];
    return taken;
  }
}

export interface PairOptions {
  readonly client?: Partial<DtlsOptions>;
  readonly server?: Partial<DtlsServerOptions>;
  readonly clientKey?: Uint8Array;
  /** How the server answers lookups. Default: KEY for every identity. */
  readonly serverAnswer?: (job: DtlsJob) => DtlsJobAnswer;
  /** How the client answers. Default: IDENTITY with `clientKey`. */
  readonly clientAnswer?: (job: DtlsJob) => DtlsJobAnswer;
  readonly clientHello?: Partial<DtlsClientOptions>;
  /** Leaves every job to the test. */
  readonly openJobs?: boolean;
  readonly provider?: CryptoProvider;
  readonly seed?: number;
}

/** What the attacker makes of a datagram: what arrives in its place, in this order. */
export type Wire = (datagram: Uint8Array, to: Side) => readonly Uint8Array[];

export const HONEST: Wire = (datagram) => [datagram];

/** Client and server with a cookie gate between them. The server exists once the gate has let a hello through. */
export class Pair {
  now = 1_000 as Instant;
  readonly client: Party;
  server: Party | undefined;
  readonly gate: CookieGate;
  wire: Wire = HONEST;
  /** Everything that was sent, by receiver, before the attacker touched it. */
  readonly log: { readonly to: Side; readonly datagram: Uint8Array }[] = [];
  #hello: Uint8Array = new Uint8Array(0);
  readonly #options: PairOptions;
  readonly #random: SeededRandom;
  readonly #provider: CryptoProvider;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 7);
    this.#provider = options.provider ?? nodeProvider;
    const psk: PskAnswer = { identity: IDENTITY, key: options.clientKey ?? KEY };
    const client = new DtlsClient({ ...this.#common(), ...options.client, ...options.clientHello });
    this.client = new Party(client, options.clientAnswer ?? (() => psk));
    if (options.openJobs === true) this.client.answer = undefined;
    this.gate = new CookieGate({ provider: this.#provider, random: this.#random });
  }

  start(): this {
    this.client.connection.start(this.now);
    this.client.pump(this.now);
    return this;
  }

  /** A complete handshake over the wire as it is now. */
  handshake(): this {
    this.start();
    this.run(() => this.client.negotiated !== undefined && this.server?.negotiated !== undefined);
    return this;
  }

  /** The side, which must exist. */
  party(side: Side): Party {
    const party = side === 'client' ? this.client : this.server;
    if (party === undefined) throw new Error('there is no server yet');
    return party;
  }

  /** Why the side is over; undefined if it is not, or ended in order. */
  endOf(side: Side): SocketError | undefined {
    return this.party(side).closed?.cause;
  }

  /** Hands a datagram over, past the wire. */
  deliver(datagram: Uint8Array, to: Side): void {
    if (to === 'client') {
      this.client.connection.handleDatagram(datagram, this.now);
      this.client.pump(this.now);
      return;
    }
    if (this.server === undefined || isClientHello(datagram)) {
      const verdict = this.gate.inspect(datagram, CLIENT, this.now);
      if (verdict.kind === 'reply') return this.#send([verdict.datagram], 'client');
      if (verdict.kind === 'drop') return;
      // As the endpoint does: another hello than the one the handshake began with begins it anew.
      if (
        this.server === undefined ||
        (this.server.negotiated === undefined && !equalBytes(this.#hello, verdict.message.raw))
      ) {
        this.#hello = verdict.message.raw;
        return this.#admit(verdict);
      }
    }
    this.server.connection.handleDatagram(datagram, this.now);
    this.server.pump(this.now);
  }

  /** Carries what waits, and the answers to it, until all is quiet. */
  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      const fromClient = this.client.take();
      const fromServer = this.server?.take() ?? [];
      if (fromClient.length + fromServer.length === 0) return;
      this.#send(fromClient, 'server');
      this.#send(fromServer, 'client');
    }
    throw new Error('the parties never fall silent');
  }

  /** Moves time to the next deadline. @returns false if there is none */
  tick(): boolean {
    const next = Math.min(
      this.client.connection.nextTimeout(),
      this.server?.connection.nextTimeout() ?? NEVER,
    ) as Instant;
    if (next === NEVER) return false;
    this.now = Math.max(this.now, next) as Instant;
    for (const party of [this.client, this.server]) {
      if (party === undefined || party.closed !== undefined) continue;
      party.connection.handleTimeout(this.now);
      party.pump(this.now);
    }
    return true;
  }

  /** Carries and ticks until `done`, or nothing is left to happen. @returns whether `done` came true */
  run(done: () => boolean = () => false): boolean {
    for (let round = 0; round < 200; round++) {
      this.settle();
      if (done()) return true;
      if (!this.tick()) return done();
    }
    throw new Error('200 time-outs and no end');
  }

  /** Sends application data across the wire. */
  say(from: Side, text: string): void {
    this.party(from).connection.send(new TextEncoder().encode(text));
    this.party(from).pump(this.now);
    this.settle();
  }

  /** What `side` has received as text. */
  heard(side: Side): string[] {
    return this.party(side).data.map((bytes) => new TextDecoder().decode(bytes));
  }

  /** Whether both are connected and can talk, both ways. */
  talks(): boolean {
    if (this.client.closed !== undefined || this.server?.closed !== undefined) return false;
    if (this.client.negotiated === undefined || this.server?.negotiated === undefined) return false;
    const before = [this.client.data.length, this.server.data.length];
    const wire = this.wire;
    this.wire = HONEST;
    this.say('client', 'ping');
    this.say('server', 'pong');
    this.wire = wire;
    return (
      this.heard('server').at(-1) === 'ping' &&
      this.heard('client').at(-1) === 'pong' &&
      this.client.data.length === before[0]! + 1 &&
      this.server.data.length === before[1]! + 1
    );
  }

  #send(datagrams: readonly Uint8Array[], to: Side): void {
    for (const datagram of datagrams) {
      this.log.push({ to, datagram });
      for (const arrival of this.wire(datagram, to)) this.deliver(arrival, to);
    }
  }

  #admit(verified: Extract<CookieVerdict, { kind: 'verified' }>): void {
    const options: DtlsServerOptions = { ...this.#common(), verified, ...this.#options.server };
    this.server = new Party(new DtlsServer(options), this.#options.serverAnswer ?? (() => ({ key: KEY })));
    if (this.#options.openJobs === true) this.server.answer = undefined;
    this.server.connection.start(this.now);
    this.server.pump(this.now);
  }

  #common(): DtlsOptions {
    return { mtu: 1_232, provider: this.#provider, random: this.#random };
  }
}
