// The cases as specs of mocha, or of whatever has its `describe` and `it`.

import { backendCases } from './cases.ts';
import type { BackendFixture, Kind } from './fixture.ts';

/** Mocha's globals, as far as they are used. */
export interface SpecGlobals {
  readonly describe: (title: string, specs: () => void) => void;
  readonly it: ((title: string, spec: () => Promise<void>) => void) & { readonly skip: (title: string) => void };
}

/** One spec for each case; a skipped one says why. */
export function mochaCases<S extends Kind<S>>(fixture: BackendFixture<S>, { describe, it }: SpecGlobals): void {
  describe(fixture.name, () => {
    for (const each of backendCases(fixture)) {
      if (each.skipped === undefined) it(`${each.name}: ${each.rule}`, () => each.run());
      else it.skip(`${each.name}: ${each.skipped}`);
    }
  });
}
