// Opaque values that are never whole in memory: the application gives and takes them part by part.

import type { Changes } from './write-plan.ts';
import type { Instance } from './instance.ts';
import type { Actor } from './managed-object.ts';
import { ModelError } from './model-error.ts';
import type { Path } from './path.ts';
import type { ResourceDefinition } from './definition.ts';
import { type Schema, mayRead, mayWrite } from './schema.ts';

/** An opaque value such as a file, read at any place. It must not change while it is read. */
export interface OpaqueSource {
  readonly byteLength: number;
  /** Exactly `length` bytes from `offset`; both lie within the value. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** How the application gives and takes one opaque resource. */
export interface OpaqueStream {
  /**
   * What is read of instance `id`. A Read in opaque format takes it part by part; all else (other formats, an Observe, a Read
   * of more) takes it whole, up to 1 MiB. Called at each Read. Default: the value that the instance holds.
   */
  read?(id: number): OpaqueSource | Promise<OpaqueSource>;
  /**
   * Takes a Write (replace) of the resource alone, in opaque format as it comes, and resolves when the value is kept. What
   * fails before `parts` has ended has written nothing: reading on throws why. Throw a ModelError to refuse. Writes to one
   * resource come one after the other. Without it a resource that is read part by part cannot be written.
   */
  write?(id: number, parts: AsyncIterable<Uint8Array>, by: Actor): Promise<void>;
}

export const MOST_WHOLE_BYTES = 1_048_576; // as one payload (DEFAULT_FORMAT_LIMITS): more than that is for streams

const MOST_WAITING = 4; // ours: whoever begins again and again has given the ones before up

/** The writes to one resource. */
interface Writing {
  last: Promise<void>;
  count: number;
}

/** One write part by part. */
export interface PartsWrite {
  readonly path: Path;
  readonly parts: AsyncIterable<Uint8Array>;
  readonly by: Actor;
  /** @throws what the write ends with, once there is nothing any more to be written to */
  readonly checkThere: () => void;
}

/** The streams of one object. */
export class OpaqueStreams {
  readonly #schema: Schema;
  readonly #byResource: ReadonlyMap<number, OpaqueStream>;
  /** Writes under way and those that wait for them, by path. */
  readonly #writing = new Map<string, Writing>();

  /** @throws RangeError naming a resource that is not opaque and single */
  constructor(schema: Schema, streams: Readonly<Record<string, OpaqueStream | undefined>>) {
    this.#schema = schema;
    this.#byResource = new Map(
      Object.entries(streams).flatMap(([name, stream]) =>
        stream === undefined ? [] : [[streamable(schema, name).id, stream] as const],
      ),
    );
  }

  /** What an instance holds of a resource that is read part by part. */
  holding(instance: number, resource: ResourceDefinition): (() => Promise<Uint8Array>) | undefined {
    const stream = this.#byResource.get(resource.id);
    if (stream?.read === undefined) return undefined;
    const where = `${this.#schema.path(instance, resource.id)} (${resource.name})`;
    return async () => readWhole(await stream.read!(instance), where);
  }

  /** A value that is read part by part is not held, also not by assigning it. @throws ModelError badRequest */
  checkHeld({ id, name }: ResourceDefinition, path: Path): void {
    if (this.#byResource.get(id)?.read === undefined) return;
    throw new ModelError('badRequest', `${path} (${name}) is read part by part: it cannot be assigned`);
  }

  /**
   * Changes without those of streams: what is taken part by part stays when others are replaced.
   * @throws ModelError methodNotAllowed if one is to get a value, which is written alone
   */
  without(at: Path, changes: Changes): Changes {
    if (this.#byResource.size === 0) return changes;
    for (const [id, held] of changes) {
      if (held === undefined || !this.#byResource.has(id)) continue;
      throw new ModelError('methodNotAllowed', `${at}: resource ${id} is written alone, for it comes in parts`);
    }
    return new Map([...changes].filter(([id]) => !this.#byResource.has(id)));
  }

  /** Undefined where nothing can be read part by part; what is wrong with the request then is for an ordinary read to say. */
  source(instance: Instance | undefined, path: Path, by: Actor): OpaqueSource | Promise<OpaqueSource> | undefined {
    const stream = this.#at(path);
    if (stream?.read === undefined || instance?.holding(path.resource!) === undefined) return undefined;
    return mayRead(this.#schema.resource(path.resource), by) ? stream.read(instance.id) : undefined;
  }

  takesParts(path: Path, by: Actor): boolean {
    return this.#at(path)?.write !== undefined && mayWrite(this.#schema.resource(path.resource), by);
  }

  /** One after the other: whoever began the value anew waits until the one before has been given up. */
  async write(request: PartsWrite): Promise<void> {
    const key = request.path.toString();
    const writing = this.#writing.get(key) ?? { last: Promise.resolve(), count: 0 };
    if (writing.count > MOST_WAITING) {
      throw new ModelError('internal', `${key}: ${writing.count} writes are not over`);
    }
    this.#writing.set(key, writing);
    writing.count++;
    const own = this.#writeAfter(writing.last, request);
    writing.last = own.catch(() => undefined);
    try {
      await own;
    } finally {
      if (--writing.count === 0) this.#writing.delete(key);
    }
  }

  async #writeAfter(before: Promise<void>, { path, parts, by, checkThere }: PartsWrite): Promise<void> {
    await before;
    checkThere();
    const definition = this.#schema.resource(path.resource);
    const checked = ofLength(definition, whileThere(parts, checkThere), `${path} (${definition.name})`);
    await this.#at(path)!.write!(path.instance!, checked, by);
    checkThere();
  }

  #at(path: Path): OpaqueStream | undefined {
    return path.level === 'resource' ? this.#byResource.get(path.resource!) : undefined;
  }
}

function streamable(schema: Schema, name: string): ResourceDefinition {
  const { id, resources } = schema.definition;
  const definition = Object.hasOwn(resources, name) ? resources[name] : undefined;
  if (definition?.type === 'opaque' && definition.multiple !== true) return definition;
  throw new RangeError(`object ${id}: streams: expected single opaque resources, found ${name}`);
}

async function readWhole(source: OpaqueSource, where: string): Promise<Uint8Array> {
  const { byteLength } = source;
  if (byteLength > MOST_WHOLE_BYTES) {
    throw new ModelError('notAcceptable', `${where}: ${byteLength} bytes are read in opaque format only`);
  }
  return byteLength === 0 ? new Uint8Array(0) : await source.read(0, byteLength);
}

/** The parts of a value, as long as there is an instance for it. */
async function* whileThere(
  parts: AsyncIterable<Uint8Array>,
  checkThere: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const part of parts) {
    checkThere();
    yield part;
  }
  checkThere();
}

/** The parts of a value whose length is in its resource's range. @throws ModelError badRequest once it cannot be any more */
async function* ofLength(
  { range, ranges = range === undefined ? undefined : [range] }: ResourceDefinition,
  parts: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  const refuse = (): never => {
    const expected = ranges!.map(([min, max]) => `${min} to ${max}`).join(' or ');
    throw new ModelError('badRequest', `${where}: expected a length of ${expected}, found ${length} or more`);
  };
  for await (const part of parts) {
    length += part.length;
    if (ranges?.every(([, max]) => length > max) === true) refuse();
    yield part;
  }
  if (ranges?.some(([min, max]) => length >= min && length <= max) === false) refuse();
}
