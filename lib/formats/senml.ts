// SenML (RFC 8428) apart from its encodings: what a pack holds, and the names and times of its records.

import type { Path, Value } from '../model/index.ts';
import { FormatError, type FormatLimits } from './content-formats.ts';

/** A number that is exact if it is an integer of at most 64 bits. */
export type SenmlNumber = number | bigint;

/** What a record says of a path: a value, its end (null, RFC 8790 §3.2), or nothing (a path to be read, §3.1). */
export interface SenmlItem {
  readonly path: Path;
  readonly value?: Value | null | undefined;
  /** Milliseconds since 1970; absent means now. */
  readonly timestamp?: number | undefined;
}

/** What a receiver or sender knows besides the pack. */
export interface SenmlContext extends FormatLimits {
  /** Wall time in ms since 1970: what relative times are relative to. Without it they are refused. */
  readonly now?: number | undefined;
}

export const ABSOLUTE_FROM = 2 ** 28; // RFC 8428 §4.5.3: smaller times are relative to now, in seconds
export const LARGEST_TIME = 8.64e12; // seconds that a Date can hold
export const LARGEST_VERSION = 10; // RFC 8428 §4.4

/** How the records of one pack are named and timed. */
export class PackLayout {
  /** Of the first record; undefined if names are whole. */
  readonly baseName: string | undefined;
  /** Of the first record, in seconds; undefined if there is none. */
  readonly baseTime: number | undefined;
  readonly #format: number;
  readonly #base: Path;
  /** Whether names below the base begin with a slash, as the base's own is empty. */
  readonly #slash: boolean;
  readonly #now: number | undefined;
  /** Milliseconds: what the times of the records are counted from. */
  readonly #epoch: number | undefined;

  /** @throws FormatError for items outside `base` and times that cannot be said */
  constructor(format: number, base: Path, items: readonly SenmlItem[], now: number | undefined) {
    this.#format = format;
    this.#base = base;
    this.#now = now;
    this.#slash = base.ids.length === 0 || items.some(({ path }) => path.ids.length === base.ids.length);
    if (base.ids.length > 0) this.baseName = this.#slash ? base.toString() : `${base}/`;
    const first = items[0]?.timestamp;
    if (first === undefined || items.some(({ timestamp }) => timestamp === undefined)) return;
    if (!items.every(({ timestamp }) => this.#isAbsolute(timestamp!))) return;
    this.#epoch = first;
    this.baseTime = first / 1_000;
  }

  /** The name of a record; empty if it is the base's. */
  nameOf(path: Path): string {
    const depth = this.#base.ids.length;
    if (!this.#base.contains(path)) throw new FormatError(this.#format, `${path} is not below ${this.#base}`);
    if (depth === 0) return path.toString();
    const { ids } = path;
    if (ids.length === depth) return '';
    let name = this.#slash ? `/${ids[depth]}` : `${ids[depth]}`;
    for (let i = depth + 1; i < ids.length; i++) name += `/${ids[i]}`;
    return name;
  }

  /** The time of a record in seconds, undefined if it has none of its own. */
  timeOf(timestamp: number | undefined): number | undefined {
    if (timestamp === undefined) return undefined;
    if (this.#epoch !== undefined) return timestamp === this.#epoch ? undefined : (timestamp - this.#epoch) / 1_000;
    if (this.#isAbsolute(timestamp)) return timestamp / 1_000;
    const relative = this.#now === undefined ? Number.NaN : (timestamp - this.#now) / 1_000;
    // Zero would be no time at all.
    if (relative < ABSOLUTE_FROM && relative >= -LARGEST_TIME && relative !== 0) return relative;
    throw new FormatError(
      this.#format,
      `a timestamp is from ${ABSOLUTE_FROM} s after 1970 on, or needs to know now: ${timestamp / 1_000} s`,
    );
  }

  #isAbsolute(timestamp: number): boolean {
    return timestamp >= ABSOLUTE_FROM * 1_000 && timestamp <= LARGEST_TIME * 1_000;
  }
}
