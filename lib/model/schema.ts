// A definition with its resources at hand by id, and the questions the model asks about them.

import type { ObjectDefinition, ResourceDefinition } from './definition.ts';
import type { Actor } from './managed-object.ts';
import { ModelError } from './model-error.ts';
import { Path } from './path.ts';

export class Schema {
  readonly definition: ObjectDefinition;
  readonly #byId: ReadonlyMap<number, ResourceDefinition>;
  readonly #names: ReadonlyMap<number, string>;

  constructor(definition: ObjectDefinition) {
    this.definition = definition;
    const resources = Object.entries(definition.resources);
    this.#byId = new Map(resources.map(([, resource]) => [resource.id, resource]));
    this.#names = new Map(resources.map(([name, resource]) => [resource.id, name]));
  }

  get resources(): Iterable<ResourceDefinition> {
    return this.#byId.values();
  }

  find(resource: number | undefined): ResourceDefinition | undefined {
    return resource === undefined ? undefined : this.#byId.get(resource);
  }

  /** @throws ModelError notFound if the definition has no such resource */
  resource(id: number | undefined): ResourceDefinition {
    const definition = this.find(id);
    if (definition === undefined)
      throw new ModelError('notFound', `object ${this.definition.id} has no resource ${id}`);
    return definition;
  }

  /** The property name of a resource. */
  nameOf(resource: number): string {
    return this.#names.get(resource)!;
  }

  path(instance: number, ...rest: readonly number[]): Path {
    return Path.of(this.definition.id, instance, ...rest);
  }
}

export function mayRead(definition: ResourceDefinition, by: Actor): boolean {
  return by === 'server' ? definition.operations.includes('R') : definition.operations !== 'E';
}

export function mayWrite(definition: ResourceDefinition, by: Actor): boolean {
  return by === 'server' ? definition.operations.includes('W') : definition.operations !== 'E';
}
