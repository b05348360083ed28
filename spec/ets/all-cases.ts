// All cases that can be run, in the order of their ids.

import { COMPOSITE_CASES } from './composite-cases.ts';
import { DEVICE_CASES } from './device-cases.ts';
import { DISCOVER_CASES } from './discover-cases.ts';
import type { EtsCase } from './ets-case.ts';
import { INSTANCE_CASES } from './instance-cases.ts';
import { OBJECT_CASES } from './object-cases.ts';
import { OBSERVE_CASES } from './observe-cases.ts';
import { READ_CASES } from './read-cases.ts';
import { REGISTRATION_CASES } from './registration-cases.ts';
import { SECURITY_CASES } from './security-cases.ts';
import { SEND_CASES } from './send-cases.ts';
import { WRITE_CASES } from './write-cases.ts';

const OWN_CASES: readonly EtsCase[] = [
  REGISTRATION_CASES,
  READ_CASES,
  WRITE_CASES,
  DISCOVER_CASES,
  INSTANCE_CASES,
  OBSERVE_CASES,
  COMPOSITE_CASES,
  SEND_CASES,
  SECURITY_CASES,
  DEVICE_CASES,
  OBJECT_CASES,
].flat();

/** OMA gives these the procedure of another case. */
const DELEGATED = [
  ['int-270', 'Create Object Instance', 'int-1630'],
  ['int-290', 'Delete Object Instance', 'int-1635'],
  ['int-551', 'Server: Access Check to the Resources', 'int-215'],
  ['int-556', 'Server: Update Registration capability', 'int-104'],
  ['int-655', 'Device: Reboot capability', 'int-241'],
  ['int-660', 'Device: Basic Observation', 'int-301'],
] as const;

export const ALL_CASES: readonly EtsCase[] = byNumber([
  ...OWN_CASES,
  ...DELEGATED.map(([id, title, to]) => {
    const other = OWN_CASES.find((each) => each.id === to);
    if (other === undefined) throw new Error(`there is no ${to} for ${id}`);
    return { ...other, id, title: `${title} (by ${to})` };
  }),
]);

/** Ascending by the number in the id. */
export function byNumber<C extends { readonly id: string }>(cases: readonly C[]): readonly C[] {
  const numberOf = ({ id }: C): number => Number(id.slice(id.lastIndexOf('-') + 1));
  return cases.toSorted((a, b) => numberOf(a) - numberOf(b));
}
