// OMA's interoperability cases (ETS INT 1.2), each in every version that it is for; `npm run ets` prints them.

import { ALL_CASES } from './all-cases.ts';
import { runCase } from './ets-case.ts';

describe('OMA interoperability cases', () => {
  for (const ets of ALL_CASES) {
    for (const version of ets.versions) {
      it(`${ets.id} ${ets.title} (LwM2M ${version})`, async function () {
        if (ets.lacks?.() !== undefined) this.skip();
        await runCase(ets, version);
      });
    }
  }
});
