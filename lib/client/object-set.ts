// The objects of the device by id: what dispatch, notifications, registration and Send all look at.

import { type Actor, type Change, type Entry, type ManagedObject, ModelError, Path } from '../model/index.ts';
import type { ResourceDefinition } from '../model/index.ts';
import type { ResourceShape } from '../formats/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import { editionOf } from './object-versions.ts';
import { LwM2mError } from './lwm2m-error.ts';

/** Objects by id. */
export class ObjectSet implements Iterable<ManagedObject> {
  readonly #objects = new Map<number, ManagedObject>();
  readonly #resources = new Map<number, ReadonlyMap<number, ResourceDefinition>>();
  readonly #editions = new Map<LwM2mVersion, ObjectSet>();

  /** @throws LwM2mError ECONFIG if two objects have one id */
  constructor(objects: Iterable<ManagedObject>) {
    for (const object of objects) {
      const { id, name, resources } = object.definition;
      if (this.#objects.has(id)) {
        throw new LwM2mError('ECONFIG', `objects: there are two with id ${id} (${name}); give each object once`);
      }
      this.#objects.set(id, object);
      this.#resources.set(id, new Map(Object.values(resources).map((resource) => [resource.id, resource])));
    }
  }

  [Symbol.iterator](): Iterator<ManagedObject> {
    return this.#objects.values();
  }

  /** These objects as a server of that version may know them. */
  editionFor(version: LwM2mVersion): ObjectSet {
    const known = this.#editions.get(version) ?? new ObjectSet([...this].map((object) => editionOf(object, version)));
    this.#editions.set(version, known);
    return known;
  }

  find(id: number | undefined): ManagedObject | undefined {
    return id === undefined ? undefined : this.#objects.get(id);
  }

  /** The object of a path. @throws ModelError notFound */
  of(path: Path): ManagedObject {
    const object = this.find(path.object);
    if (object === undefined) throw new ModelError('notFound', `there is no object ${path.object ?? ''}`);
    return object;
  }

  /** The definition of the resource that `path` is or lies in. */
  definitionOf(path: Path): ResourceDefinition | undefined {
    return this.#resources.get(path.object ?? -1)?.get(path.resource ?? -1);
  }

  /** For formats; a bound function. What is executed has none: whatever is written to it is the model's to refuse (4.05). */
  readonly shapeOf = (path: Path): ResourceShape | undefined => {
    const definition = this.definitionOf(path);
    if (definition === undefined || definition.type === 'none') return undefined;
    return { type: definition.type, multiple: definition.multiple ?? false, wide: definition.wide === true };
  };

  /** Whether something is there. */
  has(path: Path): boolean {
    const { instance, resource, resourceInstance } = path;
    const object = this.find(path.object);
    if (object === undefined || instance === undefined) return object !== undefined || path.object === undefined;
    if (!object.instanceIds.includes(instance)) return false;
    if (resource === undefined) return true;
    if (!object.resourceIds(instance).includes(resource)) return false;
    if (resourceInstance === undefined) return true;
    return (
      this.definitionOf(path)?.multiple === true &&
      object.resourceInstanceIds(instance, resource)?.includes(resourceInstance) !== false
    );
  }

  read(path: Path, by: Actor): readonly Entry[] | Promise<readonly Entry[]> {
    return this.of(path).read(path, by);
  }

  /** The single value at a resource that only the device itself asks for; undefined if it is not there or computed later. */
  peek(...ids: readonly [object: number, instance: number, resource: number]): Entry['value'] | undefined {
    const path = Path.of(...ids);
    if (!this.has(path)) return undefined;
    const entries = this.read(path, 'application');
    return entries instanceof Promise ? undefined : entries[0]?.value;
  }

  /** @returns takes the subscription back */
  subscribe(listener: (change: Change) => void): () => void {
    const all = [...this.#objects.values()].map((object) => object.subscribe(listener));
    return () => {
      for (const leave of all) leave();
    };
  }
}
