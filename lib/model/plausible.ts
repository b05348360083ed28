// Objects from their definitions alone: instances with values that the definitions allow, for simulated devices.

import type { InstanceInit, ObjectDefinition, ResourceDefinition } from './definition.ts';
import type { Value } from './value.ts';
import { type TypedObject, TypedObjectBase } from './typed-object.ts';
import { utf8Encode } from '../bytes/index.ts';

export interface PlausibleOptions {
  /** Ids of the instances it begins with. Default none. */
  readonly instances?: readonly number[];
  /** What resources of type time have. */
  readonly now: Date;
  /** An executable resource was executed. Default: nothing happens. */
  readonly executed?: (resource: ResourceDefinition, args: ReadonlyMap<number, string | undefined>) => void;
}

const LARGEST_SIZE = 65_536; // bytes made up, whatever least length a definition asks for: `add` refuses what is shorter

/**
 * A whole object: each instance has every resource of the definition, servers may create and delete instances.
 * @throws ModelError if an instance id is not allowed
 */
export function plausibleObject<D extends ObjectDefinition>(definition: D, options: PlausibleOptions): TypedObject<D> {
  const object = new TypedObjectBase(withAllIntegers(definition), {
    instanceTemplate: () => plausibleInstance(definition, options),
    deletable: true,
  });
  for (const id of options.instances ?? []) object.add(id, plausibleInstance(definition, options));
  return object as TypedObject<D>;
}

/** Nobody computes with these values: integers may have all of their 64 bits. */
function withAllIntegers<D extends ObjectDefinition>(definition: D): D {
  const resources = Object.entries(definition.resources).map(([name, resource]) => {
    const isInteger = resource.type === 'integer' || resource.type === 'unsignedInteger';
    return [name, isInteger ? { wide: 'beyond', ...resource } : resource] as const;
  });
  return { ...definition, resources: Object.fromEntries(resources) };
}

function plausibleInstance<D extends ObjectDefinition>(definition: D, options: PlausibleOptions): InstanceInit<D> {
  const resources = Object.entries(definition.resources).map(([name, resource]) => {
    if (resource.operations === 'E') {
      return [name, (args: ReadonlyMap<number, string | undefined>) => options.executed?.(resource, args)] as const;
    }
    const value = plausibleValue(resource, options.now);
    return [name, resource.multiple ? { 0: value } : value] as const;
  });
  return Object.fromEntries(resources) as InstanceInit<D>;
}

/** A value that the definition allows: the one nearest to nothing. */
export function plausibleValue(resource: ResourceDefinition, now: Date): Value {
  const { type, wide } = resource;
  switch (type) {
    case 'integer':
    case 'unsignedInteger':
      return wide === true ? BigInt(nearestToZero(resource)) : Math.ceil(Number(nearestToZero(resource)));
    case 'float':
      return Number(nearestToZero(resource));
    case 'boolean':
      return false;
    case 'time':
      return new Date(Math.floor(now.getTime() / 1_000) * 1_000);
    case 'opaque':
      return new Uint8Array(Math.min(Number(nearestToZero(resource)), LARGEST_SIZE));
    case 'objectLink':
      return { object: 0xffff, instance: 0xffff }; // the null link
    case 'coreLink':
      return '';
    default:
      return plausibleText(resource);
  }
}

/** The resource's own name, as long as it may be. */
function plausibleText(resource: ResourceDefinition): string {
  const { name, oneOf, range, ranges } = resource;
  if (oneOf !== undefined) return oneOf[0] ?? '';
  const [min, max] = range ?? ranges?.[0] ?? [0, Number.MAX_SAFE_INTEGER];
  const ascii = name.replaceAll(/[^ -~]/g, '');
  return utf8Encode(ascii).length <= max
    ? ascii.padEnd(Math.min(Number(min), LARGEST_SIZE), '.')
    : ascii.slice(0, Number(max));
}

function nearestToZero({ range, ranges }: ResourceDefinition): number | bigint {
  const [min, max] = range ?? ranges?.[0] ?? [0, 0];
  if (min > 0) return min;
  return max < 0 ? max : 0;
}
