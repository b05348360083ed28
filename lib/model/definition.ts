// Object definitions as typed data: from them come the runtime checks and the TypeScript type of an instance.

import type { ResourceType, ValueOfType } from './value.ts';

/** What servers may do with a resource; '' is what only the device or a bootstrap server touches. */
export type Operations = 'R' | 'W' | 'RW' | 'E' | '';

/** Both inclusive. */
export type Bounds = readonly [min: number | bigint, max: number | bigint];

export interface ResourceDefinition {
  /** 0 to 65534. */
  readonly id: number;
  /** OMA's name, as in the registry. */
  readonly name: string;
  readonly operations: Operations;
  readonly type: ResourceType;
  /** Default false: a single value. */
  readonly multiple?: boolean;
  /** Default false. */
  readonly mandatory?: boolean;
  /** Smallest and largest number, or length of a string or opaque value in bytes; as the registry's Range. */
  readonly range?: Bounds;
  /** The same, where there are several of which one has to hold; single values are their own bounds. */
  readonly ranges?: readonly Bounds[];
  /** The strings it may be. */
  readonly oneOf?: readonly string[];
  /** What the registry says of its range where that is for people. */
  readonly rangeText?: string;
  /** As the registry's Units. */
  readonly units?: string;
  /**
   * Integers beyond 2^53 matter here: the value is always a bigint; `beyond`: only where a number cannot hold it. Default false:
   * always a number, and integers beyond are refused.
   */
  readonly wide?: boolean | 'beyond';
}

export interface ObjectDefinition {
  /** 0 to 65534. */
  readonly id: number;
  readonly name: string;
  /** Object version, default 1.0 (LwM2M Core §6.2). */
  readonly version?: `${number}.${number}`;
  /** Default false: only instance 0. */
  readonly multiple?: boolean;
  /** Default false. */
  readonly mandatory?: boolean;
  /** By the property name an instance has them under. */
  readonly resources: Readonly<Record<string, ResourceDefinition>>;
}

/** What an executable resource calls. Arguments by their digit (LwM2M Core §6.3.4 / §7.4.5 Execute). */
export type Executable = (args: ReadonlyMap<number, string | undefined>) => void | Promise<void>;

type Scalar<R extends ResourceDefinition> = R extends { readonly wide: true }
  ? bigint
  : R extends { readonly wide: 'beyond' }
    ? number | bigint
    : ValueOfType[R['type']];
type ResourceValue<R extends ResourceDefinition> = R['operations'] extends 'E'
  ? Executable
  : R extends { readonly multiple: true }
    ? object & Readonly<Record<number, Scalar<R>>> // object: a string is a record of strings, too
    : Scalar<R>;

type MandatoryNames<R> = { [N in keyof R]: R[N] extends { readonly mandatory: true } ? N : never }[keyof R];

/** The typed view of an instance: optional resources may be absent. */
export type InstanceOf<D extends ObjectDefinition> = {
  -readonly [N in MandatoryNames<D['resources']>]: ResourceValue<D['resources'][N & string]>;
} & {
  -readonly [N in Exclude<keyof D['resources'], MandatoryNames<D['resources']>>]?:
    | ResourceValue<D['resources'][N & string]>
    | undefined;
};

type Source<V> = V extends Executable ? V : V | (() => V | Promise<V>);

/** What an instance is made from: a value, or a function (also asynchronous) asked at every read. */
export type InstanceInit<D extends ObjectDefinition> = {
  readonly [N in MandatoryNames<D['resources']>]: Source<ResourceValue<D['resources'][N & string]>>;
} & {
  readonly [N in Exclude<keyof D['resources'], MandatoryNames<D['resources']>>]?:
    | Source<ResourceValue<D['resources'][N & string]>>
    | undefined;
};

/** Checks a definition once, with the object's and resource's name in every error. @throws RangeError */
export function validateDefinition(definition: ObjectDefinition): void {
  const where = `object ${definition.id} (${definition.name})`;
  checkId(definition.id, where);
  const seen = new Map<number, string>();
  for (const [name, resource] of Object.entries(definition.resources)) {
    checkId(resource.id, `${where}, resource ${name}`);
    const other = seen.get(resource.id);
    if (other !== undefined) throw new RangeError(`${where}: ${name} and ${other} have the same id ${resource.id}`);
    seen.set(resource.id, name);
    if ((resource.operations === 'E') !== (resource.type === 'none')) {
      throw new RangeError(`${where}, resource ${name}: executable resources, and only they, have the type none`);
    }
    if (resource.wide !== undefined && resource.wide !== false && !/^(integer|unsignedInteger)$/.test(resource.type)) {
      throw new RangeError(`${where}, resource ${name}: only integers can be wide, not ${resource.type}`);
    }
  }
}

function checkId(id: number, where: string): void {
  if (!Number.isInteger(id) || id < 0 || id > 65_534) throw new RangeError(`${where}: an id is 0 to 65534, not ${id}`);
}
