// The server of an abbreviated handshake (RFC 5246 §7.3, RFC 5077 §3.1). A session is resumed only if whoever it was made
// with would be let in today: the pre-shared key must be the same, a certificate or raw public key is judged again.

import {
  type Agreed,
  type Secrets,
  checkFinished,
  destroySecrets,
  finishedBody,
  inClear,
  negotiatedOf,
  ownMessage,
  resumedSecrets,
  unexpected,
} from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { equalBytes } from '../../lib/bytes/index.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import type { DtlsJobAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState, SessionKept } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import { type ResumableSession, isSameKey } from './resumable-session.ts';
import type { ClientOffer } from './server-offer.ts';

/** How the answer to a hello goes on. */
export interface ResumptionPlan {
  readonly offer: ClientOffer;
  readonly requiresClientCertificate: boolean;
  /** Sends ServerHello and what is in the clear behind it, and gives what is agreed on and the messages of the flight. */
  resumed(
    session: ResumableSession,
    suite: Ciphersuite,
  ): { readonly agreed: Agreed; readonly messages: readonly HandshakeMessage[] };
  /** A full handshake after all. */
  full(): HandshakeState;
}

/** Asks for the session that a hello names. */
export function askForSession(
  plan: ResumptionPlan,
  ticket: Uint8Array | undefined,
  handshake: Handshake,
): HandshakeState {
  const { sessionId } = plan.offer.hello;
  handshake.sendFlight([]); // nothing yet, but the wait for the jobs has its bound
  return new WaitSession(plan, handshake.ask({ type: 'resumeSession', sessionId, ticket }));
}

class WaitSession implements HandshakeState {
  readonly name = 'waiting for the session that the client offers';
  readonly silence = 'the look-up of the session did not answer in time';
  readonly job: number;
  readonly #plan: ResumptionPlan;

  constructor(plan: ResumptionPlan, job: number) {
    this.#plan = plan;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    if (answer === undefined || !('master' in answer)) return this.#plan.full();
    const { offer } = this.#plan;
    const suite = offer.ciphersuites.find(({ id }) => id === answer.ciphersuite);
    const fits =
      suite !== undefined &&
      answer.credential === handshake.options.credential &&
      answer.serverName === offer.serverName &&
      answer.extendedMasterSecret; // RFC 7627 §5.3: else a full handshake is due
    if (!fits) return this.#plan.full();
    if (!offer.extendedMasterSecret) {
      throw new HandshakeRefusal(ALERT.handshakeFailure, 'extended_master_secret: not as in the session to resume');
    }
    return prove(this.#plan, { ...answer, master: answer.master.slice() }, suite, handshake);
  }
}

function prove(
  plan: ResumptionPlan,
  session: ResumableSession,
  suite: Ciphersuite,
  handshake: Handshake,
): HandshakeState {
  const { pskIdentity, peerCertificates } = session.identification;
  if (session.credential === 'psk') {
    if (pskIdentity === undefined) return refuse(plan, session);
    return new WaitProof(plan, session, suite, handshake.ask({ type: 'lookupPsk', identity: pskIdentity }));
  }
  if (peerCertificates === undefined) {
    return plan.requiresClientCertificate ? refuse(plan, session) : resume(plan, session, suite, handshake);
  }
  const certificateType = session.credential === 'rawPublicKey' ? 'rawPublicKey' : 'x509';
  const job = handshake.ask({ type: 'verifyChain', certificateType, chain: peerCertificates });
  return new WaitProof(plan, session, suite, job);
}

function refuse(plan: ResumptionPlan, session: ResumableSession): HandshakeState {
  session.master.fill(0);
  return plan.full();
}

class WaitProof implements HandshakeState {
  readonly name = "waiting for whether the session's credentials are still good";
  readonly silence = 'the judgement of the credentials of the session was not given in time';
  readonly job: number;
  readonly #plan: ResumptionPlan;
  readonly #session: ResumableSession;
  readonly #suite: Ciphersuite;

  constructor(plan: ResumptionPlan, session: ResumableSession, suite: Ciphersuite, job: number) {
    this.#plan = plan;
    this.#session = session;
    this.#suite = suite;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    if (!this.#isGood(answer, handshake)) return refuse(this.#plan, this.#session);
    return resume(this.#plan, this.#session, this.#suite, handshake);
  }

  destroy(): void {
    this.#session.master.fill(0);
  }

  #isGood(answer: DtlsJobAnswer, { options }: Handshake): boolean {
    if (answer === undefined) return false;
    if (this.#session.credential === 'psk')
      return 'key' in answer && isSameKey(options.provider, answer.key, this.#session);
    const { peerPublicKey } = this.#session.identification;
    return 'publicKey' in answer && peerPublicKey !== undefined && equalBytes(answer.publicKey, peerPublicKey);
  }
}

function resume(
  plan: ResumptionPlan,
  session: ResumableSession,
  suite: Ciphersuite,
  handshake: Handshake,
): HandshakeState {
  const { agreed, messages } = plan.resumed(session, suite);
  const secrets = resumedSecrets(handshake, agreed, session.master);
  session.master.fill(0);
  const finished = ownMessage(
    handshake,
    HANDSHAKE_TYPE.finished,
    finishedBody(handshake, agreed, secrets.master, 'server'),
  );
  handshake.protectWrites(secrets.server);
  handshake.sendFlight([
    ...messages.map(inClear),
    { kind: 'changeCipherSpec' },
    { kind: 'handshake', epoch: 1, message: finished },
  ]);
  agreed.transcript.add(finished.raw);
  return new WaitChangeCipherSpec({ agreed, session, secrets, kept: keptAt(plan.offer, agreed) });
}

/** With a ticket, the id is the client's own choice and names nothing (RFC 5077 §3.4): not even what to forget. */
function keptAt({ hello, ticket }: ClientOffer, { resumption }: Agreed): SessionKept | undefined {
  if (resumption === undefined || (ticket !== undefined && ticket.length > 0)) return undefined;
  return { sessionId: hello.sessionId.slice(), by: resumption };
}

interface Resumed {
  readonly agreed: Agreed;
  readonly session: ResumableSession;
  readonly secrets: Secrets;
  readonly kept: SessionKept | undefined;
}

const SILENCE = 'the client does not go on with the session: its secret may be another';

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence = SILENCE;
  readonly #resumed: Resumed;

  constructor(resumed: Resumed) {
    this.#resumed = resumed;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#resumed.secrets.client);
    return new WaitFinished(this.#resumed);
  }

  destroy(): void {
    destroySecrets(this.#resumed.secrets);
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = SILENCE;
  readonly #resumed: Resumed;

  constructor(resumed: Resumed) {
    this.#resumed = resumed;
  }

  handle(message: HandshakeMessage, handshake: Handshake): Established {
    const { agreed, session, secrets, kept } = this.#resumed;
    checkFinished(message, finishedBody(handshake, agreed, secrets.master, 'client'), this.name);
    secrets.master.fill(0);
    return new Established({ ...negotiatedOf(agreed, session.identification), resumed: true }, kept);
  }

  // All other keys are the record layer's by now.
  destroy(): void {
    this.#resumed.secrets.master.fill(0);
  }
}
