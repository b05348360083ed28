// Sends of one server: in order, one at a time; what cannot be told now waits until the server can be reached, and over
// restarts where there is storage (LwM2M Core 1.2 §6.4.6).

import { type CoapConnection, CoapError, RESPONSE_CODES } from '../coap/index.ts';
import { LwM2mError, formatResponseCode } from './lwm2m-error.ts';
import { type SendPack, encodePack } from './send.ts';
import type { Log } from '../runtime/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import type { ObjectSet } from './object-set.ts';

export interface SendQueueOptions {
  readonly objects: () => ObjectSet;
  readonly log: Log;
  /** /1/x/23, now. */
  readonly muted: () => boolean;
  readonly refusedAsMuted: () => void;
  /** A request was not answered: find out whether the server is there. */
  readonly undelivered: () => void;
  /** Other packs wait than before. */
  readonly save: (packs: readonly SendPack[]) => void;
  /** Values that wait for the server at once; the oldest packs are dropped for newer ones. Default 10,000. */
  readonly maxValues?: number | undefined;
}

// Ours: a server that answers Updates and never a Send must not hold up for ever what comes after.
const MOST_ATTEMPTS = 5;
const DEFAULT_MAX_VALUES = 10_000; // as in one payload: no specification names one

interface Waiting {
  readonly pack: SendPack;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Ends the request, should it be under way. */
  readonly abort: AbortController;
  /** The server could not be told when it was asked for. */
  late: boolean;
  /** Requests that were not answered. */
  attempts: number;
}

interface Reachable {
  readonly connection: CoapConnection;
  readonly version: LwM2mVersion;
}

/** First in, first out. */
export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #waiting: Waiting[] = [];
  #server: Reachable | undefined;
  #isOpen = false;
  #isSending = false;
  #hasSaved = false;
  #dropped = 0;

  constructor(options: SendQueueOptions) {
    this.#options = options;
  }

  /** Packs that wait, and values that were dropped: for newer ones, or after five requests without an answer. */
  get state(): { readonly waiting: number; readonly dropped: number } {
    return { waiting: this.#waiting.length, dropped: this.#dropped };
  }

  /** The client runs: from now on Sends are taken. @param saved of an earlier run */
  open(saved: readonly SendPack[]): void {
    this.#isOpen = true;
    this.#hasSaved = saved.length > 0;
    const ignore = (): void => undefined; // nobody waits for these any more
    for (const pack of saved)
      this.#waiting.push({
        pack,
        resolve: ignore,
        reject: ignore,
        abort: new AbortController(),
        late: true,
        attempts: 0,
      });
    this.#makeRoom();
  }

  /** The client stops. What has not been told is kept for its next start, and who waits for it hears so. */
  close(): void {
    this.goOffline();
    this.#isOpen = false;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new LwM2mError('ESTATE', 'Send: the client was stopped; what it had taken is sent after its next start'));
    }
  }

  /** Resolves when the server has it. @throws LwM2mError ESTATE, EMUTED, EREFUSED, EDROPPED; CoapError; the signal's reason */
  async send(pack: SendPack, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#check(pack);
    return new Promise((resolve, reject) => {
      const aborted = (): void => this.#end(waiting, () => reject(signal?.reason as Error));
      const settled = (): void => signal?.removeEventListener('abort', aborted);
      const waiting: Waiting = {
        pack,
        late: this.#server === undefined,
        attempts: 0,
        abort: new AbortController(),
        resolve: () => {
          settled();
          resolve();
        },
        reject: (error) => {
          settled();
          reject(error as Error);
        },
      };
      signal?.addEventListener('abort', aborted);
      this.#waiting.push(waiting);
      this.#makeRoom();
      if (waiting.late) this.#save();
      void this.#tell();
    });
  }

  /** The server can be reached, and knows us. */
  goOnline(connection: CoapConnection, version: LwM2mVersion): void {
    this.#server = { connection, version };
    void this.#tell();
  }

  goOffline(): void {
    this.#server = undefined;
    for (const waiting of this.#waiting) waiting.late = true;
    this.#save();
  }

  /** /1/x/23 may be another. */
  settingsChanged(): void {
    void this.#tell();
  }

  get #maxValues(): number {
    return this.#options.maxValues ?? DEFAULT_MAX_VALUES;
  }

  #check({ entries }: SendPack): void {
    if (!this.#isOpen) throw new LwM2mError('ESTATE', 'Send: the client does not run; start it first');
    if (this.#server?.version === '1.0') throw noSend();
    if (this.#options.muted()) {
      this.#options.refusedAsMuted();
      throw new LwM2mError('EMUTED', 'Send: Mute Send (/1/x/23) is true or absent; set it to false in the account');
    }
    if (entries.length > this.#maxValues) {
      throw new LwM2mError('ECONFIG', `Send: expected at most ${this.#maxValues} values, found ${entries.length}`);
    }
  }

  #makeRoom(): void {
    let values = 0;
    for (const { pack } of this.#waiting) values += pack.entries.length;
    while (values > this.#maxValues) {
      const [oldest] = this.#waiting;
      values -= oldest!.pack.entries.length;
      this.#dropped += oldest!.pack.entries.length;
      this.#end(oldest!, () =>
        oldest!.reject(new LwM2mError('EDROPPED', 'Send: dropped for newer values: the server cannot be reached')),
      );
    }
  }

  /** @param tell settles what the application waits for */
  #end(waiting: Waiting, tell: () => void): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.abort.abort();
    this.#save();
    tell();
  }

  async #tell(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (;;) {
        const [next] = this.#waiting;
        const server = this.#server;
        if (next === undefined || server === undefined || this.#options.muted()) return;
        await this.#deliver(next, server);
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #deliver(next: Waiting, { connection, version }: Reachable): Promise<void> {
    try {
      const pack = this.#stillThere(next.pack);
      if (version === '1.0') throw noSend();
      if (pack.entries.length === 0) throw nothingLeft(version);
      const body = encodePack(pack, version, next.late, this.#options.objects());
      const { code } = await connection.request(
        { method: 'POST', path: ['dp'], ...body },
        { signal: next.abort.signal },
      );
      if (code !== RESPONSE_CODES.changed) throw refused(code);
      this.#end(next, next.resolve);
    } catch (error) {
      if (!this.#waiting.includes(next)) return; // nobody waits for it any more
      const isTimeout = error instanceof CoapError && error.code === 'ETIMEDOUT';
      if (!isOutOfReach(error) || (isTimeout && ++next.attempts >= MOST_ATTEMPTS)) {
        if (isTimeout) this.#dropped += next.pack.entries.length;
        return this.#end(next, () => next.reject(error));
      }
      next.late = true;
      if (this.#server?.connection === connection) this.#server = undefined; // until it has answered again
      this.#save();
      this.#options.undelivered();
    }
  }

  /** What has gone while it waited is not told: servers hear of registered resources alone. */
  #stillThere(pack: SendPack): SendPack {
    const objects = this.#options.objects();
    const entries = pack.entries.filter(({ path }) => objects.has(path.prefix(3)));
    if (entries.length === pack.entries.length) return pack;
    this.#options.log.info({ values: pack.entries.length - entries.length }, 'Send: resources are gone meanwhile');
    return { ...pack, entries };
  }

  #save(): void {
    if (!this.#isOpen) return; // what was kept at the end stays
    const late = this.#waiting.filter((waiting) => waiting.late).map(({ pack }) => pack);
    if (late.length === 0 && !this.#hasSaved) return;
    this.#hasSaved = late.length > 0;
    this.#options.save(late);
  }
}

function noSend(): LwM2mError {
  return new LwM2mError('ESTATE', 'Send: registered as LwM2M 1.0, which has no Send');
}

function nothingLeft(version: LwM2mVersion): LwM2mError {
  return new LwM2mError('EDROPPED', `Send: nothing of it is there any more, or known to servers of LwM2M ${version}`);
}

function refused(code: number): LwM2mError {
  return new LwM2mError('EREFUSED', `Send: the server answered ${formatResponseCode(code)}`, code);
}

const OUT_OF_REACH: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ECONNREFUSED', 'ECONNABORTED', 'ECANCELED']);

function isOutOfReach(error: unknown): boolean {
  return error instanceof CoapError && OUT_OF_REACH.has(error.code);
}
