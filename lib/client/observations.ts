// Joins the notification schedule to CoAP's observations: reads what is due, sends what is news (LwM2M Core 1.2 §6.4).

import type { AttributeStore, NotificationAttributes } from './attributes.ts';
import { type Entry, type Path } from '../model/index.ts';
import type { Environment, Timer } from '../runtime/index.ts';
import { type IncomingRequest, type Observation, type OutgoingResponse, RESPONSE_CODES } from '../coap/index.ts';
import { NotificationSchedule, type Subject } from './notifications.ts';
import type { ObjectSet } from './object-set.ts';
import { encodeAcceptable } from './dispatch.ts';
import { refusal } from './refusal.ts';

export interface ObservationsOptions {
  readonly objects: ObjectSet;
  readonly attributes: AttributeStore;
  readonly environment: Environment;
  /** /1/x/2 and /1/x/3, in seconds, as they are now. */
  readonly defaultPeriods: () => { readonly pmin?: number | undefined; readonly pmax?: number | undefined };
  /** Send notifications confirmable where the server has not said otherwise. Default false. */
  readonly confirmable?: boolean | undefined;
  /** Observations of one server at once; a further one gets its value but is not observed. Default 256. */
  readonly maxObservations?: number | undefined;
}

const DEFAULT_MAX_OBSERVATIONS = 256; // no specification names one; far above what demo and production servers ask for

interface Watch {
  readonly observation: Observation;
  readonly contentFormat: number;
}

/** The observations of one server. */
export class Observations {
  readonly #options: ObservationsOptions;
  readonly #schedule: NotificationSchedule;
  readonly #watches = new Map<Subject, Watch>();
  #timer: Timer | undefined;

  constructor(options: ObservationsOptions) {
    this.#options = options;
    this.#schedule = new NotificationSchedule((path) => this.#attributesOf(path));
  }

  get size(): number {
    return this.#schedule.size;
  }

  /** Accepts a request to observe `path`, whose `entries` are being answered in `contentFormat`. */
  accept(request: IncomingRequest, path: Path, contentFormat: number, entries: readonly Entry[]): void {
    if (this.#schedule.size >= (this.#options.maxObservations ?? DEFAULT_MAX_OBSERVATIONS)) {
      this.#options.environment.log.warn({ path: `${path}` }, 'too many observations: not accepted');
      return;
    }
    const subject = this.#schedule.add(path, entries, this.#now());
    let observation: Observation | undefined;
    try {
      observation = request.acceptObservation?.({ ended: () => this.#remove(subject) });
    } catch (error) {
      this.#remove(subject); // the read took so long that the request has been answered otherwise
      throw error;
    }
    if (observation === undefined) return this.#remove(subject);
    this.#watches.set(subject, { observation, contentFormat });
    this.#arm();
  }

  /** Values, instances or attributes at `path` changed. */
  changed(path: Path): void {
    this.#schedule.changed(path);
    this.#arm();
  }

  /** Other deadlines apply now. */
  attributesChanged(): void {
    this.#arm();
  }

  /** Ends all of them on our side. */
  clear(): void {
    for (const { observation } of this.#watches.values()) observation.end();
    this.#watches.clear();
    this.#schedule.clear();
    this.#arm();
  }

  /** Always from the timer: all changes of one call stack make one notification. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.environment.timers.at(this.#schedule.nextTimeout(), () => this.#run());
  }

  #run(): void {
    for (const subject of this.#schedule.due(this.#now())) this.#read(subject);
    this.#arm();
  }

  #read(subject: Subject): void {
    try {
      const entries = this.#options.objects.read(subject.path, 'server');
      if (entries instanceof Promise) {
        entries.then(
          (read) => this.#evaluated(subject, read),
          (error: unknown) => this.#failed(subject, error),
        );
      } else this.#evaluated(subject, entries);
    } catch (error) {
      this.#failed(subject, error);
    }
  }

  #evaluated(subject: Subject, entries: readonly Entry[]): void {
    const watch = this.#watches.get(subject);
    const isNews = this.#schedule.evaluate(subject, entries, this.#now());
    this.#arm();
    if (watch === undefined || !isNews) return;
    try {
      const { contentFormat } = watch;
      const payload = encodeAcceptable(contentFormat, subject.path, entries, this.#options.objects);
      this.#notify(watch, subject.path, { code: RESPONSE_CODES.content, contentFormat, payload });
    } catch (error) {
      this.#failed(subject, error);
    }
  }

  /** What cannot be read any more is told once, and that ends the observation (RFC 7641 §4.2). */
  #failed(subject: Subject, error: unknown): void {
    const watch = this.#watches.get(subject);
    this.#remove(subject);
    if (watch !== undefined) this.#notify(watch, subject.path, refusal(error, this.#options.environment.log));
  }

  #notify({ observation }: Watch, path: Path, response: OutgoingResponse): void {
    const { con } = this.#attributesOf(path);
    const confirmable = con === undefined ? this.#options.confirmable === true : con === 1;
    observation.notify(response, { confirmable }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.environment.log.debug({ path: `${path}`, reason }, 'notification not delivered');
    });
  }

  #remove(subject: Subject): void {
    this.#schedule.remove(subject);
    this.#watches.delete(subject);
    this.#arm();
  }

  #attributesOf(path: Path): NotificationAttributes {
    return { ...this.#options.defaultPeriods(), ...this.#options.attributes.effective(path) };
  }

  #now() {
    return this.#options.environment.clock.now();
  }
}
