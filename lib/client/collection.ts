// Collections: samples of a resource, gathered over time and sent as one pack (LwM2M Core 1.2 §6.4.6, RFC 8428 §4.5.3).

import { type Duration, type Environment, type Timer, later } from '../runtime/index.ts';
import { checkCount, checkDuration, wrong } from './check-options.ts';
import { type Sample, type SendFormat, checkSendFormat } from './send.ts';
import { LwM2mError } from './lwm2m-error.ts';
import type { Entry, Path, Value } from '../model/index.ts';
import { knownWallTime } from './wall-time.ts';

export interface CollectionOptions {
  /** Samples kept until they are sent; the oldest is dropped for a newer one. Default 1,000. */
  readonly maxSamples?: number | undefined;
  /** Take a sample so often. Default: only when the application says so. */
  readonly sampleEvery?: Duration | undefined;
  /** Send so often what there is. Default: only when the application says so. */
  readonly flushEvery?: Duration | undefined;
  /** Default: all servers. */
  readonly shortServerId?: number | undefined;
  /** Default `senmlCbor`: the shortest that has times. */
  readonly format?: SendFormat | undefined;
}

/** What a collection needs of its client. */
export interface CollectionContext {
  readonly environment: Environment;
  read(path: Path): Promise<readonly Entry[]>;
  send(samples: readonly Sample[]): Promise<void>;
  /** It was closed. */
  closed(collection: Collection): void;
}

const DEFAULT_MAX_SAMPLES = 1_000; // no specification names one: some 10 KB as SenML CBOR
const LEAST_INTERVAL = 1; // ms: an interval of 0 would leave no time for anything else

/** Samples of what is at one path. Made by `client.collect(path)`. */
export class Collection {
  readonly path: Path;
  readonly #context: CollectionContext;
  readonly #maxSamples: number;
  readonly #timers = new Set<Timer>();
  #samples: Sample[] = [];
  #dropped = 0;
  #isClosed = false;
  #failure: string | undefined;

  /** @throws LwM2mError ECONFIG */
  constructor(path: Path, options: CollectionOptions, context: CollectionContext) {
    this.path = path;
    this.#context = context;
    this.#maxSamples = checkCount(options.maxSamples, 'maxSamples') ?? DEFAULT_MAX_SAMPLES;
    if (this.#maxSamples === 0) throw wrong('maxSamples', 'an integer from 1', 0);
    checkSendFormat(options.format);
    this.#repeat(options.sampleEvery, 'sampleEvery', () => this.sample());
    this.#repeat(options.flushEvery, 'flushEvery', () => this.flush());
  }

  /** Samples that have not been sent. */
  get size(): number {
    return this.#samples.length;
  }

  /** Samples that were dropped for newer ones, or that a server refused. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Notes what is at the path now. @throws ModelError as reading does; LwM2mError ESTATE when closed */
  async sample(): Promise<void> {
    this.#checkOpen();
    const at = this.#now();
    const entries = await this.#context.read(this.path);
    if (this.#isClosed) return;
    for (const { path, value, timestamp } of entries) {
      this.#add({ path, value, at: timestamp === undefined ? at : new Date(timestamp) });
    }
  }

  /**
   * Notes a value of the resource (instance) at the path; checked when it is sent.
   * @param at when it was so; default now, where the time is known
   * @throws LwM2mError ESTATE when closed
   */
  add(value: Value, at: Date | undefined = this.#now()): void {
    this.#checkOpen();
    this.#add({ path: this.path, value, at });
  }

  /**
   * Sends all there is: as one pack, or, where the time is not known, one sample after the other. What was not taken because
   * Send is muted or the client does not run stays; what is refused is dropped.
   * @throws as `LwM2mClient.send`
   */
  async flush(): Promise<void> {
    const packs = packed(this.#samples);
    this.#samples = [];
    for (const [i, pack] of packs.entries()) {
      try {
        await this.#context.send(pack);
      } catch (error) {
        if (!this.#isClosed) this.#putBack(pack, packs.slice(i + 1).flat(), mayComeLater(error));
        throw error;
      }
    }
  }

  #putBack(failed: readonly Sample[], rest: readonly Sample[], again: boolean): void {
    if (!again) this.#dropped += failed.length;
    this.#samples = [...(again ? failed : []), ...rest, ...this.#samples];
    this.#makeRoom();
  }

  /** Ends it; what has not been sent is dropped, unless `flush` came before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#dropped += this.#samples.length;
    this.#samples = [];
    this.#context.closed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #add(sample: Sample): void {
    this.#samples.push(sample);
    this.#makeRoom();
  }

  #makeRoom(): void {
    const excess = this.#samples.length - this.#maxSamples;
    if (excess <= 0) return;
    this.#samples.splice(0, excess);
    this.#dropped += excess;
  }

  #now(): Date | undefined {
    const time = knownWallTime(this.#context.environment.clock);
    return time === undefined ? undefined : new Date(time);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LwM2mError('ESTATE', `the collection of ${this.path} is closed`);
  }

  /** One after the other: what takes longer than the interval delays the next. */
  #repeat(interval: Duration | undefined, name: string, work: () => Promise<void>): void {
    if (interval === undefined) return;
    const every = Math.max(checkDuration(interval, name), LEAST_INTERVAL) as Duration;
    const { clock, timers } = this.#context.environment;
    let due = later(clock.now(), every);
    const arm = (): void => {
      const timer = timers.at(due, () => {
        this.#timers.delete(timer);
        work()
          .then(
            () => (this.#failure = undefined),
            (error: unknown) => this.#report(error),
          )
          .finally(() => {
            if (this.#isClosed) return;
            due = later(clock.now() > due ? clock.now() : due, every);
            arm();
          });
      });
      this.#timers.add(timer);
    };
    arm();
  }

  /** The same failure time and again is told once. */
  #report(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === this.#failure) return;
    this.#failure = reason;
    this.#context.environment.log.warn({ path: `${this.path}`, reason }, 'a collection cannot go on as it should');
  }
}

/** One time has one value: of several within a millisecond the newest is told. */
function packed(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  if (!samples.every(({ at }) => at !== undefined)) return samples.map((sample) => [sample]);
  if (samples.length === 0) return [];
  return [[...new Map(samples.map((sample) => [`${sample.path} ${sample.at!.getTime()}`, sample])).values()]];
}

/** Whether the same could be sent at another time. */
function mayComeLater(error: unknown): boolean {
  return error instanceof LwM2mError && (error.code === 'EMUTED' || error.code === 'ESTATE');
}
