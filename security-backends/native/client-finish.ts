// The client's Finished and the server's, whatever the key exchange was (RFC 5246 §7.4.9).

import { type Agreed, type Secrets, addOwnMessage, checkFinished, finishedBody, unexpected } from './agreed.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { Protection } from './record-protection.ts';

/** What the client's last flight is made from. */
export interface ClientEnd {
  readonly secrets: Secrets;
  /** Before ChangeCipherSpec; in the transcript already. */
  readonly items: readonly FlightItem[];
  readonly negotiated: Negotiated;
  /** What it mostly means if the server does not answer. */
  readonly silence: string;
}

/** Sends the client's last flight. */
export function finishClient(handshake: Handshake, agreed: Agreed, end: ClientEnd): HandshakeState {
  const { master, client, server } = end.secrets;
  const verify = finishedBody(handshake, agreed, master, 'client');
  const finished = addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.finished, verify);
  const expected = finishedBody(handshake, agreed, master, 'server');
  master.fill(0);
  handshake.protectWrites(client);
  handshake.sendFlight([
    ...end.items,
    { kind: 'changeCipherSpec' },
    { kind: 'handshake', epoch: 1, message: finished },
  ]);
  return new WaitChangeCipherSpec(new Established(end.negotiated), server, expected, end.silence);
}

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence: string;
  readonly #established: Established;
  readonly #reads: Protection;
  readonly #expected: Uint8Array;

  constructor(established: Established, reads: Protection, expected: Uint8Array, silence: string) {
    this.#established = established;
    this.#reads = reads;
    this.#expected = expected;
    this.silence = silence;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#reads);
    return new WaitFinished(this.#established, this.#expected);
  }

  destroy(): void {
    this.#reads.destroy();
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = "the server's Finished does not come through, or does not authenticate";
  readonly #established: Established;
  readonly #expected: Uint8Array;

  constructor(established: Established, expected: Uint8Array) {
    this.#established = established;
    this.#expected = expected;
  }

  handle(message: HandshakeMessage): Established {
    checkFinished(message, this.#expected, this.name);
    return this.#established;
  }
}
