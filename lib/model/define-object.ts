// From a definition to an object: the one function applications use.

import { type InstanceInit, type ObjectDefinition, validateDefinition } from './definition.ts';
import { type ObjectHooks, type TypedObject, TypedObjectBase } from './typed-object.ts';

/** A checked definition, and the way to make an object of it. */
export interface ObjectKind<D extends ObjectDefinition> {
  readonly definition: D;
  /**
   * Makes the object with its first instances, by id: `temperature.create({ 0: { sensorValue: 20 } })[0].sensorValue = 21.5`.
   * @throws ModelError naming the path if a value is missing or not of its type
   */
  create<const I extends Readonly<Record<number, InstanceInit<D>>>>(
    instances: I,
    hooks?: ObjectHooks<D>,
  ): TypedObject<D, keyof I & number>;
}

/**
 * Declares an object: `defineObject({ id: 3303, name: 'Temperature', resources: { sensorValue: { id: 5700, … } } })`.
 * The literal's types become the types of its instances.
 * @throws RangeError naming the object and resource if an id is out of range or used twice
 */
export function defineObject<const D extends ObjectDefinition>(definition: D): ObjectKind<D> {
  validateDefinition(definition);
  return {
    definition,
    create(instances, hooks) {
      const object = new TypedObjectBase(definition, hooks);
      for (const [id, init] of Object.entries(instances)) object.add(Number(id), init);
      return object as never;
    },
  };
}
