// One rule for backends, tried; or why it is not.

import type { Capabilities } from '../../security-backend.ts';
import { KINDS, type CredentialKind } from './credentials.ts';
import type { BackendFixture, Kind } from './fixture.ts';
import { Stage } from './stage.ts';

/** What a case needs of the backend and of who talks to it. */
export type Need =
  | CredentialKind
  | 'virtualTime'
  /** Two kinds of credentials. */
  | 'twoKinds'
  | 'resumption'
  | 'connectionId'
  | 'dane'
  | 'liveSession'
  /** The peer ends sessions by alerts of our choice. */
  | 'alerts'
  /** `createServer`, and a client of the peer's. */
  | 'server';

/** A case as it is written: independent of any fixture. */
export interface BackendCaseDefinition {
  /** Unique; a breach is reported under it. */
  readonly name: string;
  /** What the backend must do. */
  readonly rule: string;
  /** Absent: both. */
  readonly transport?: 'datagram' | 'stream';
  readonly needs?: readonly Need[];
  readonly run: <S extends Kind<S>>(stage: Stage<S>) => Promise<void>;
}

/** A case for one fixture. */
export interface BackendCase {
  readonly name: string;
  readonly rule: string;
  /** Why it cannot be tried here; undefined: it can. */
  readonly skipped: string | undefined;
  /** @throws ConformanceError, or what the backend threw, if the rule is broken */
  run(): Promise<void>;
}

/** The case for `fixture`, whose backend has `capabilities`. */
export function backendCase<S extends Kind<S>>(
  definition: BackendCaseDefinition,
  fixture: BackendFixture<S>,
  capabilities: Capabilities,
): BackendCase {
  const lacks = (definition.needs ?? []).map((need) => lacking(need, capabilities, fixture));
  return {
    name: definition.name,
    rule: definition.rule,
    skipped: fixture.exceptions?.[definition.name] ?? lacks.find((reason) => reason !== undefined),
    run: async () => {
      const stage = new Stage(fixture);
      try {
        await definition.run(stage);
      } finally {
        await stage.close();
      }
    },
  };
}

function lacking<S extends Kind<S>>(need: Need, backend: Capabilities, fixture: BackendFixture<S>): string | undefined {
  const { peer } = fixture;
  const either = (has: (capabilities: Capabilities) => boolean): string | undefined => {
    if (!has(backend)) return `needs ${need}: the backend has none`;
    return has(peer.capabilities) ? undefined : `needs ${need}: the peer has none`;
  };
  switch (need) {
    case 'virtualTime':
      if (backend.clock === 'system') return 'needs virtual time: the backend reads the system clock';
      return peer.virtualTime ? undefined : 'needs virtual time: the peer is on the system clock';
    case 'twoKinds':
      return KINDS.filter((kind) => lacking(kind, backend, fixture) === undefined).length > 1
        ? undefined
        : 'needs two kinds of credentials that both sides have';
    case 'certificate':
      // Paths are judged by work in other threads, which virtual time does not wait for.
      if (peer.virtualTime) return 'needs real time, in which certificates are judged: the peer is in virtual time';
      return either(({ credentials }) => credentials.includes(need));
    case 'resumption':
    case 'connectionId':
      return either((capabilities) => capabilities[need]);
    case 'liveSession':
      if (backend.liveSession !== true) return 'needs live sessions: the backend has none';
      return fixture.liveSession === undefined ? 'needs live sessions: the fixture has no place for them' : undefined;
    case 'dane':
      return backend.dane ? undefined : 'needs dane: the backend has none';
    case 'alerts':
      return peer.abort === undefined ? 'needs alerts: the peer sends none of our choice' : undefined;
    case 'server':
      if (!backend.roles.includes('server')) return 'needs server: the backend is none';
      return peer.client === undefined ? 'needs server: the peer has no client' : undefined;
    default:
      return either(({ credentials }) => credentials.includes(need));
  }
}
