// When an observed path is due for a notification: pmin, pmax and value conditions, pure over `now`
// (LwM2M Core 1.2 §5.1.2 Notification Conditions, §6.4).

import { type Entry, type Path, type Value, equalValues } from '../model/index.ts';
import { type Instant, NEVER, later, seconds } from '../runtime/index.ts';
import type { NotificationAttributes } from './attributes.ts';

/** One observed path. */
export interface Subject {
  readonly path: Path;
}

interface Watched extends Subject {
  sent: readonly Entry[];
  sentAt: Instant;
  changed: boolean;
  /** Being read now: nothing is due until the values are there. */
  reading: boolean;
}

/** Attributes that apply at a path, with the server's defaults (/1/x/2, /1/x/3) filled in. */
export type AttributesOf = (path: Path) => NotificationAttributes;

/** The observations of one server, and when each must be looked at. */
export class NotificationSchedule {
  readonly #attributesOf: AttributesOf;
  readonly #subjects = new Set<Watched>();

  constructor(attributesOf: AttributesOf) {
    this.#attributesOf = attributesOf;
  }

  get size(): number {
    return this.#subjects.size;
  }

  /** Starts watching: `entries` were sent as the first notification. */
  add(path: Path, entries: readonly Entry[], now: Instant): Subject {
    const subject: Watched = { path, sent: entries, sentAt: now, changed: false, reading: false };
    this.#subjects.add(subject);
    return subject;
  }

  remove(subject: Subject): void {
    this.#subjects.delete(subject as Watched);
  }

  clear(): void {
    this.#subjects.clear();
  }

  /** Something at `path` changed; many changes before a notification are one. */
  changed(path: Path): void {
    for (const subject of this.#subjects) {
      if (subject.path.contains(path) || path.contains(subject.path)) subject.changed = true;
    }
  }

  /** The earliest instant at which something is due, or NEVER. */
  nextTimeout(): Instant {
    let next = NEVER;
    for (const subject of this.#subjects) next = Math.min(next, this.#deadline(subject)) as Instant;
    return next;
  }

  /** What to read now. Each must come back by `evaluate` or `remove`. */
  due(now: Instant): readonly Subject[] {
    const due = [...this.#subjects].filter((subject) => this.#deadline(subject) <= now);
    for (const subject of due) {
      subject.reading = true;
      subject.changed = false;
    }
    return due;
  }

  /** Takes what was read. @returns whether it is to be sent, which is then noted as done */
  evaluate(given: Subject, entries: readonly Entry[], now: Instant): boolean {
    const subject = given as Watched;
    if (!this.#subjects.has(subject)) return false;
    subject.reading = false;
    const pmaxReached = now >= this.#pmaxDeadline(subject);
    if (!pmaxReached && !this.#hasNews(subject.sent, entries)) return false;
    subject.sent = entries;
    subject.sentAt = now;
    return true;
  }

  #deadline(subject: Watched): Instant {
    if (subject.reading) return NEVER;
    const { pmin = 0 } = this.#attributesOf(subject.path);
    const byChange = subject.changed ? later(subject.sentAt, seconds(pmin)) : NEVER;
    return Math.min(byChange, this.#pmaxDeadline(subject)) as Instant;
  }

  /** 0 means none, and one below pmin is ignored (§5.1.2). */
  #pmaxDeadline(subject: Watched): Instant {
    const { pmin = 0, pmax = 0 } = this.#attributesOf(subject.path);
    return pmax === 0 || pmax < pmin ? NEVER : later(subject.sentAt, seconds(pmax));
  }

  #hasNews(before: readonly Entry[], now: readonly Entry[]): boolean {
    const old = new Map(before.map(({ path, value }) => [path.toString(), value]));
    if (old.size !== now.length) return true;
    return now.some(({ path, value }) => {
      const was = old.get(path.toString());
      return was === undefined || meetsConditions(was, value, this.#attributesOf(path));
    });
  }
}

/** Without conditions every change counts; with any of gt, lt, st one of them must be met. */
function meetsConditions(was: Value, is: Value, { gt, lt, st }: NotificationAttributes): boolean {
  if (equalValues(was, is)) return false;
  if (gt === undefined && lt === undefined && st === undefined) return true;
  const [from, to] = [Number(was), Number(is)];
  if (Number.isNaN(from) || Number.isNaN(to)) return true;
  const crossesGt = gt !== undefined && from > gt !== to > gt;
  const crossesLt = lt !== undefined && from < lt !== to < lt;
  return crossesGt || crossesLt || (st !== undefined && Math.abs(to - from) >= st);
}
