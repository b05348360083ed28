// What the engine sees of an object: reads, writes, executes and changes by path, whoever implements it.

import type { Entry } from './value.ts';
import type { ObjectDefinition } from './definition.ts';
import type { OpaqueSource } from './opaque-stream.ts';
import type { Path } from './path.ts';

/** Who acts. Servers are held to the definition's operations; bootstrap servers and the application are not. */
export type Actor = 'server' | 'bootstrap' | 'application';

/** One thing that happened to an object: the path of the resource (instance), or of the instance. */
export interface Change {
  readonly kind: 'value' | 'created' | 'deleted';
  readonly path: Path;
}

export type WriteMode = 'replace' | 'update';

/** What a write asks for. */
export interface WriteRequest {
  /** Of an instance, resource or resource instance. */
  readonly path: Path;
  /** At or below `path`. */
  readonly entries: readonly Entry[];
  readonly mode: WriteMode;
  readonly by: Actor;
  /** Resource instances to take away; those that are not there are no error. Default none. */
  readonly removed?: readonly Path[] | undefined;
}

/**
 * Something that has been checked, and to which the application has agreed. Calling it checks again, for time may have
 * passed, and gives what does it, which cannot be refused any more.
 */
export type Prepared<T> = () => () => T;

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
  /** The first half of a write that is to happen together with others, or not at all. */
  prepareWrite(request: WriteRequest): Prepared<void> | Promise<Prepared<void>>;
  execute(path: Path, args: ReadonlyMap<number, string | undefined>): void | Promise<void>;
  /** Makes an instance (of the next free id if none is given) and gives its id. */
  create(instance: number | undefined, entries: readonly Entry[], by: Actor): number | Promise<number>;
  /** How many instances servers may still create, all of one request together. Undefined: as `prepareCreate` says of each. */
  readonly vacancies?: number | undefined;
  /** The first half of a Create that is to happen together with others, or not at all. */
  prepareCreate(
    instance: number | undefined,
    entries: readonly Entry[],
    by: Actor,
  ): Prepared<number> | Promise<Prepared<number>>;
  delete(instance: number, by: Actor): void;
  /** Takes one instance of a multiple resource away. */
  deleteResourceInstance(path: Path, by: Actor): void | Promise<void>;
  /** The opaque value at `path` to be read part by part; undefined where only `read` gives it, or says why it cannot. */
  source?(path: Path, by: Actor): OpaqueSource | Promise<OpaqueSource> | undefined;
  /** Whether a Write of the opaque value at `path` can go to `writeParts`. */
  takesParts?(path: Path, by: Actor): boolean;
  /** A Write of the opaque value at `path`, as its parts come. */
  writeParts?(path: Path, parts: AsyncIterable<Uint8Array>, by: Actor): Promise<void>;
  /** Calls `listener` after each change. @returns takes the subscription back */
  subscribe(listener: (change: Change) => void): () => void;
}
