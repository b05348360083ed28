// The list of all cases, and those for one backend.

import { check } from '../expectation.ts';
import { type BackendCase, type BackendCaseDefinition, backendCase } from './case.ts';
import type { BackendFixture, Kind } from './fixture.ts';
import { HANDSHAKE_CASES } from './handshake-cases.ts';
import { LIFE_CASES } from './life-cases.ts';
import { REFUSAL_CASES } from './refusal-cases.ts';
import { SECRECY_CASES } from './secrecy-cases.ts';
import { SERVER_CASES } from './server-cases.ts';
import { TIME_CASES } from './time-cases.ts';
import { TRAFFIC_CASES } from './traffic-cases.ts';

/** Every case there is, for whatever backend. */
export const BACKEND_CASES: readonly BackendCaseDefinition[] = [
  ...HANDSHAKE_CASES,
  ...REFUSAL_CASES,
  ...TRAFFIC_CASES,
  ...LIFE_CASES,
  ...TIME_CASES,
  ...SECRECY_CASES,
  ...SERVER_CASES,
];

/**
 * The cases for what the fixture makes; those that cannot be tried there say why (`skipped`).
 * @throws ConformanceError for a peer in virtual time where the backend reads the system's clock: they would never meet
 */
export function backendCases<S extends Kind<S>>(fixture: BackendFixture<S>): readonly BackendCase[] {
  const { capabilities } = fixture.backend(fixture.peer.rawSocket);
  check(
    !(fixture.peer.virtualTime && capabilities.clock === 'system'),
    `${fixture.name}: expected a peer in real time, for the backend's clock is the system's; found one in virtual time`,
  );
  const here = BACKEND_CASES.filter(
    ({ transport }) => (transport ?? fixture.peer.transport) === fixture.peer.transport,
  );
  return here.map((definition) => backendCase(definition, fixture, capabilities));
}
