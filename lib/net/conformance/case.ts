// One rule, tried.

import type { Feature, SocketFixture } from './fixture.ts';
import { Scene } from './scene.ts';

/** A case as it is written: independent of any fixture. */
export interface CaseDefinition {
  /** Unique; a breach is reported under it. */
  readonly name: string;
  /** What the socket must do. */
  readonly rule: string;
  readonly transport?: 'datagram' | 'stream';
  readonly needs?: readonly Feature[];
  readonly run: (scene: Scene) => Promise<void>;
}

/** A case for one fixture. */
export interface Case {
  readonly name: string;
  readonly rule: string;
  /** @throws ConformanceError if the rule is broken */
  run(): Promise<void>;
}

/** Whether the fixture has what the case needs. */
export function applies(definition: CaseDefinition, fixture: SocketFixture): boolean {
  if (definition.transport !== undefined && definition.transport !== fixture.transport) return false;
  return (definition.needs ?? []).every((feature) => fixture.features.has(feature));
}

export function caseFor(definition: CaseDefinition, fixture: SocketFixture): Case {
  return {
    name: definition.name,
    rule: definition.rule,
    run: async () => {
      const scene = new Scene(fixture);
      try {
        await definition.run(scene);
      } finally {
        await scene.close();
      }
    },
  };
}
