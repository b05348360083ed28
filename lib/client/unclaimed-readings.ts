// What was stored for observations that ended with their registration. The server is to hear it (LwM2M Core 1.2 Appendix E.2,
// /1/x/6: also of the time while its account was disabled), but its observations begin anew with the registration (§6.2): so
// it waits until the server observes the same again.

import { carriesTimestamps } from '../formats/index.ts';
import type { Subject } from './notification-schedule.ts';
import type { Reading, StoredNotifications } from './stored-notifications.ts';

type Watched = Pick<Subject, 'paths' | 'composite'> & { readonly contentFormat: number };

/** Without their times old values would be taken for new ones, so only formats that carry them leave and claim any. */
export class UnclaimedReadings {
  /** Which has the readings, and bounds them. */
  readonly #stored: StoredNotifications;
  readonly #subjects = new Map<string, Subject>();

  constructor(stored: StoredNotifications) {
    this.#stored = stored;
  }

  /** `subject` has ended. */
  leave(subject: Subject, watched: Watched): void {
    const readings = this.#stored.of(subject);
    if (readings.length === 0) return;
    if (!carriesTimestamps(watched.contentFormat)) return void this.#stored.take(subject);
    const key = keyOf(watched);
    const earlier = this.#subjects.get(key);
    if (earlier !== undefined) this.#stored.take(earlier);
    this.#subjects.set(key, subject);
  }

  /** Those for who observes the same, the oldest first. */
  claim(watched: Watched): readonly Reading[] {
    const key = keyOf(watched);
    const subject = this.#subjects.get(key);
    if (subject === undefined || !carriesTimestamps(watched.contentFormat)) return [];
    this.#subjects.delete(key);
    return this.#stored.take(subject).filter(({ at }) => at !== undefined);
  }

  /** Those that the bound has emptied meanwhile are forgotten, too. */
  clear(): void {
    this.#subjects.clear();
  }
}

function keyOf({ paths, composite }: Watched): string {
  return `${composite ? 'composite' : 'single'} ${paths.join(' ')}`;
}
