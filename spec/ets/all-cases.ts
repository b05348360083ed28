// All cases, in the order of their ids.

import { COMPOSITE_CASES } from './composite-cases.ts';
import { DEVICE_CASES } from './device-cases.ts';
import { DISCOVER_CASES, EXECUTE_CASES, INSTANCE_CASES } from './discover-cases.ts';
import type { EtsCase } from './ets-case.ts';
import { OBSERVE_CASES } from './observe-cases.ts';
import { READ_CASES } from './read-cases.ts';
import { REGISTRATION_CASES } from './registration-cases.ts';
import { SEND_CASES } from './send-cases.ts';
import { WRITE_CASES } from './write-cases.ts';

export const ALL_CASES: readonly EtsCase[] = [
  REGISTRATION_CASES,
  READ_CASES,
  WRITE_CASES,
  DISCOVER_CASES,
  EXECUTE_CASES,
  INSTANCE_CASES,
  OBSERVE_CASES,
  COMPOSITE_CASES,
  SEND_CASES,
  DEVICE_CASES,
]
  .flat()
  .toSorted((a, b) => numberOf(a) - numberOf(b));

function numberOf({ id }: EtsCase): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}
