// Joins the notification schedule to CoAP's observations: reads what is due, sends what is news, and keeps it for a server
// that cannot be reached (LwM2M Core 1.2 §6.4).

import { type Entry, ModelError, Path } from '../model/index.ts';
import { type Environment, type Timer, later, seconds } from '../runtime/index.ts';
import type { SavedObservation } from './saved-observations.ts';
import {
  type CoapConnection,
  CoapError,
  type Observation,
  type ObservationWatcher,
  type OutgoingResponse,
  RESPONSE_CODES,
} from '../coap/index.ts';
import { NotificationSchedule, type Subject } from './notification-schedule.ts';
import type { ObjectSet } from './object-set.ts';
import { ObservationRules, type ObservationRulesOptions } from './observation-rules.ts';
import { type Reading, StoredNotifications } from './stored-notifications.ts';
import { UnclaimedReadings } from './unclaimed-readings.ts';
import type { Patience } from './patience.ts';
import { encodeAcceptable } from './answers.ts';
import { knownWallTime } from './wall-time.ts';
import { type Batch, type Observed, type Watch, detach, history, storedBatches } from './watch.ts';
import { readSeveral } from './composite.ts';
import { refusal } from './refusal.ts';
import { DecodeError } from '../bytes/index.ts';

export interface ObservationsOptions extends ObservationRulesOptions {
  readonly objects: ObjectSet;
  readonly environment: Environment;
  readonly patience: Patience;
  /** A confirmable notification was not acknowledged: find out whether the server is there. */
  readonly undelivered: () => void;
  /** There are others than before: `saved` gives another answer. */
  readonly remember?: (() => void) | undefined;
  /** Observations of one server at once; a further one gets its value but is not observed. Default 256. */
  readonly maxObservations?: number | undefined;
  /** Values that all of them watch, which are kept; with more, an observation is not accepted, or ends. Default 100,000. */
  readonly maxObservedValues?: number | undefined;
  /**
   * Notifications kept for one server while it cannot be reached: the oldest of all is dropped for a newer one, and beyond
   * hqmax the oldest value at a path. Default 1,000.
   */
  readonly maxStored?: number | undefined;
}

const DEFAULT_MAX_OBSERVATIONS = 256; // no specification names one; far above what demo and production servers ask for
const DEFAULT_MAX_OBSERVED_VALUES = 100_000; // ours: some 30 MB
const LONGEST_UNCONFIRMED = seconds(86_400); // RFC 7641 §4.5: one confirmable in 24 hours
const NUMBERS_PASSED_OVER = 1 << 20; // more than a run notifies after it was saved last, and still ahead (RFC 7641 §3.4: 2^23)
const DEFAULT_MAX_STORED = 1_000; // none either: half a day of one reading every 45 s, and at most some megabytes

/** The observations of one server. */
export class Observations {
  readonly #options: ObservationsOptions;
  readonly #rules: ObservationRules;
  readonly #schedule: NotificationSchedule;
  readonly #stored: StoredNotifications;
  readonly #unclaimed: UnclaimedReadings;
  readonly #watches = new Map<Subject, Watch>();
  #timer: Timer | undefined;
  #online = true;
  #isHeld = false;

  constructor(options: ObservationsOptions) {
    this.#options = options;
    this.#rules = new ObservationRules(options);
    this.#schedule = new NotificationSchedule(
      (path, subject) => this.#rules.attributesOf(path, subject),
      (subject) => this.#rules.mayHaveEdges(subject),
    );
    this.#stored = new StoredNotifications(options.maxStored ?? DEFAULT_MAX_STORED);
    this.#unclaimed = new UnclaimedReadings(this.#stored);
  }

  get size(): number {
    return this.#schedule.size;
  }

  /** Notifications that wait for the server, and how many were dropped for newer ones. */
  get stored(): { readonly waiting: number; readonly dropped: number } {
    return { waiting: this.#stored.size, dropped: this.#stored.dropped };
  }

  /** Accepts a request to observe what is being answered. */
  accept(observed: Observed): void {
    const { request, paths, entries } = observed;
    const isFull = this.#schedule.size >= (this.#options.maxObservations ?? DEFAULT_MAX_OBSERVATIONS);
    if (isFull || this.#schedule.values + entries.length > this.#maxValues) {
      this.#options.environment.log.warn({ paths: paths.join(' ') }, 'too many observations: not accepted');
      return;
    }
    const subject = this.#schedule.add(observed, entries, this.#now());
    let observation: Observation | undefined;
    try {
      observation = request.acceptObservation?.(this.#watcher(subject));
    } catch (error) {
      this.#remove(subject); // the read took so long that the request has been answered otherwise
      throw error;
    }
    if (observation === undefined) return this.#remove(subject);
    this.#watch(subject, observed, { observation, confirmedAt: this.#now() });
    this.#tellUnclaimed(subject, observed);
    this.#options.remember?.();
    this.#arm();
  }

  /** After the answer to the request, which is on its way. */
  #tellUnclaimed(subject: Subject, observed: Observed): void {
    const readings = this.#unclaimed.claim(observed);
    if (readings.length === 0) return;
    this.#options.environment.timers.at(this.#now(), () => {
      const watch = this.#watches.get(subject);
      if (watch !== undefined) this.#tell(subject, watch, { readings, live: false });
    });
  }

  /** What outlives the process. @param whole with what is stored, which changes too often to be written each time */
  saved(whole: boolean): readonly SavedObservation[] {
    return [...this.#watches]
      .filter(([, { failure }]) => failure === undefined)
      .map(([subject, { request, paths, composite, parameters, contentFormat, observation, sequence }]) => ({
        request: { ...request, acceptObservation: undefined },
        paths,
        composite,
        parameters,
        contentFormat,
        sequence: observation?.sequence ?? sequence,
        readings: whole ? this.#stored.of(subject) : [],
      }));
  }

  /** Goes on with those of an earlier run once the server can be reached: it then hears what there is now. */
  restore(all: readonly SavedObservation[]): void {
    this.#online = false;
    for (const each of all.slice(0, this.#options.maxObservations ?? DEFAULT_MAX_OBSERVATIONS)) {
      const subject = this.#schedule.add(each, [], this.#now());
      const sequence = (each.sequence + NUMBERS_PASSED_OVER) & 0xffffff;
      this.#watch(subject, { ...each, entries: [] }, { sequence });
      if (this.#rules.stores) this.#store(subject, each.readings);
    }
  }

  get #maxValues(): number {
    return this.#options.maxObservedValues ?? DEFAULT_MAX_OBSERVED_VALUES;
  }

  #watch(subject: Subject, observed: Observed, known: Partial<Watch>): void {
    this.#watches.set(subject, {
      ...observed,
      entries: [], // the schedule has them
      observation: undefined,
      sequence: 0,
      batches: [],
      failure: undefined,
      confirmedAt: undefined,
      ...known,
    });
  }

  /** Values or instances at `path` changed. */
  changed(path: Path): void {
    this.#schedule.changed(path);
    this.#arm();
  }

  /** While changes that belong together are made, nothing is looked at. */
  hold(held: boolean): void {
    this.#isHeld = held;
    this.#arm();
  }

  /** Other attributes apply at and below `path`, or other default periods everywhere. */
  attributesChanged(path?: Path): void {
    this.#schedule.attributesChanged(path);
    this.#arm();
  }

  /** The server cannot be reached: notifications are kept for it, or (/1/x/6) there are none. */
  goOffline(): void {
    this.#online = false;
    for (const watch of this.#watches.values()) detach(watch);
    this.#arm();
  }

  /** It can be reached by this connection, and knows us: it hears what was kept, oldest first. */
  goOnline(connection: CoapConnection): void {
    this.#online = true;
    for (const [subject, watch] of this.#watches) {
      if (!this.#adopt(subject, watch, connection)) continue;
      if (watch.confirmedAt === undefined) this.#schedule.unsent(subject);
      this.#tellStored(subject, watch);
      if (watch.failure !== undefined) this.#end(subject, watch, watch.failure);
    }
    this.#arm();
  }

  /** @returns false for a request that cannot be gone on with, as one from a damaged Storage: it is forgotten */
  #adopt(subject: Subject, watch: Watch, connection: CoapConnection): boolean {
    try {
      watch.observation ??= connection.adoptObservation(watch.request, this.#watcher(subject), watch.sequence);
      return true;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.environment.log.warn(
        { reason: error.message },
        'an observation that was saved cannot be gone on with',
      );
      this.#remove(subject);
      return false;
    }
  }

  /** The server has registered us: it has none any more, and is to hear what is kept for it when it observes the same again. */
  renew(): void {
    for (const [subject, watch] of this.#watches) {
      watch.observation?.end();
      this.#schedule.remove(subject);
      this.#unclaimed.leave(subject, watch);
    }
    this.#watches.clear();
    this.#online = true;
    this.#options.remember?.();
    this.#arm();
  }

  /** Ends all of them on our side; the server has no more of them, or is told so. */
  clear(): void {
    const { waiting } = this.stored;
    if (waiting > 0)
      this.#options.environment.log.info({ waiting }, 'stored notifications end with their observations');
    this.close();
    this.#options.remember?.();
  }

  /** Ends all of them for this run. */
  close(): void {
    for (const { observation } of this.#watches.values()) observation?.end();
    this.#watches.clear();
    this.#schedule.clear();
    this.#stored.clear();
    this.#unclaimed.clear();
    this.#online = true;
    this.#arm();
  }

  #watcher(subject: Subject): ObservationWatcher {
    return {
      ended: (reason) => {
        const watch = this.#watches.get(subject);
        // A server that is out of reach has not lost interest (§6.4.1: until the next registration it relies on us).
        if ((reason === 'timeout' || reason === 'closed') && watch !== undefined) detach(watch);
        else this.#remove(subject);
      },
    };
  }

  /** Always from the timer: all changes of one call stack make one notification. */
  #arm(): void {
    this.#timer?.cancel();
    if (this.#isHeld) return;
    if (!this.#online && !this.#rules.stores) return;
    this.#timer = this.#options.environment.timers.at(this.#schedule.nextTimeout(), () => this.#run());
  }

  #run(): void {
    for (const subject of this.#schedule.due(this.#now())) this.#read(subject);
    this.#arm();
  }

  #read(subject: Subject): void {
    try {
      const entries = this.#entries(subject);
      if (entries instanceof Promise) {
        this.#options.patience.wait(entries).then(
          (read) => this.#evaluated(subject, read),
          (error: unknown) => this.#failed(subject, error),
        );
      } else this.#evaluated(subject, entries);
    } catch (error) {
      this.#failed(subject, error);
    }
  }

  /** Access is checked again at each read. */
  #entries({ paths, composite }: Subject): readonly Entry[] | Promise<readonly Entry[]> {
    const { objects } = this.#options;
    return composite ? readSeveral(objects, paths) : objects.read(paths[0]!, 'server');
  }

  #evaluated(subject: Subject, entries: readonly Entry[]): void {
    const watch = this.#watches.get(subject);
    const isNews = this.#schedule.evaluate(subject, entries, this.#now());
    this.#arm();
    if (this.#schedule.values > this.#maxValues)
      return this.#failed(subject, new ModelError('internal', `more than ${this.#maxValues} values are observed`));
    if (watch === undefined || !isNews) return;
    const reading: Reading = { at: knownWallTime(this.#options.environment.clock), entries };
    if (watch.observation === undefined) this.#store(subject, [reading]);
    else this.#tell(subject, watch, { readings: [reading], live: true });
  }

  /** What is not kept is news again when the server is back. */
  #store(subject: Subject, readings: readonly Reading[]): void {
    if (!this.#rules.stores) return this.#schedule.unsent(subject);
    for (const { at, entries } of readings) {
      const kept = this.#rules.keptOf(subject, entries);
      if (kept.length === 0) continue;
      this.#stored.add(subject, { at, entries: kept }, (path) => this.#rules.attributesOf(path, subject).hqmax);
    }
  }

  #tellStored(subject: Subject, watch: Watch): void {
    const readings = this.#stored.take(subject);
    for (const batch of storedBatches(readings, watch.contentFormat)) this.#tell(subject, watch, batch);
  }

  /** In order, one confirmable at a time; of what happens meanwhile the newest is told (RFC 7641 §4.5.2). */
  #tell(subject: Subject, watch: Watch, batch: Batch): void {
    const { batches } = watch;
    if (batches.length > 1 && batch.live && batches.at(-1)!.live) batches.pop();
    batches.push(batch);
    if (batches.length === 1) this.#tellNext(subject, watch);
  }

  #tellNext(subject: Subject, watch: Watch): void {
    const [batch] = watch.batches;
    const { observation, contentFormat } = watch;
    if (batch === undefined || observation === undefined) return;
    try {
      const entries = batch.live
        ? batch.readings[0]!.entries
        : history(batch.readings, contentFormat, this.#options.objects);
      const payload = encodeAcceptable(
        contentFormat,
        watch.composite ? Path.root : watch.paths[0]!,
        entries,
        this.#options.objects,
      );
      const confirmable = this.#rules.isConfirmable(subject, entries) || this.#isUnconfirmed(watch);
      observation.notify({ code: RESPONSE_CODES.content, contentFormat, payload }, { confirmable }).then(
        () => {
          if (confirmable) watch.confirmedAt = this.#now();
          watch.batches.shift();
          this.#tellNext(subject, watch);
        },
        (error: unknown) => this.#undelivered(subject, watch, error),
      );
    } catch (error) {
      watch.batches.length = 0;
      this.#failed(subject, error);
    }
  }

  #undelivered(subject: Subject, watch: Watch, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.environment.log.debug({ paths: subject.paths.join(' '), reason }, 'notification not delivered');
    const readings = watch.batches.splice(0).flatMap((batch) => batch.readings);
    if (!this.#watches.has(subject)) return; // it has ended
    this.#store(subject, readings);
    if (watch.observation !== undefined) return this.#tellStored(subject, watch);
    if (error instanceof CoapError && error.code === 'ETIMEDOUT') this.#options.undelivered();
  }

  /** What cannot be read any more is told once, and that ends the observation (RFC 7641 §4.2). */
  #failed(subject: Subject, error: unknown): void {
    const watch = this.#watches.get(subject);
    if (watch === undefined) return this.#remove(subject);
    watch.failure = refusal(error, this.#options.environment.log);
    if (watch.observation !== undefined) this.#end(subject, watch, watch.failure);
  }

  #end(subject: Subject, watch: Watch, response: OutgoingResponse): void {
    const confirmable = this.#rules.isConfirmable(subject, []);
    this.#remove(subject);
    watch.observation?.notify(response, { confirmable }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.environment.log.debug({ paths: subject.paths.join(' '), reason }, 'the end was not delivered');
    });
  }

  /** Counted here, for a connection may not last that long. */
  #isUnconfirmed({ confirmedAt }: Watch): boolean {
    return confirmedAt === undefined || this.#now() >= later(confirmedAt, LONGEST_UNCONFIRMED);
  }

  #remove(subject: Subject): void {
    this.#schedule.remove(subject);
    if (this.#watches.delete(subject)) this.#options.remember?.();
    this.#stored.take(subject);
    this.#arm();
  }

  #now() {
    return this.#options.environment.clock.now();
  }
}
