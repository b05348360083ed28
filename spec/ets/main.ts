// `npm run ets`: every case of OMA's interoperability tests in one line, and the counts.

import { ALL_CASES, byNumber } from './all-cases.ts';
import { type EtsCase, runCase, settingsOf } from './ets-case.ts';
import { LATER_CASES, type LaterCase } from './later-cases.ts';

type Outcome = 'passed' | `failed: ${string}` | `not run: ${string}`;

async function outcomeOf(ets: EtsCase | LaterCase): Promise<Outcome> {
  if ('needs' in ets) return `not run: needs ${ets.needs}`;
  const lacking = ets.lacks?.();
  if (lacking !== undefined) return `not run: needs ${lacking}`;
  for (const setting of settingsOf(ets)) {
    try {
      await runCase(ets, setting);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `failed: LwM2M ${setting.version} over ${setting.transport}: ${reason.replaceAll(/\s+/g, ' ')}`;
    }
  }
  return 'passed';
}

const counts = { passed: 0, failed: 0, 'not run': 0 };
for (const ets of byNumber([...ALL_CASES, ...LATER_CASES])) {
  const outcome = await outcomeOf(ets);
  counts[outcome.split(':')[0] as keyof typeof counts]++;
  console.log(`${ets.id} ${ets.title} … ${outcome}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts['not run']} not run`);
if (counts.failed > 0) process.exitCode = 1;
