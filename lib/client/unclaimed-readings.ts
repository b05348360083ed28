// What was stored for observations that ended with their registration. The server is to hear it (LwM2M Core 1.2 Appendix E.2,
// /1/x/6: also of the time while its account was disabled), but its observations begin anew with the registration (§6.2): so
// it waits until the server observes the same again.

import { carriesTimestamps } from '../formats/index.ts';
import type { Subject } from './notification-schedule.ts';
import type { Reading, StoredNotifications } from './stored-notifications.ts';

type Watched = Pick<Subject, 'paths' | 'composite'> & { readonly contentFormat: number };

const MOST_PATHS = 10_000; // of all together; ours: as many as one Observe-Composite can name

/** Without their times old values would be taken for new ones, so only formats that carry them leave and claim any. */
export class UnclaimedReadings {
  /** Which has the readings, and bounds them. */
  readonly #stored: StoredNotifications;
  readonly #subjects = new Map<string, Subject>();
  #paths = 0;

  constructor(stored: StoredNotifications) {
    this.#stored = stored;
  }

  /** `subject` has ended. */
  leave(subject: Subject, watched: Watched): void {
    if (!this.#stored.has(subject)) return;
    if (!carriesTimestamps(watched.contentFormat)) return void this.#stored.take(subject);
    const key = keyOf(watched);
    this.#take(key);
    this.#subjects.set(key, subject);
    this.#paths += subject.paths.length;
    this.#makeRoom();
  }

  /** Those for who observes the same, the oldest first. */
  claim(watched: Watched): readonly Reading[] {
    if (this.#subjects.size === 0 || !carriesTimestamps(watched.contentFormat)) return [];
    return this.#take(keyOf(watched)).filter(({ at }) => at !== undefined);
  }

  clear(): void {
    this.#subjects.clear();
    this.#paths = 0;
  }

  #take(key: string): readonly Reading[] {
    const subject = this.#subjects.get(key);
    if (subject === undefined) return [];
    this.#subjects.delete(key);
    this.#paths -= subject.paths.length;
    return this.#stored.take(subject);
  }

  /** Those that others have displaced are forgotten first: a server could observe something else each time it registers us. */
  #makeRoom(): void {
    for (const [key, subject] of this.#subjects) if (!this.#stored.has(subject)) this.#take(key);
    for (const key of this.#subjects.keys()) {
      if (this.#paths <= MOST_PATHS) return;
      this.#take(key);
    }
  }
}

function keyOf({ paths, composite }: Watched): string {
  return `${composite ? 'composite' : 'single'} ${paths.join(' ')}`;
}
