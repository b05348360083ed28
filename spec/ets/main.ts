// `npm run ets`: every case of OMA's interoperability tests in one line, and the counts.

import { ALL_CASES } from './all-cases.ts';
import { type EtsCase, runCase } from './ets-case.ts';

/** The first version the case fails in, and why; undefined: it passes in all of its versions. */
async function failureOf(ets: EtsCase): Promise<string | undefined> {
  for (const version of ets.versions) {
    try {
      await runCase(ets, version);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `LwM2M ${version}: ${reason.replaceAll(/\s+/g, ' ')}`;
    }
  }
  return undefined;
}

const counts = { passed: 0, failed: 0, notRun: 0 };
for (const ets of ALL_CASES) {
  const failure = await failureOf(ets);
  counts[failure === undefined ? 'passed' : 'failed']++;
  console.log(`${ets.id} ${ets.title} ... ${failure === undefined ? 'passed' : `failed: ${failure}`}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.notRun} not run`);
if (counts.failed > 0) process.exitCode = 1;
