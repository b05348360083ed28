// Waiting in a fixture's time: a promise that can never settle is a rule that is broken.

import { ConformanceError } from './expectation.ts';

/** Whatever lets time pass for a promise. */
export interface Passing {
  run<T>(promise: Promise<T>): Promise<T>;
}

/** Waits for what must happen. @throws ConformanceError if virtual time has nothing left and it has not happened */
export async function settledIn<T>(time: Passing, promise: Promise<T>): Promise<T> {
  try {
    return await time.run(promise);
  } catch (error) {
    if (error instanceof Error && /promise is (still )?pending/.test(error.message)) {
      throw new ConformanceError(`what the rule asks for never happens: ${error.message}`);
    }
    throw error;
  }
}
