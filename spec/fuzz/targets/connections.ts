// Connections of the native backend: each message in each state of client and server, and records in a session.

import { Reader } from '../../../lib/bytes/index.ts';
import type { Instant } from '../../../lib/runtime/index.ts';
import { NEVER } from '../../../lib/runtime/index.ts';
import type { DtlsConnection, DtlsJob, DtlsOutput } from '../../../security-backends/native/connection.ts';
import { CookieGate } from '../../../security-backends/native/cookie-gate.ts';
import {
  FINISHED,
  JOB_OF,
  type Message,
  NOW,
  type Recording,
  clearMessage,
  honestAnswer,
  newClient,
  newServer,
  rawMessage,
  rawRecord,
  recordings,
} from '../recordings.ts';
import { toyProvider, toyRandom } from '../toy-provider.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';

type Role = 'client' | 'server';

const MTU = 1_232;
const MOST_DATAGRAMS = 64; // for one input: a flight, and an answer to each record in it
const INTERNAL_ERROR = 80;

/** A connection with what it may do at all, whatever its peer does. */
class Watched {
  readonly connection: DtlsConnection;
  readonly #recording: Recording;
  readonly #role: Role;
  readonly #answersJobs: boolean;
  readonly #asked = new Set<DtlsJob['type']>();
  readonly #told = new Set<number>();
  readonly #open: DtlsJob[] = [];
  #connected = false;
  #closed = false;
  now: number = NOW;

  constructor(connection: DtlsConnection, recording: Recording, role: Role, answersJobs: boolean) {
    this.connection = connection;
    this.#recording = recording;
    this.#role = role;
    this.#answersJobs = answersJobs;
    connection.start(NOW);
    this.#poll();
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  /** @param types of the handshake messages in it, if there are any */
  feed(datagram: Uint8Array, ...types: readonly number[]): void {
    for (const type of types) this.#told.add(type);
    this.connection.handleDatagram(datagram, this.now as Instant);
    this.#poll();
  }

  timeOut(): void {
    const next = this.connection.nextTimeout();
    if (next === NEVER) return;
    this.now = Math.max(this.now, next);
    this.connection.handleTimeout(this.now as Instant);
    this.#poll();
  }

  send(bytes: Uint8Array): void {
    if (!this.connected || bytes.length > this.connection.innerMtu) return;
    this.connection.send(bytes);
    this.#poll();
  }

  answerOne(): void {
    const job = this.#open.shift();
    if (job === undefined) return;
    this.connection.answer(job.id, honestAnswer(job, this.#recording.scenario), this.now as Instant);
    this.#poll();
  }

  close(): void {
    this.connection.close(this.now as Instant);
    this.#poll();
    promise(this.#closed, 'close closes');
    promise(this.connection.nextTimeout() === NEVER, 'a closed connection waits for nothing');
  }

  #poll(): void {
    let datagrams = 0;
    for (let output = this.connection.poll(); output !== undefined; output = this.connection.poll()) {
      promise(!this.#closed, 'nothing comes after closed');
      if (output.kind === 'transmit') {
        promise(output.datagram.length <= MTU, 'a datagram fits the mtu');
        promise(++datagrams <= MOST_DATAGRAMS, 'one datagram has a bounded answer');
      } else this.#take(output);
    }
  }

  #take(output: Exclude<DtlsOutput, { kind: 'transmit' }>): void {
    if (output.kind === 'job') {
      this.#asked.add(output.job.type);
      if (!this.#answersJobs) return void this.#open.push(output.job);
      this.connection.answer(output.job.id, honestAnswer(output.job, this.#recording.scenario), this.now as Instant);
    } else if (output.kind === 'data') promise(this.#connected, 'data comes after connected');
    else if (output.kind === 'connected') this.#connect(output.negotiated.resumed === true);
    else if (output.kind === 'closed') {
      this.#closed = true;
      const { cause } = output;
      if (cause?.message.includes('an error of our own') === true) throw new Error('an error of our own', { cause });
    } else if (output.kind === 'resumable') {
      promise(this.#recording.scenario[this.#role]?.resumption !== undefined, 'nobody asked for sessions to be kept');
      promise(this.#told.has(20) && !this.#connected, 'a session is kept once its Finished has come');
    } else promise(output.direction === 'received' || output.description !== INTERNAL_ERROR, 'no internal error');
  }

  /** Nobody is let in who left out what shows who it is. */
  #connect(resumed: boolean): void {
    promise(!this.#connected, 'connected comes once');
    this.#connected = true;
    if (resumed) return this.#resume();
    const { credential, server } = this.#recording.scenario;
    const anonymous = this.#role === 'server' && server?.clientCertificate === 'none';
    promise(anonymous || this.#asked.has(JOB_OF[this.#role][credential]), 'the peer was asked who it is');
    const needed = this.#role === 'client' ? neededOfServer(credential) : neededOfClient(credential, anonymous);
    for (const type of needed) promise(this.#told.has(type), `message ${type} came before connected`);
  }

  /** Only where there is a session, and a server only after it has asked whether its client would be let in today. */
  #resume(): void {
    const { credential, client, session } = this.#recording.scenario;
    const there = this.#role === 'client' ? client?.resumption?.offered : session;
    promise(there !== undefined, 'there is a session to resume');
    const needed = this.#role === 'client' ? [2, 20] : [20];
    for (const type of needed) promise(this.#told.has(type), `message ${type} came before connected`);
    if (this.#role === 'client') return;
    for (const job of ['resumeSession', JOB_OF.server[credential]] as const) {
      promise(this.#asked.has(job), `${job} was asked before a session was resumed`);
    }
  }
}

const neededOfServer = (credential: string): readonly number[] =>
  credential === 'psk' ? [2, 14, 20] : [2, 11, 12, 14, 20];

function neededOfClient(credential: string, anonymous: boolean): readonly number[] {
  return credential === 'psk' || anonymous ? [16, 20] : [11, 16, 15, 20];
}

const OP = {
  message: 0,
  fragment: 1,
  honest: 2,
  changeCipherSpec: 3,
  finished: 4,
  record: 5,
  timeOut: 6,
  other: 7,
} as const;

/**
 * An input is a program: the scenario, how many honest messages come first, whether jobs stay open; for a server its
 * ClientHello if bit 1 of the third byte is set; then steps, each a byte and what belongs to it.
 */
function runProgram(input: Uint8Array, role: Role): void {
  const reader = new Reader(input);
  if (reader.remaining < 3) return;
  const all = recordings();
  const recording = all[reader.uint8('scenario') % all.length]!;
  const ahead = reader.uint8('ahead');
  const flags = reader.uint8('flags');
  const hello = role === 'server' && (flags & 2) !== 0 ? block(reader) : recording.clientHello;
  const made = orDecodeError(() =>
    role === 'client' ? newClient(recording.scenario) : newServer(recording.scenario, hello),
  );
  if (made === undefined) return;
  const program = new Program(new Watched(made, recording, role, (flags & 1) === 0), recording, role);
  for (let i = 0; i < Math.min(ahead, 12); i++) program.honest();
  for (let steps = 0; steps < 24 && reader.remaining > 0; steps++) program.step(reader);
  program.end();
}

class Program {
  readonly #watched: Watched;
  readonly #recording: Recording;
  readonly #honest: readonly Message[];
  #next = 0;
  #messageSeq: number;
  #sequence = 2;

  constructor(watched: Watched, recording: Recording, role: Role) {
    this.#watched = watched;
    this.#recording = recording;
    this.#honest = role === 'client' ? recording.toClient : recording.toServer;
    this.#messageSeq = role === 'client' ? 0 : 2;
  }

  /** The next message of an honest peer; after the last ChangeCipherSpec and Finished. */
  honest(): void {
    const message = this.#honest[this.#next];
    const past = this.#next++ - this.#honest.length;
    if (message !== undefined) this.#message(message);
    else if (past === 0) this.#changeCipherSpec();
    else if (past === 1) this.#finished(FINISHED);
  }

  step(reader: Reader): void {
    const code = reader.uint8('step');
    switch (code % 8) {
      case OP.message:
        return this.#message({ type: code >> 3 < 4 ? byte(reader) : code >> 3, body: block(reader) });
      case OP.fragment:
        return this.#watched.feed(
          rawRecord(22, code >> 7, this.#sequence++, block(reader), this.#suite),
          1,
          2,
          11,
          12,
          14,
          15,
          16,
          20,
        );
      case OP.honest:
        return this.honest();
      case OP.changeCipherSpec:
        return this.#changeCipherSpec();
      case OP.finished:
        return this.#finished(code >> 3 < 16 ? FINISHED : { type: byte(reader), body: block(reader) });
      case OP.record:
        return this.#watched.feed(
          rawRecord(byte(reader), byte(reader) % 3, this.#sequence++, block(reader), this.#suite),
          ...[1, 2, 11, 12, 14, 15, 16, 20],
        );
      case OP.timeOut:
        return this.#watched.timeOut();
      default:
        return code >> 3 < 16 ? this.#watched.answerOne() : this.#watched.send(block(reader));
    }
  }

  end(): void {
    this.#watched.timeOut();
    this.#watched.close();
  }

  get #suite(): number {
    return this.#recording.scenario.suite;
  }

  #message(message: Message): void {
    this.#watched.feed(clearMessage(message, this.#messageSeq++, this.#sequence++), message.type);
  }

  #changeCipherSpec(): void {
    this.#watched.feed(rawRecord(20, 0, this.#sequence++, Uint8Array.of(1)));
  }

  #finished(message: Message): void {
    const raw = rawMessage(message, this.#messageSeq++);
    this.#watched.feed(rawRecord(22, 1, this.#sequence++, raw, this.#suite), message.type);
  }
}

function byte(reader: Reader): number {
  return reader.remaining > 0 ? reader.uint8('byte') : 0;
}

/** As many bytes as two bytes say, or as there are. */
function block(reader: Reader): Uint8Array {
  if (reader.remaining < 2) return reader.bytes(reader.remaining, 'block');
  const length = reader.uint16('length');
  return reader.bytes(Math.min(length, reader.remaining), 'block');
}

const asBlock = (bytes: Uint8Array): number[] => [bytes.length >> 8, bytes.length & 0xff, ...bytes];

/** Each honest message, given as such, in each state; and whole handshakes. */
function programs(role: Role): readonly Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (const [scenario, { clientHello, toClient, toServer }] of recordings().entries()) {
    const honest = role === 'client' ? toClient : toServer;
    seeds.push(
      Uint8Array.of(scenario, honest.length + 2, 0),
      Uint8Array.of(scenario, 0, 1, 2, 7, 2, 7, 2, 7, 2, 2, 7, 7, 2),
    );
    if (role === 'server') seeds.push(Uint8Array.of(scenario, 0, 2, ...asBlock(clientHello), 2, 2, 2, 2, 2, 2));
    for (const [at, { type, body }] of honest.entries()) {
      seeds.push(Uint8Array.of(scenario, at, 0, OP.message, type, ...asBlock(body), 2, 2, 2, 2, 2, 2));
      const raw = rawMessage({ type, body }, at + (role === 'client' ? 0 : 2));
      seeds.push(Uint8Array.of(scenario, at, 0, OP.fragment, ...asBlock(raw), 2, 6, 2));
    }
    const end = honest.length;
    seeds.push(Uint8Array.of(scenario, end, 0, OP.changeCipherSpec, OP.finished | 0x80, 20, ...asBlock(FINISHED.body)));
    seeds.push(Uint8Array.of(scenario, end + 2, 0, OP.record, 23, 1, 0, 2, 1, 2, OP.record, 21, 1, 0, 2, 1, 0));
    seeds.push(Uint8Array.of(scenario, end + 2, 0, OP.record, 22, 1, 0, 12, ...new Uint8Array(12), 0x87, 0, 1, 9));
  }
  return seeds;
}

function states(role: Role): FuzzTarget {
  const run = (input: Uint8Array): void => runProgram(input, role);
  return { name: `${role}-states`, maxBytes: 1_400, seeds: () => programs(role), run };
}

export const clientStates = states('client');
export const serverStates = states('server');

const session = (at: number, role: Role): Watched => {
  const recording = recordings()[at]!;
  const watched = new Watched(
    role === 'client' ? newClient(recording.scenario) : newServer(recording.scenario, recording.clientHello),
    recording,
    role,
    true,
  );
  const program = new Program(watched, recording, role);
  for (let i = 0; i < 10; i++) program.honest();
  promise(watched.connected, `${recording.scenario.name} connects`);
  return watched;
};

/** The first byte chooses scenario and role; then datagrams, each with its length, to a session or a fresh connection. */
export const records: FuzzTarget = {
  name: 'records',
  maxBytes: 700,
  seeds: () =>
    recordings().flatMap(({ scenario: { suite }, toClient }, at) => [
      Uint8Array.of(at, ...asBlock(rawRecord(23, 1, 9, Uint8Array.of(1, 2, 3), suite))),
      Uint8Array.of(at | 0x80, ...asBlock(rawRecord(21, 1, 9, Uint8Array.of(2, 40), suite))),
      Uint8Array.of(
        at | 0x40,
        ...asBlock(rawRecord(20, 0, 9, Uint8Array.of(1))),
        ...asBlock(clearMessage(toClient[0]!, 0, 1).subarray(0, 200)),
      ),
      Uint8Array.of(
        at,
        ...asBlock(
          Uint8Array.of(
            ...rawRecord(23, 1, 70, Uint8Array.of(1), suite),
            ...rawRecord(22, 1, 8, rawMessage(FINISHED, 5), suite),
          ),
        ),
      ),
    ]),
  run(input) {
    const reader = new Reader(input);
    const choice = byte(reader);
    const role: Role = (choice & 0x80) === 0 ? 'client' : 'server';
    const at = (choice & 0x3f) % recordings().length;
    const recording = recordings()[at]!;
    const fresh = (): Watched =>
      new Watched(
        role === 'client' ? newClient(recording.scenario) : newServer(recording.scenario, recording.clientHello),
        recording,
        role,
        true,
      );
    const watched = (choice & 0x40) === 0 ? session(at, role) : fresh();
    while (reader.remaining > 0) watched.feed(block(reader), 1, 2, 11, 12, 14, 15, 16, 20);
    watched.close();
  },
};

const FROM = { address: '192.0.2.1', port: 5_684 };

/** Datagrams from a stranger: no answer is longer than its question. */
export const cookieGate: FuzzTarget = {
  name: 'cookie-gate',
  maxBytes: 700,
  seeds: () => recordings().map(({ clientHello }) => clearMessage({ type: 1, body: clientHello }, 0, 0)),
  run(input) {
    const gate = new CookieGate({ provider: toyProvider, random: toyRandom });
    const verdict = gate.inspect(input, FROM, NOW);
    if (verdict.kind === 'reply') promise(verdict.datagram.length <= input.length, 'no amplification');
    if (verdict.kind === 'verified') promise(verdict.hello.cookie.length > 0, 'no hello is verified without a cookie');
  },
};
