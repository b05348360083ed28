// The signals of one stream (RFC 8323 §5): the introduction by CSM, pings of both sides, and what the peer says at the end.

import type { RandomSource } from '../runtime/index.ts';
import { CoapError } from './coap-error.ts';
import type { MessageContent } from './message.ts';
import { OwedPongs } from './owed-pongs.ts';
import {
  BASE_CAPABILITIES,
  type Capabilities,
  type ReleaseReasons,
  type Signal,
  pingMessage,
  readSignal,
} from './signalling.ts';
import { TokenLayer } from './token-layer.ts';

/** What the signals lead to. */
export interface SignalTasks {
  put(content: MessageContent): void;
  /** The peer's CSM is there. */
  introduced(): void;
  /** The peer wants the connection to end. */
  released(reasons: ReleaseReasons): void;
  /** The peer has ended it. */
  aborted(why: string): void;
  /** A rule is broken. */
  refuse(why: string): void;
  unknown(): void;
}

type Settle = (error?: Error) => void;

const MOST_PINGS = 16; // ours, at once
const NOT_INTRODUCED = 'the first message is to be a CSM (RFC 8323 §5.3)';

export class StreamSignals {
  readonly pongs: OwedPongs;
  readonly #tasks: SignalTasks;
  readonly #pings: TokenLayer<Settle>;
  readonly #waiting = new Set<Settle>();
  #peer: Capabilities | undefined;

  constructor(random: RandomSource, tasks: SignalTasks) {
    this.#tasks = tasks;
    this.#pings = new TokenLayer(random, { maxOpenTokens: MOST_PINGS });
    this.pongs = new OwedPongs((token, custody) => tasks.put(pingMessage('pong', token, custody)));
  }

  /** What the peer said that it can take. */
  get capabilities(): Capabilities | undefined {
    return this.#peer;
  }

  /** Whether the peer has said what it can take; refuses it otherwise. */
  expectIntroduction(): boolean {
    if (this.#peer === undefined) this.#tasks.refuse(NOT_INTRODUCED);
    return this.#peer !== undefined;
  }

  introduced(signal: AbortSignal | undefined): Promise<void> {
    if (this.#peer !== undefined) return Promise.resolve();
    return this.#wait('connecting', signal, (settle) => {
      this.#waiting.add(settle);
      return () => this.#waiting.delete(settle);
    });
  }

  ping(custody: boolean, signal: AbortSignal | undefined): Promise<void> {
    return this.#wait('the ping', signal, (settle) => {
      const token = this.#pings.open(settle);
      this.#tasks.put(pingMessage('ping', token, custody));
      return () => this.#pings.close(token);
    });
  }

  /** @throws DecodeError, BadSignalOption */
  heed(content: MessageContent): void {
    const signal = readSignal(content);
    if (signal.kind === 'abort') return this.#tasks.aborted(wordsOf(signal));
    if (signal.kind !== 'csm' && !this.expectIntroduction()) return;
    switch (signal.kind) {
      case 'csm':
        this.#peer = { ...(this.#peer ?? BASE_CAPABILITIES), ...signal.changes };
        this.#tasks.introduced();
        for (const settle of [...this.#waiting]) settle();
        return;
      case 'ping':
        return this.pongs.owe(signal.token, signal.custody);
      case 'pong':
        return this.#answered(signal.token);
      case 'release':
        return this.#tasks.released(signal.reasons);
      case 'unknown':
        return this.#tasks.unknown();
    }
  }

  // libcoap 4.3 leaves the token out: then it is the oldest that is answered, for a stream keeps their order.
  #answered(token: Uint8Array): void {
    const [oldest] = token.length === 0 ? this.#pings.entries() : [];
    (this.#pings.find(token) ?? oldest)?.();
  }

  /** Nobody waits any longer. */
  close(error: Error): void {
    for (const settle of [...this.#waiting, ...this.#pings.closeAll()]) settle(error);
  }

  #wait(what: string, signal: AbortSignal | undefined, begin: (settle: Settle) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const canceled = (): CoapError => new CoapError('ECANCELED', `${what} was aborted`, signal?.reason);
      if (signal?.aborted === true) return reject(canceled());
      const settle = (error?: Error): void => {
        end();
        signal?.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = (): void => settle(canceled());
      const end = begin(settle);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

function wordsOf({ diagnostic, badCsmOption }: Extract<Signal, { kind: 'abort' }>): string {
  const option = badCsmOption === undefined ? '' : ` for CSM option ${badCsmOption}`;
  return `the peer aborts the connection${option}: ${diagnostic === '' ? 'it says no more' : diagnostic}`;
}
