// What the values of a Server instance (/1/x) may be beyond the registry's types: times are not negative, bindings are letters.

import { ModelError } from '../model/index.ts';
import { asksForNothing } from './security-values.ts';

const TIMES = [
  'lifetime',
  'defaultMinimumPeriod',
  'defaultMaximumPeriod',
  'disableTimeout',
  'communicationRetryTimer',
  'communicationSequenceDelayTimer',
  'initialRegistrationDelayTimer',
] as const;
const MOST_SECONDS = 0xffff_ffff; // as `lt` of Register: 32 bits (LwM2M Core 1.2 §6.2.1)
const BINDING = /^[UTSNMHQ]{1,7}$/; // LwM2M Core 1.2 §6.2.1.2, and the Q of 1.0

/** Whether it is a number of seconds that a timer can wait for. */
export function isServerTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_SECONDS;
}

/** Whether it is a binding that this client can register with: it must have UDP or TCP. */
export function isServerBinding(value: unknown): value is string {
  return typeof value === 'string' && BINDING.test(value) && /[UT]/.test(value);
}

const NO_MODEM = 'there is no modem whose access points could be chosen';

/** What this client has not, by property name: the value is refused, unless it asks for nothing. */
const REFUSED: Readonly<Record<string, string>> = {
  apnLink: `/1/x/10 APN Link: ${NO_MODEM}`,
  bootstrapOnRegistrationFailure: '/1/x/16 Bootstrap on Registration Failure: there is no bootstrap yet',
  trigger: '/1/x/21 Trigger: there is no SMS binding to be triggered by',
  alternateApnLinks: `/1/x/24 Alternate APN Links: ${NO_MODEM}`,
  profileIdHashAlgorithm: '/1/x/27 Profile ID Hash Algorithm: there are no profile ids',
};

/** @param values by property name. @throws ModelError badRequest naming the resource, what is expected and what was found */
export function checkServerValues(values: Readonly<Record<string, unknown>>): void {
  for (const [name, why] of Object.entries(REFUSED)) {
    if (asksForNothing(values[name]) || values[name] === false) continue;
    throw new ModelError('badRequest', `${name}: expected nothing, found a value (${why})`);
  }
  for (const name of TIMES) {
    const value = values[name];
    if (value === undefined || isServerTime(value)) continue;
    const found = typeof value === 'number' ? String(value) : typeof value;
    throw new ModelError('badRequest', `${name}: expected 0 to ${MOST_SECONDS} seconds, found ${found}`);
  }
  const { binding } = values;
  if (binding === undefined || isServerBinding(binding)) return;
  const found = typeof binding === 'string' ? JSON.stringify(binding.slice(0, 16)) : typeof binding;
  throw new ModelError('badRequest', `binding: expected letters of U, T, S, N, M, H, Q with U or T, found ${found}`);
}
