// What a handshake state is, and what it may use. Handling a message gives the next state; data that does not exist
// yet cannot be named.

import type { Negotiated } from '../../lib/net/index.ts';
import type { DtlsJob, DtlsJobAnswer, JobRequest } from './connection.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import type { StoryTopic } from './handshake-story.ts';
import type { ResolvedOptions } from './options.ts';
import type { Agreed } from './agreed.ts';
import type { ConnectionIds, RecordLimits } from './record-layer.ts';
import type { WindowState } from './replay-window.ts';
import type { OfferedSession } from './resumable-session.ts';
import type { Protection } from './record-protection.ts';
import type { ServerResumption } from './server-offer.ts';

/** The machine as states see it. */
export interface Handshake {
  readonly role: 'client' | 'server';
  readonly options: ResolvedOptions;
  /** How often the flight in the air was sent. */
  readonly tries: number;
  /** Number for the next message of ours: 0, 1, … within the handshake. */
  nextMessageSeq(): number;
  /** Sends a flight now and again until the peer answers; it takes the place of the one before. */
  sendFlight(items: readonly FlightItem[]): void;
  /** Changes the flight in the air and sends it, without starting its count of tries again. */
  replaceFlight(items: readonly FlightItem[]): void;
  /** Sends the last flight of the handshake: again only when the peer repeats its own. */
  sendLastFlight(items: readonly FlightItem[]): void;
  protectWrites(protection: Protection): void;
  /** Also takes up the records of the new epoch that came early. */
  protectReads(protection: Protection): void;
  /** From now on records are no longer than both sides take. */
  limitRecords(limits: RecordLimits): void;
  /** From now on protected records bear these ids. */
  identifyRecords(ids: ConnectionIds): void;
  ask(job: JobRequest): DtlsJob['id'];
  /** The keys are there; the master secret is the receiver's. Called where the session is to be kept alive elsewhere. */
  keyed(material: { readonly agreed: Agreed; readonly master: Uint8Array }): void;
  /** Goes on where the records of another process stopped. */
  restoreRecords(nextSequence: number, window: WindowState): void;
  /** Gives out what a later handshake can go on from; the secret in it is the receiver's. Only once the peer's Finished is verified. */
  keep(session: OfferedSession): void;
  /** Keeps a fact for the error, should there be one: nothing secret. */
  note(topic: StoryTopic, fact: string): void;
}

export interface HandshakeState {
  /** The state in words, e.g. `waiting for ServerHello`. */
  readonly name: string;
  /** What it mostly means if the peer stays silent now. */
  readonly silence: string;
  /** The job this state waits for; messages wait too. */
  readonly job?: number;
  /** Takes the next message. @throws HandshakeRefusal, DecodeError, and then nothing has changed */
  handle(message: HandshakeMessage, handshake: Handshake): HandshakeStep;
  /** A message from before the current one came again. */
  handleRepeat?(message: HandshakeMessage, handshake: Handshake): HandshakeState;
  /** Only states in which ChangeCipherSpec is due have it; in all others it is dropped. */
  changeCipherSpec?(handshake: Handshake): HandshakeState;
  /** @throws HandshakeRefusal if the answer ends the handshake */
  answer?(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState;
  /** ChangeCipherSpec, which comes behind what the job is about, is remembered and takes effect after the answer. */
  readonly keepsChangeCipherSpec?: true;
  /** Zeroes what secrets the state holds. */
  destroy?(): void;
}

/** The handshake is over: both Finished are verified. */
export class Established {
  readonly negotiated: Negotiated;
  /** Server: where the session can be resumed by its id. */
  readonly kept: SessionKept | undefined;

  constructor(negotiated: Negotiated, kept?: SessionKept) {
    this.negotiated = negotiated;
    this.kept = kept;
  }
}

/** What a server keeps, and under which name. */
export interface SessionKept {
  readonly sessionId: Uint8Array;
  readonly by: Pick<ServerResumption, 'forget'>;
}

export type HandshakeStep = HandshakeState | Established;
