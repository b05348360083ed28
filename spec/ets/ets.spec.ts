// OMA's interoperability cases (ETS INT 1.2), each in every version that it is for; `npm run ets` prints them.

import { ALL_CASES } from './all-cases.ts';
import { runCase, settingsOf } from './ets-case.ts';

describe('OMA interoperability cases', () => {
  for (const ets of ALL_CASES) {
    for (const setting of settingsOf(ets)) {
      it(`${ets.id} ${ets.title} (LwM2M ${setting.version} over ${setting.transport})`, async function () {
        if (ets.lacks?.() !== undefined) this.skip();
        await runCase(ets, setting);
      });
    }
  }
});
