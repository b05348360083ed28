// What the engine sees of an object: reads, writes, executes and changes by path, whoever implements it.

import type { Entry } from './value.ts';
import type { ObjectDefinition } from './definition.ts';
import type { Path } from './path.ts';

/** Who acts. Servers are held to the definition's operations; bootstrap servers and the application are not. */
export type Actor = 'server' | 'bootstrap' | 'application';

/** One thing that happened to an object: the path of the resource (instance), or of the instance. */
export interface Change {
  readonly kind: 'value' | 'created' | 'deleted';
  readonly path: Path;
}

export type WriteMode = 'replace' | 'update';

/** An object of the device. All refusals are ModelErrors; at once where the object can, later where it must. */
export interface ManagedObject {
  readonly definition: ObjectDefinition;
  /** Ascending. */
  readonly instanceIds: readonly number[];
  /** Ids of the resources an instance has, ascending; empty if there is no such instance. */
  resourceIds(instance: number): readonly number[];
  /** Ids of the instances a multiple resource has; undefined for single resources and computed ones. */
  resourceInstanceIds(instance: number, resource: number): readonly number[] | undefined;
  /** Everything readable at and below `path`, in ascending order of path. */
  read(path: Path, by: Actor): readonly Entry[] | Promise<readonly Entry[]>;
  /** Writes at `path` (instance, resource or resource instance): all of `entries`, which lie at or below it, or none. */
  write(path: Path, entries: readonly Entry[], mode: WriteMode, by: Actor): void | Promise<void>;
  execute(path: Path, args: ReadonlyMap<number, string | undefined>): void | Promise<void>;
  /** Makes an instance (of the next free id if none is given) and gives its id. */
  create(instance: number | undefined, entries: readonly Entry[], by: Actor): number | Promise<number>;
  delete(instance: number, by: Actor): void;
  /** Calls `listener` after each change. @returns takes the subscription back */
  subscribe(listener: (change: Change) => void): () => void;
}
