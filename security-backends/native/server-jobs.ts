// What a server's connections ask for, answered from its credentials: keys by identity, certificates, judgements.

import type { Environment } from '../../lib/runtime/index.ts';
import { ALERT } from './alerts.ts';
import type { DtlsJob, DtlsJobAnswer } from './connection.ts';
import type { Answer } from './credentials.ts';
import type { ConnectionDriver } from './driver.ts';

export interface ServerJobsOptions<From> {
  /** Answers from credentials; where a look-up finds nothing, undefined. */
  readonly ask: (job: DtlsJob, from: From) => Answer;
  /** Whether an unknown identity looks like a wrong key, or is answered by an alert (RFC 4279 §2). */
  readonly unknownIdentity: 'hide' | 'alert';
  /** Told of identities that the look-up does not know, or that are longer than 128 bytes. */
  readonly onUnknownIdentity: () => void;
}

const MAX_IDENTITY_BYTES = 128; // RFC 4279 §5.3: what must be supported; nothing longer reaches a look-up
const UNKNOWN_KEY_BYTES = 16;

/** What our own side failed at, for the error; why is in the log alone. */
const FAILURES: Readonly<Record<DtlsJob['type'], string>> = {
  choosePsk: 'no pre-shared key could be chosen',
  lookupPsk: 'the look-up of the pre-shared key failed',
  verifyChain: "the peer's certificate could not be judged",
  chooseCertificate: 'no certificate of ours could be chosen',
  sign: 'our own key failed to sign',
  resumeSession: 'the session to resume could not be looked up',
};

/** Answers the jobs of all peers of a server. */
export class ServerJobs<From> {
  readonly #options: ServerJobsOptions<From>;
  readonly #environment: Environment;

  constructor(options: ServerJobsOptions<From>, environment: Environment) {
    this.#options = options;
    this.#environment = environment;
  }

  answer(job: DtlsJob, from: From): Answer {
    if (job.type !== 'lookupPsk') return this.#options.ask(job, from);
    if (job.identity.length > MAX_IDENTITY_BYTES) return this.#orUnknown(undefined);
    const found = this.#options.ask(job, from);
    return found instanceof Promise ? found.then((later) => this.#orUnknown(later)) : this.#orUnknown(found);
  }

  /** A key that nobody has goes the way of a wrong one, in the same time and with the same silence. */
  #orUnknown(found: DtlsJobAnswer): DtlsJobAnswer {
    if (found !== undefined) return found;
    this.#options.onUnknownIdentity();
    if (this.#options.unknownIdentity === 'alert') return undefined;
    return { key: this.#environment.random.bytes(UNKNOWN_KEY_BYTES), unknownIdentity: true };
  }
}

/**
 * Gives a connection the answer to its job, at once or later; a key in it is zeroed once it has been used. What cannot
 * be had is told the peer as internal_error: that an identity is unknown would be a lie, which devices act upon.
 */
export function answerWith(
  driver: ConnectionDriver | undefined,
  job: DtlsJob,
  ask: () => Answer,
  { log }: Pick<Environment, 'log'>,
): void {
  const give = (answer: DtlsJobAnswer): void => {
    driver?.answer(job.id, answer);
    if (answer !== undefined && 'key' in answer) answer.key.fill(0);
    if (answer !== undefined && 'master' in answer) answer.master.fill(0);
  };
  const refuse = (error: unknown): void => {
    log.warn({ error, job: job.type }, 'a job of a handshake failed; the peer is refused');
    driver?.abort(ALERT.internalError, FAILURES[job.type]);
  };
  try {
    const answer = ask();
    if (answer instanceof Promise) answer.then(give, refuse);
    else give(answer);
  } catch (error) {
    refuse(error);
  }
}
