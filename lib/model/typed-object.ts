// An object whose instances are plain typed JavaScript objects: assigning a property notifies observers.

import type { Actor, Change, ManagedObject, WriteMode } from './managed-object.ts';
import type { Executable, InstanceInit, InstanceOf, ObjectDefinition, ResourceDefinition } from './definition.ts';
import { type Holding, Instance, type Values, checkHolding, checkValue, isValues, resourcesById } from './instance.ts';
import { type Entry, type Value, equalValues } from './value.ts';
import { ModelError } from './model-error.ts';
import { Path } from './path.ts';

/** What the application wants to know or decide about what servers do. */
export interface ObjectHooks<D extends ObjectDefinition> {
  /** After a server or bootstrap server wrote: the instance and the names of the resources written. */
  written?(event: {
    readonly id: number;
    readonly instance: InstanceOf<D>;
    readonly resources: readonly string[];
    readonly by: Actor;
  }): void;
  /** Before a write is applied; throw a ModelError to refuse. `values` by resource name. */
  willWrite?(event: {
    readonly id: number;
    readonly values: Readonly<Record<string, Value | Values>>;
    readonly by: Actor;
  }): void | Promise<void>;
  /** What a server's Create starts from. Without it servers cannot create instances. */
  instanceTemplate?(id: number): Partial<InstanceInit<D>>;
  /** After a server or bootstrap server deleted an instance. Without `deletable` servers cannot. */
  deleted?(event: { readonly id: number; readonly by: Actor }): void;
  readonly deletable?: boolean;
}

type Instances<D extends ObjectDefinition, Ids extends number> = { readonly [Id in Ids]: InstanceOf<D> } & {
  readonly [id: number]: InstanceOf<D> | undefined;
};

/** A typed object: instances by their id, and the operations of the engine. */
export type TypedObject<D extends ObjectDefinition, Ids extends number = never> = Instances<D, Ids> &
  TypedObjectBase<D>;

/** The implementation behind `TypedObject`; instance properties are defined as instances come and go. */
export class TypedObjectBase<D extends ObjectDefinition> implements ManagedObject {
  readonly definition: D;
  readonly #hooks: ObjectHooks<D>;
  readonly #byId: ReadonlyMap<number, ResourceDefinition>;
  readonly #names: ReadonlyMap<number, string>;
  readonly #instances = new Map<number, Instance>();
  readonly #views = new Map<number, InstanceOf<D>>();
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(definition: D, hooks: ObjectHooks<D> = {}) {
    this.definition = definition;
    this.#hooks = hooks;
    this.#byId = resourcesById(definition);
    this.#names = new Map(Object.entries(definition.resources).map(([name, resource]) => [resource.id, name]));
  }

  get instanceIds(): readonly number[] {
    return [...this.#instances.keys()].sort((a, b) => a - b);
  }

  resourceIds(instance: number): readonly number[] {
    return this.#instances.get(instance)?.resourceIds ?? [];
  }

  resourceInstanceIds(instance: number, resource: number): readonly number[] | undefined {
    const held = this.#instances.get(instance)?.holding(resource);
    if (!this.#byId.get(resource)?.multiple || !isValues(held)) return undefined;
    return Object.keys(held).map(Number);
  }

  /** The typed view of an instance. @throws ModelError notFound */
  instance(id: number): InstanceOf<D> {
    const view = this.#views.get(id);
    if (view === undefined) throw new ModelError('notFound', `there is no ${Path.of(this.definition.id, id)}`);
    return view;
  }

  /** The application adds an instance. @throws ModelError if the id is taken or a value is not of its type */
  add<const Id extends number>(id: Id, init: InstanceInit<D>): InstanceOf<D> {
    this.#insert(id, init);
    this.#changed({ kind: 'created', path: Path.of(this.definition.id, id) });
    return this.instance(id);
  }

  /** The application takes an instance away; without effect if there is none. */
  remove(id: number): void {
    if (!this.#instances.delete(id)) return;
    this.#views.delete(id);
    Reflect.deleteProperty(this, id);
    this.#changed({ kind: 'deleted', path: Path.of(this.definition.id, id) });
  }

  read(path: Path, by: Actor): readonly Entry[] | Promise<readonly Entry[]> {
    const instances = path.instance === undefined ? this.instanceIds : [path.instance];
    const parts: (readonly Entry[] | Promise<readonly Entry[]>)[] = [];
    for (const id of instances) this.#readInstance(this.#existing(id), path, by, parts);
    if (!parts.some((part) => part instanceof Promise)) return (parts as (readonly Entry[])[]).flat();
    return Promise.all(parts.map(async (part) => part)).then((all) => all.flat());
  }

  write(path: Path, entries: readonly Entry[], mode: WriteMode, by: Actor): void | Promise<void> {
    const instance = this.#existing(path.instance);
    if (path.resource !== undefined) this.#checkWritable(path, by);
    const changes = this.#gather(instance, path, entries, mode, by);
    return this.#afterConsent(instance.id, changes, by, () => this.#apply(instance, changes, by));
  }

  execute(path: Path, args: ReadonlyMap<number, string | undefined>): void | Promise<void> {
    const instance = this.#existing(path.instance);
    const definition = this.#byId.get(path.resource ?? -1);
    const held = instance.holding(path.resource ?? -1);
    if (definition === undefined || held === undefined) throw new ModelError('notFound', `there is no ${path}`);
    if (definition.operations !== 'E' || path.resourceInstance !== undefined) {
      throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be executed`);
    }
    return (held as Executable)(args);
  }

  create(instance: number | undefined, entries: readonly Entry[], by: Actor): number | Promise<number> {
    if (by === 'server' && this.#hooks.instanceTemplate === undefined) {
      throw new ModelError('methodNotAllowed', `object ${this.definition.id} takes no new instances`);
    }
    const id = instance ?? this.#freeId();
    if (this.#instances.has(id))
      throw new ModelError('badRequest', `there is ${Path.of(this.definition.id, id)} already`);
    if (!this.definition.multiple && id !== 0)
      throw new ModelError('badRequest', `object ${this.definition.id} has instance 0 only`);
    const values = this.#grouped(entries);
    for (const [resource, held] of values)
      checkHolding(
        this.#known(Path.of(this.definition.id, id, resource)),
        held,
        `/${this.definition.id}/${id}/${resource}`,
      );
    const init: Record<string, Holding> = {
      ...(this.#hooks.instanceTemplate?.(id) as Record<string, Holding> | undefined),
    };
    for (const [resource, held] of values) init[this.#names.get(resource)!] = held;
    const finish = (): number => {
      this.#insert(id, init as InstanceInit<D>);
      this.#changed({ kind: 'created', path: Path.of(this.definition.id, id) });
      return id;
    };
    const consent = this.#hooks.willWrite?.({ id, values: this.#named(values), by });
    return consent instanceof Promise ? consent.then(finish) : finish();
  }

  delete(instance: number, by: Actor): void {
    this.#existing(instance);
    if (by === 'server' && this.#hooks.deletable !== true) {
      throw new ModelError('methodNotAllowed', `instances of object ${this.definition.id} cannot be deleted`);
    }
    this.remove(instance);
    this.#hooks.deleted?.({ id: instance, by });
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Sets one resource as the application does: type-checked, not held to the operations. Undefined removes it. */
  set(id: number, name: string, held: Holding | undefined): void {
    const definition = this.definition.resources[name];
    if (definition === undefined)
      throw new ModelError('notFound', `object ${this.definition.id} has no resource ${name}`);
    const path = Path.of(this.definition.id, id, definition.id);
    const instance = this.#existing(id);
    if (held === undefined && definition.mandatory)
      throw new ModelError('badRequest', `${path} (${definition.name}) is mandatory`);
    if (held !== undefined) checkHolding(definition, held, path.toString());
    const before = instance.holding(definition.id);
    instance.set(definition.id, held);
    if (!sameHolding(before, held)) this.#changed({ kind: 'value', path });
  }

  /** Tells observers that what a function-valued resource would answer has changed. */
  changed(id: number, name: keyof D['resources'] & string): void {
    this.#changed({ kind: 'value', path: Path.of(this.definition.id, id, this.definition.resources[name]!.id) });
  }

  #readInstance(
    instance: Instance,
    path: Path,
    by: Actor,
    parts: (readonly Entry[] | Promise<readonly Entry[]>)[],
  ): void {
    if (path.resource === undefined) {
      for (const id of instance.resourceIds) {
        const { operations } = this.#byId.get(id)!;
        if (operations.includes('R') || (by !== 'server' && operations !== 'E')) {
          parts.push(instance.entries(Path.of(this.definition.id, instance.id, id), id));
        }
      }
      return;
    }
    const definition = this.#known(path);
    if (instance.holding(path.resource) === undefined) throw new ModelError('notFound', `there is no ${path}`);
    if (!definition.operations.includes('R') && (by === 'server' || definition.operations === 'E')) {
      throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be read`);
    }
    parts.push(only(instance.entries(path.prefix(3), path.resource), path));
  }

  #checkWritable(path: Path, by: Actor): void {
    const definition = this.#known(path);
    const allowed = by === 'server' ? definition.operations.includes('W') : definition.operations !== 'E';
    if (!allowed) throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be written`);
    if (path.resourceInstance !== undefined && !definition.multiple) {
      throw new ModelError('notFound', `${path.prefix(3)} (${definition.name}) has no resource instances`);
    }
  }

  #gather(
    instance: Instance,
    path: Path,
    entries: readonly Entry[],
    mode: WriteMode,
    by: Actor,
  ): Map<number, Holding | undefined> {
    const stray = entries.find((entry) => !path.contains(entry.path));
    if (stray !== undefined) throw new ModelError('badRequest', `${stray.path} is not below ${path}`);
    const changes = new Map<number, Holding | undefined>();
    for (const [resource, given] of this.#grouped(entries)) {
      const at = Path.of(this.definition.id, instance.id, resource);
      this.#checkWritable(at, by);
      const before = instance.holding(resource);
      const merges = mode === 'update' || path.resourceInstance !== undefined;
      const holding: Values | Value =
        merges && isValues(given) && isValues(before)
          ? Object.assign<object, Values, Values>({}, before, given)
          : given;
      checkHolding(this.#known(at), holding, at.toString());
      changes.set(resource, holding);
    }
    if (mode === 'replace') this.#gatherAbsent(instance, path, changes, by);
    return changes;
  }

  /** A replace takes away what it does not give: resources of an instance, or all values of one resource. */
  #gatherAbsent(instance: Instance, path: Path, changes: Map<number, Holding | undefined>, by: Actor): void {
    if (path.resource !== undefined) {
      if (!changes.has(path.resource) && this.#known(path).multiple && path.resourceInstance === undefined)
        changes.set(path.resource, {});
      return;
    }
    for (const resource of Object.values(this.definition.resources)) {
      const touchable = by === 'server' ? resource.operations.includes('W') : resource.operations !== 'E';
      if (!touchable || changes.has(resource.id)) continue;
      if (resource.mandatory) {
        throw new ModelError(
          'badRequest',
          `a replace of ${path} needs its mandatory resource ${resource.id} (${resource.name})`,
        );
      }
      if (instance.holding(resource.id) !== undefined) changes.set(resource.id, undefined);
    }
  }

  #grouped(entries: readonly Entry[]): Map<number, Value | Values> {
    const grouped = new Map<number, Value | Values>();
    for (const { path, value } of entries) {
      const definition = this.#known(path);
      if (path.resourceInstance === undefined) {
        if (definition.multiple)
          throw new ModelError(
            'badRequest',
            `${path} (${definition.name}) is multiple: values need a resource instance id`,
          );
        checkValue(definition, value, path.toString());
        grouped.set(definition.id, value);
      } else {
        if (!definition.multiple)
          throw new ModelError('badRequest', `${path.prefix(3)} (${definition.name}) is not multiple`);
        grouped.set(definition.id, {
          ...(grouped.get(definition.id) as Values | undefined),
          [path.resourceInstance]: value,
        });
      }
    }
    return grouped;
  }

  #afterConsent(
    id: number,
    changes: ReadonlyMap<number, Holding | undefined>,
    by: Actor,
    apply: () => void,
  ): void | Promise<void> {
    const consent = this.#hooks.willWrite?.({ id, values: this.#named(changes), by });
    return consent instanceof Promise ? consent.then(apply) : apply();
  }

  #apply(instance: Instance, changes: ReadonlyMap<number, Holding | undefined>, by: Actor): void {
    const changed: Path[] = [];
    for (const [resource, held] of changes) {
      if (!sameHolding(instance.holding(resource), held))
        changed.push(Path.of(this.definition.id, instance.id, resource));
      instance.set(resource, held);
    }
    const view = this.#views.get(instance.id);
    if (view !== undefined) {
      this.#hooks.written?.({
        id: instance.id,
        instance: view,
        resources: [...changes.keys()].map((id) => this.#names.get(id)!),
        by,
      });
    }
    for (const path of changed) this.#changed({ kind: 'value', path });
  }

  #named(changes: ReadonlyMap<number, Holding | undefined>): Record<string, Value | Values> {
    const given = [...changes].filter(([, held]) => held !== undefined);
    return Object.fromEntries(given.map(([id, held]) => [this.#names.get(id)!, held as Value | Values]));
  }

  #insert(id: number, init: InstanceInit<D>): void {
    const path = Path.of(this.definition.id, id);
    if (this.#instances.has(id)) throw new ModelError('badRequest', `there is ${path} already`);
    if (!this.definition.multiple && id !== 0)
      throw new ModelError('badRequest', `object ${this.definition.id} has instance 0 only`);
    const given = init as Readonly<Record<string, Holding | undefined>>;
    const stray = Object.keys(given).find((name) => !Object.hasOwn(this.definition.resources, name));
    if (stray !== undefined) throw new ModelError('badRequest', `${path}: the definition has no resource ${stray}`);
    const instance = new Instance(id, this.#byId);
    for (const [name, resource] of Object.entries(this.definition.resources)) {
      const held = given[name];
      if (held !== undefined) checkHolding(resource, held, path.child(resource.id).toString());
      else if (resource.mandatory)
        throw new ModelError('badRequest', `${path} lacks its mandatory resource ${resource.id} (${name})`);
      instance.set(resource.id, held);
    }
    this.#instances.set(id, instance);
    const view = this.#view(instance);
    this.#views.set(id, view);
    Object.defineProperty(this, id, { value: view, configurable: true, enumerable: true });
  }

  #view(instance: Instance): InstanceOf<D> {
    const view = {};
    for (const [name, resource] of Object.entries(this.definition.resources)) {
      Object.defineProperty(view, name, {
        enumerable: true,
        get: () => present(instance.holding(resource.id), resource, name),
        set: (held: Holding | undefined) => {
          this.set(instance.id, name, held);
        },
      });
    }
    return Object.seal(view) as InstanceOf<D>;
  }

  #existing(id: number | undefined): Instance {
    const instance = id === undefined ? undefined : this.#instances.get(id);
    if (instance === undefined) throw new ModelError('notFound', `there is no /${this.definition.id}/${id ?? ''}`);
    return instance;
  }

  #known(path: Path): ResourceDefinition {
    const definition = path.resource === undefined ? undefined : this.#byId.get(path.resource);
    if (definition === undefined)
      throw new ModelError('notFound', `object ${this.definition.id} has no resource ${path.resource}`);
    return definition;
  }

  #freeId(): number {
    let id = 0;
    while (this.#instances.has(id)) id++;
    return id;
  }

  #changed(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** What the typed view shows of a holding: functions of non-executable resources are asked. */
function present(held: Holding | undefined, resource: ResourceDefinition, name: string): unknown {
  if (typeof held !== 'function' || resource.operations === 'E') return held;
  const value: unknown = (held as () => unknown)();
  if (value instanceof Promise) throw new ModelError('internal', `${name} is asynchronous: read it with read()`);
  return value;
}

/** Of a resource's entries, those at or below `path`. @throws ModelError notFound for a resource instance that is not there */
function only(
  entries: readonly Entry[] | Promise<readonly Entry[]>,
  path: Path,
): readonly Entry[] | Promise<readonly Entry[]> {
  if (path.resourceInstance === undefined) return entries;
  if (entries instanceof Promise) return entries.then((later) => only(later, path));
  const found = entries.filter((entry) => path.contains(entry.path));
  if (found.length === 0) throw new ModelError('notFound', `there is no ${path}`);
  return found;
}

function sameHolding(a: Holding | undefined, b: Holding | undefined): boolean {
  if (a === undefined || b === undefined || typeof a === 'function' || typeof b === 'function') return a === b;
  if (!isValues(a) || !isValues(b)) return !isValues(a) && !isValues(b) && equalValues(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameValueAt(a, b, Number(key)));
}

function sameValueAt(a: Values, b: Values, id: number): boolean {
  const [left, right] = [a[id], b[id]];
  return left !== undefined && right !== undefined && equalValues(left, right);
}
