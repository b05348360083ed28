// One observation of a server: what was asked for, and what it has still to hear.

import type { IncomingRequest, Observation, OutgoingResponse } from '../coap/index.ts';
import type { Entry } from '../model/index.ts';
import type { Instant } from '../runtime/index.ts';
import { carriesTimestamps } from '../formats/index.ts';
import type { ObjectSet } from './object-set.ts';
import type { Subject } from './notification-schedule.ts';
import type { Reading } from './stored-notifications.ts';

/** What a request asked to observe, and what it was answered with. */
export interface Observed extends Subject {
  readonly request: IncomingRequest;
  readonly contentFormat: number;
  readonly entries: readonly Entry[];
}

/** What becomes one notification. */
export interface Batch {
  readonly readings: readonly Reading[];
  /** Told as it happens; a newer one can stand in its place. */
  readonly live: boolean;
}

export interface Watch extends Observed {
  /** Undefined while the server cannot be reached. */
  observation: Observation | undefined;
  /** Of the newest notification: numbers go on from here. */
  sequence: number;
  /** The first is on its way. */
  readonly batches: Batch[];
  /** What it ends with, as soon as it can be told. */
  failure: OutgoingResponse | undefined;
  /** When the server was last known to listen; undefined after a restart. */
  confirmedAt: Instant | undefined;
}

/** Its numbers go on from here at the next connection. */
export function detach(watch: Watch): void {
  watch.sequence = watch.observation?.sequence ?? watch.sequence;
  watch.observation = undefined;
}

/** Of what was stored: together where the format can tell their times, else one after the other. */
export function storedBatches(readings: readonly Reading[], contentFormat: number): readonly Batch[] {
  if (readings.length === 0) return [];
  const together = carriesTimestamps(contentFormat) && readings.every(({ at }) => at !== undefined);
  const batches = together ? [readings] : readings.map((reading) => [reading]);
  return batches.map((batch) => ({ readings: batch, live: false }));
}

/**
 * Each value with the time it was read at, where the format can tell it. What the server may not know or read any more (it
 * may have registered us with an older version since) is left out.
 */
export function history(
  readings: readonly Reading[],
  contentFormat: number,
  objects: Pick<ObjectSet, 'definitionOf'>,
): readonly Entry[] {
  const timed = carriesTimestamps(contentFormat);
  return readings.flatMap(({ at, entries }) => {
    const known = entries.filter(({ path }) => objects.definitionOf(path)?.operations.includes('R') === true);
    return timed && at !== undefined ? known.map((entry) => ({ ...entry, timestamp: entry.timestamp ?? at })) : known;
  });
}
