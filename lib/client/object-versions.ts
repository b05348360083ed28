// Which version of OMA's own objects goes with which version of LwM2M (OMA registry, LWM2MVersion of 1.xml to 5.xml with
// their histories): a server of 1.0 sees the Server object as 1.0 has it.

import type { Actor, Change, Entry, ManagedObject, ObjectDefinition, OpaqueSource } from '../model/index.ts';
import type { Prepared, WriteRequest } from '../model/index.ts';
import { ModelError, Path } from '../model/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';

interface Edition {
  readonly version: `${number}.${number}`;
  /** Later ones came with later editions. */
  readonly lastResource: number;
}

/** The newest edition that goes with a version, of the objects that have changed with LwM2M. */
const EDITIONS: Readonly<Record<number, Readonly<Record<LwM2mVersion, Edition>>>> = {
  1: {
    '1.0': { version: '1.0', lastResource: 8 },
    '1.1': { version: '1.1', lastResource: 23 },
    '1.2': { version: '1.2', lastResource: 27 },
  },
  3: {
    '1.0': { version: '1.0', lastResource: 22 },
    '1.1': { version: '1.2', lastResource: 22 },
    '1.2': { version: '1.2', lastResource: 22 },
  },
  4: {
    '1.0': { version: '1.1', lastResource: 11 },
    '1.1': { version: '1.3', lastResource: 13 },
    '1.2': { version: '1.3', lastResource: 13 },
  },
  5: {
    '1.0': { version: '1.0', lastResource: 9 },
    '1.1': { version: '1.2', lastResource: 14 },
    '1.2': { version: '1.2', lastResource: 14 },
  },
};

/** The object as a server of that version may know it; itself where it is no newer. */
export function editionOf(object: ManagedObject, version: LwM2mVersion): ManagedObject {
  const edition = EDITIONS[object.definition.id]?.[version];
  if (edition === undefined || !isNewer(object.definition.version ?? '1.0', edition.version)) return object;
  const { definition } = object;
  const resources = Object.entries(definition.resources).filter(([, { id }]) => id <= edition.lastResource);
  return new OlderEdition(object, {
    ...definition,
    version: edition.version,
    resources: Object.fromEntries(resources),
  });
}

function isNewer(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = than.split('.').map(Number);
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}

/** An object without the resources that came later: they can neither be seen nor touched. */
class OlderEdition implements ManagedObject {
  readonly definition: ObjectDefinition;
  readonly #object: ManagedObject;
  readonly #known: ReadonlySet<number>;

  constructor(object: ManagedObject, definition: ObjectDefinition) {
    this.definition = definition;
    this.#object = object;
    this.#known = new Set(Object.values(definition.resources).map(({ id }) => id));
  }

  get instanceIds(): readonly number[] {
    return this.#object.instanceIds;
  }

  resourceIds(instance: number): readonly number[] {
    return this.#object.resourceIds(instance).filter((id) => this.#known.has(id));
  }

  resourceInstanceIds(instance: number, resource: number): readonly number[] | undefined {
    return this.#known.has(resource) ? this.#object.resourceInstanceIds(instance, resource) : undefined;
  }

  read(path: Path, by: Actor): readonly Entry[] | Promise<readonly Entry[]> {
    this.#check(path);
    const entries = this.#object.read(path, by);
    return entries instanceof Promise ? entries.then((read) => this.#ofThese(read)) : this.#ofThese(entries);
  }

  write(...[path, entries, mode, by]: Parameters<ManagedObject['write']>): void | Promise<void> {
    const prepared = this.prepareWrite({ path, entries, mode, by });
    return prepared instanceof Promise ? prepared.then((later) => later()()) : prepared()();
  }

  prepareWrite(request: WriteRequest): Prepared<void> | Promise<Prepared<void>> {
    this.#check(request.path);
    const entries = [...this.#ofThese(request.entries), ...this.#untouched(request)];
    return this.#object.prepareWrite({ ...request, entries });
  }

  execute(path: Path, args: ReadonlyMap<number, string | undefined>): void | Promise<void> {
    this.#check(path);
    return this.#object.execute(path, args);
  }

  create(...[instance, entries, by]: Parameters<ManagedObject['create']>): number | Promise<number> {
    return this.#object.create(instance, this.#ofThese(entries), by);
  }

  get vacancies(): number | undefined {
    return this.#object.vacancies;
  }

  prepareCreate(
    ...[instance, entries, by]: Parameters<ManagedObject['prepareCreate']>
  ): Prepared<number> | Promise<Prepared<number>> {
    return this.#object.prepareCreate(instance, this.#ofThese(entries), by);
  }

  delete(instance: number, by: Actor): void {
    this.#object.delete(instance, by);
  }

  deleteResourceInstance(path: Path, by: Actor): void | Promise<void> {
    this.#check(path);
    return this.#object.deleteResourceInstance(path, by);
  }

  source(path: Path, by: Actor): OpaqueSource | Promise<OpaqueSource> | undefined {
    return this.#knows(path) ? this.#object.source?.(path, by) : undefined;
  }

  takesParts(path: Path, by: Actor): boolean {
    return this.#knows(path) && this.#object.takesParts?.(path, by) === true;
  }

  async writeParts(path: Path, parts: AsyncIterable<Uint8Array>, by: Actor): Promise<void> {
    this.#check(path);
    if (!this.takesParts(path, by)) throw new ModelError('methodNotAllowed', `${path} does not take parts`);
    await this.#object.writeParts?.(path, parts, by);
  }

  subscribe(listener: (change: Change) => void): () => void {
    return this.#object.subscribe(listener);
  }

  #check(path: Path): void {
    if (this.#knows(path)) return;
    throw new ModelError('notFound', `${path} came with a later version than the server has`);
  }

  #knows({ resource }: Path): boolean {
    return resource === undefined || this.#known.has(resource);
  }

  #ofThese(entries: readonly Entry[]): readonly Entry[] {
    return entries.filter(({ path }) => this.#known.has(path.resource ?? -1));
  }

  /** A replace of an instance takes away what it does not give: not what its server cannot know. */
  #untouched({ path, mode, by }: WriteRequest): readonly Entry[] {
    if (mode !== 'replace' || path.level !== 'instance') return [];
    const { id, resources } = this.#object.definition;
    const hidden = Object.values(resources).filter((resource) => !this.#known.has(resource.id));
    const there = new Set(this.#object.resourceIds(path.instance!));
    return hidden
      .filter((resource) => there.has(resource.id) && (by !== 'server' || resource.operations.includes('W')))
      .flatMap((resource) => {
        const held = this.#object.read(Path.of(id, path.instance!, resource.id), 'application');
        return held instanceof Promise ? [] : held; // what is computed is not taken away
      });
  }
}
