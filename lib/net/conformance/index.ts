// Cases that any socket must pass, with no test framework: `for (const c of socketCases(fixture)) it(c.name, c.run)`.

import { type Case, type CaseDefinition, applies, caseFor } from './case.ts';
import { CONNECT_CASES } from './connect-cases.ts';
import { DATAGRAM_CASES } from './datagram-cases.ts';
import { DECORATE_CASES } from './decorate-cases.ts';
import { ENDING_CASES } from './ending-cases.ts';
import type { SocketFixture } from './fixture.ts';
import { LISTEN_CASES } from './listen-cases.ts';
import { OPTION_CASES } from './option-cases.ts';
import { RULE_CASES } from './rule-cases.ts';
import { STREAM_CASES } from './stream-cases.ts';
import { TRANSFER_CASES } from './transfer-cases.ts';

export type { Case, CaseDefinition } from './case.ts';
export { ConformanceError } from './expectation.ts';
export type { Feature, SocketFixture } from './fixture.ts';

/** Every case there is, for whatever kind. */
export const ALL_CASES: readonly CaseDefinition[] = [
  ...CONNECT_CASES,
  ...LISTEN_CASES,
  ...TRANSFER_CASES,
  ...ENDING_CASES,
  ...DECORATE_CASES,
  ...OPTION_CASES,
  ...RULE_CASES,
  ...DATAGRAM_CASES,
  ...STREAM_CASES,
];

/** The cases that apply to what the fixture makes. */
export function socketCases(fixture: SocketFixture): readonly Case[] {
  return ALL_CASES.filter((definition) => applies(definition, fixture)).map((each) => caseFor(each, fixture));
}
