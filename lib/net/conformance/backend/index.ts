// Cases that any security backend must pass, with no test framework: `for (const c of backendCases(fixture)) it(c.name, c.run)`.

export type { BackendCase, BackendCaseDefinition, Need } from './case.ts';
export { BACKEND_CASES, backendCases } from './cases.ts';
export { ConformanceError } from '../expectation.ts';
export type { BackendFixture, ConformancePeer, Kind, RawSockets } from './fixture.ts';
export { type SpecGlobals, mochaCases } from './mocha.ts';
export { socketFixtureOf } from './socket-fixture.ts';
