// When an observation is due for a notification: periods and value conditions, pure over `now`
// (LwM2M Core 1.2 §5.1.2 Notification Conditions, §6.4).

import { type Entry, type Path, type Value, equalValues } from '../model/index.ts';
import { type Instant, NEVER, TimerTable, later, seconds } from '../runtime/index.ts';
import { type NotificationAttributes, hasValidConditions } from './attributes.ts';

/** What one observation watches: one path, or several of an Observe-Composite. */
export interface Subject {
  readonly paths: readonly Path[];
  /** Whether it came by Observe-Composite: what is not there is left out. */
  readonly composite: boolean;
  /** Of the Observe itself: for this observation they stand in place of everything written (§6.4.1). */
  readonly parameters: NotificationAttributes | undefined;
}

/** Attributes that apply at a path of a subject, with the server's defaults (/1/x/2, /1/x/3) filled in. */
export type AttributesOf = (path: Path, subject: Subject) => NotificationAttributes;

/** In seconds. */
interface Periods {
  readonly pmin: number;
  readonly pmax: number | undefined;
  readonly epmin: number;
  readonly epmax: number | undefined;
}

/** By the text of their path. */
type Entries = ReadonlyMap<string, Entry>;

interface Watched extends Subject {
  /** What the server has, and since when. */
  sent: Entries;
  sentAt: Instant;
  /** What was looked at last, and when. Edges are counted from here: a pulse has two. */
  seen: Entries;
  seenAt: Instant;
  /** Something at its paths may be different since. */
  changed: boolean;
  /** The conditions have been met; the minimum period is not over. */
  owed: boolean;
  /** Being read now: nothing is due until the values are there. */
  reading: boolean;
  periods: Periods;
  /** Whether a look must not wait for the minimum period, lest a pulse be missed. */
  hasEdges: boolean;
}

/** The observations of one server, and when each must be looked at. */
export class NotificationSchedule {
  readonly #attributesOf: AttributesOf;
  readonly #mayHaveEdges: (subject: Subject) => boolean;
  readonly #subjects = new Set<Watched>();
  /** Subjects by path, and by every path above one of theirs. */
  readonly #at = new Map<string, Set<Watched>>();
  readonly #above = new Map<string, Set<Watched>>();
  readonly #deadlines = new TimerTable<Watched>();
  #values = 0;

  /** @param mayHaveEdges false where no value of a subject has edges: then none is asked about them */
  constructor(attributesOf: AttributesOf, mayHaveEdges: (subject: Subject) => boolean = () => true) {
    this.#attributesOf = attributesOf;
    this.#mayHaveEdges = mayHaveEdges;
  }

  get size(): number {
    return this.#subjects.size;
  }

  /** Values that were looked at last, of all subjects together: they are kept, to tell what is news. */
  get values(): number {
    return this.#values;
  }

  /** Starts watching: `entries` were sent as the first notification. */
  add({ paths, composite, parameters }: Subject, entries: readonly Entry[], now: Instant): Subject {
    const values = byPath(entries);
    const subject: Watched = {
      paths,
      composite,
      parameters,
      sent: values,
      sentAt: now,
      seen: values,
      seenAt: now,
      changed: false,
      owed: false,
      reading: false,
      periods: { pmin: 0, pmax: undefined, epmin: 0, epmax: undefined },
      hasEdges: false,
    };
    this.#subjects.add(subject);
    this.#values += values.size;
    for (const path of paths) this.#index(path, subject, enter);
    this.#reconsider(subject);
    return subject;
  }

  remove(subject: Subject): void {
    const watched = subject as Watched;
    if (!this.#subjects.delete(watched)) return;
    this.#values -= watched.seen.size;
    watched.sent = watched.seen = new Map(); // who goes on to know the subject keeps no values with it
    this.#deadlines.cancel(watched);
    for (const path of watched.paths) this.#index(path, watched, leave);
  }

  clear(): void {
    this.#subjects.clear();
    this.#at.clear();
    this.#above.clear();
    this.#deadlines.clear();
    this.#values = 0;
  }

  /** Something at `path` changed; many changes before a notification are one. */
  changed(path: Path): void {
    for (const subjects of this.#about(path)) this.#mark(subjects);
  }

  /** Other attributes apply at and below `path`; without it, other default periods to all. */
  attributesChanged(path?: Path): void {
    for (const subjects of path === undefined ? [this.#subjects] : this.#about(path)) {
      for (const subject of subjects) this.#reconsider(subject);
    }
  }

  /** The subjects whose paths lie at, above or below it. */
  #about(path: Path): readonly ReadonlySet<Watched>[] {
    const found: ReadonlySet<Watched>[] = [];
    const note = (subjects: ReadonlySet<Watched> | undefined): void => void (subjects && found.push(subjects));
    for (let length = 0; length <= path.ids.length; length++) note(this.#at.get(path.prefix(length).toString()));
    note(this.#above.get(path.toString()));
    return found;
  }

  /** The earliest instant at which something is due, or NEVER. */
  nextTimeout(): Instant {
    return this.#deadlines.next();
  }

  /** What to read now. Each must come back by `evaluate` or `remove`. */
  due(now: Instant): readonly Subject[] {
    const due = this.#deadlines.expire(now);
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
    const values = byPath(entries);
    subject.owed ||= this.#meetsConditions(subject, values);
    this.#values += values.size - subject.seen.size;
    subject.seen = values;
    subject.seenAt = now;
    subject.reading = false;
    const sends = (subject.owed && now >= this.#pminOver(subject)) || now >= this.#pmaxOver(subject);
    if (sends) {
      subject.owed = false;
      subject.sent = values;
      subject.sentAt = now;
    }
    this.#schedule(subject);
    return sends;
  }

  /** What was to be sent never went: the values are news again. */
  unsent(given: Subject): void {
    const subject = given as Watched;
    if (!this.#subjects.has(subject)) return;
    subject.sent = new Map();
    this.#mark([subject]);
  }

  #index(path: Path, subject: Watched, change: typeof enter): void {
    change(this.#at, path, subject);
    for (let length = 0; length < path.ids.length; length++) change(this.#above, path.prefix(length), subject);
  }

  #mark(subjects: Iterable<Watched>): void {
    for (const subject of subjects) {
      if (subject.changed) continue;
      subject.changed = true;
      this.#schedule(subject);
    }
  }

  #reconsider(subject: Watched): void {
    const all = subject.paths.map((path) => this.#attributesOf(path, subject));
    subject.periods = periodsOf(all);
    subject.hasEdges = this.#mayHaveEdges(subject) && this.#hasEdges(subject, all);
    this.#schedule(subject);
  }

  #hasEdges(subject: Watched, own: readonly NotificationAttributes[]): boolean {
    if (own.some(({ edge }) => edge !== undefined)) return true;
    for (const { path } of subject.sent.values()) if (this.#attributesOf(path, subject).edge !== undefined) return true;
    return false;
  }

  #schedule(subject: Watched): void {
    this.#deadlines.set(subject, this.#deadline(subject));
  }

  #deadline(subject: Watched): Instant {
    if (subject.reading) return NEVER;
    const { changed, owed, hasEdges, seenAt, periods } = subject;
    const pminOver = this.#pminOver(subject);
    const epminOver = later(seenAt, seconds(periods.epmin));
    const byChange = changed ? Math.max(epminOver, hasEdges ? seenAt : pminOver) : NEVER;
    const byDebt = owed ? pminOver : NEVER;
    const byEpmax = periods.epmax === undefined ? NEVER : later(seenAt, seconds(periods.epmax));
    return Math.min(byChange, byDebt, byEpmax, this.#pmaxOver(subject)) as Instant;
  }

  #pminOver({ sentAt, periods }: Watched): Instant {
    return later(sentAt, seconds(periods.pmin));
  }

  #pmaxOver({ sentAt, periods }: Watched): Instant {
    return periods.pmax === undefined ? NEVER : later(sentAt, seconds(periods.pmax));
  }

  /** Of what is watched, one value that is news is enough; so is one that came or went. */
  #meetsConditions(subject: Watched, values: Entries): boolean {
    if (subject.sent.size !== values.size) return true;
    const mayHaveEdges = this.#mayHaveEdges(subject);
    for (const [key, { path, value }] of values) {
      const sent = subject.sent.get(key)?.value;
      if (sent === undefined) return true;
      if (!mayHaveEdges && equalValues(sent, value)) continue;
      const seen = subject.seen.get(key)?.value ?? sent;
      if (isNews({ sent, seen, value }, this.#attributesOf(path, subject))) return true;
    }
    return false;
  }
}

/** All that is in one notification waits for the longest pmin; one of them due by pmax takes the others along. */
function periodsOf(all: readonly NotificationAttributes[]): Periods {
  const pmin = Math.max(0, ...defined(all, 'pmin'));
  const pmax = Math.min(...defined(all, 'pmax').filter((each) => each > 0 && each >= pmin)); // §5.1.2: one below is ignored
  const epmin = Math.max(0, ...defined(all, 'epmin'));
  const epmax = Math.min(...defined(all, 'epmax'));
  return {
    pmin,
    pmax: Number.isFinite(pmax) ? pmax : undefined,
    epmin,
    epmax: Number.isFinite(epmax) && epmax > 0 ? Math.max(epmax, epmin) : undefined,
  };
}

function defined(all: readonly NotificationAttributes[], name: keyof NotificationAttributes): readonly number[] {
  return all.map((each) => each[name]).filter((value) => value !== undefined);
}

interface Development {
  readonly sent: Value;
  readonly seen: Value;
  readonly value: Value;
}

/** Without conditions every change counts; with any of them, one of them must be met. */
function isNews({ sent, seen, value }: Development, attributes: NotificationAttributes): boolean {
  if (attributes.edge !== undefined) return seen !== value && value === (attributes.edge === 1);
  if (equalValues(sent, value)) return false;
  const { gt, lt, st } = attributes;
  const conditional = (gt ?? lt ?? st) !== undefined && hasValidConditions(attributes);
  if (!conditional || !isNumeric(sent) || !isNumeric(value)) return true;
  const crossesGt = gt !== undefined && sent > gt !== value > gt;
  const crossesLt = lt !== undefined && sent < lt !== value < lt;
  return crossesGt || crossesLt || (st !== undefined && distance(sent, value) >= st);
}

function isNumeric(value: Value): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value));
}

/** Exact where one is beyond 2^53: both are integers then. */
function distance(from: number | bigint, to: number | bigint): number | bigint {
  if (typeof from === 'number' && typeof to === 'number') return Math.abs(to - from);
  const difference = BigInt(to) - BigInt(from);
  return difference < 0n ? -difference : difference;
}

function byPath(entries: readonly Entry[]): Entries {
  return new Map(entries.map((entry) => [entry.path.toString(), entry]));
}

function enter(index: Map<string, Set<Watched>>, path: Path, subject: Watched): void {
  const key = path.toString();
  const subjects = index.get(key);
  if (subjects === undefined) index.set(key, new Set([subject]));
  else subjects.add(subject);
}

function leave(index: Map<string, Set<Watched>>, path: Path, subject: Watched): void {
  const key = path.toString();
  const subjects = index.get(key);
  subjects?.delete(subject);
  if (subjects?.size === 0) index.delete(key);
}
