// An object whose instances are plain typed JavaScript objects: assigning a property notifies observers.

import type { Actor, Change, ManagedObject, Prepared, WriteMode, WriteRequest } from './managed-object.ts';
import { type Changes, planCreate, planWrite } from './write-plan.ts';
import { type OpaqueSource, type OpaqueStream, OpaqueStreams } from './opaque-stream.ts';
import type { Executable, InstanceInit, InstanceOf, ObjectDefinition } from './definition.ts';
import { type Holding, Instance, type Values, checkHolding, isValues, sameHolding } from './instance.ts';
import { Schema, mayRead } from './schema.ts';
import { type Reading, entriesBelow, joined, present } from './view.ts';
import type { Entry, Value } from './value.ts';
import { ModelError } from './model-error.ts';
import type { Path } from './path.ts';

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
  /** What a Create by a server or bootstrap server starts from. Without it, or undefined: servers cannot create instances. */
  instanceTemplate?(id: number, by: Actor): Partial<InstanceInit<D>> | undefined;
  /** Where there are so many instances, no server creates another. Default 256. */
  readonly maxInstances?: number | undefined;
  /** After a server or bootstrap server deleted an instance. Without `deletable` servers cannot. */
  deleted?(event: { readonly id: number; readonly by: Actor }): void;
  readonly deletable?: boolean;
  /** Single opaque resources that are given and taken part by part, by name. One that is read so needs no value of its own. */
  readonly streams?: { readonly [N in keyof D['resources']]?: OpaqueStream };
}

type Instances<D extends ObjectDefinition, Ids extends number> = { readonly [Id in Ids]: InstanceOf<D> } & {
  readonly [id: number]: InstanceOf<D> | undefined;
};

const DEFAULT_MAX_INSTANCES = 256; // ours: no specification names one; above what servers are seen to create

/** A typed object: instances by their id, and the operations of the engine. */
export type TypedObject<D extends ObjectDefinition, Ids extends number = never> = Instances<D, Ids> &
  TypedObjectBase<D>;

/** The implementation behind `TypedObject`; instance properties are defined as instances come and go. */
export class TypedObjectBase<D extends ObjectDefinition> implements ManagedObject {
  readonly definition: D;
  readonly #hooks: ObjectHooks<D>;
  readonly #schema: Schema;
  readonly #streams: OpaqueStreams;
  readonly #instances = new Map<number, Instance>();
  readonly #views = new Map<number, InstanceOf<D>>();
  /** Ascending; undefined once instances have come or gone. Requests of many paths ask for them again and again. */
  #ids: readonly number[] | undefined;
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(definition: D, hooks: ObjectHooks<D> = {}) {
    this.definition = definition;
    this.#hooks = hooks;
    this.#schema = new Schema(definition);
    this.#streams = new OpaqueStreams(this.#schema, hooks.streams ?? {});
  }

  get instanceIds(): readonly number[] {
    return (this.#ids ??= [...this.#instances.keys()].sort((a, b) => a - b));
  }

  resourceIds(instance: number): readonly number[] {
    return this.#instances.get(instance)?.resourceIds ?? [];
  }

  resourceInstanceIds(instance: number, resource: number): readonly number[] | undefined {
    const held = this.#instances.get(instance)?.holding(resource);
    if (this.#schema.find(resource)?.multiple !== true || !isValues(held)) return undefined;
    return Object.keys(held).map(Number);
  }

  /** The typed view of an instance. @throws ModelError notFound */
  instance(id: number): InstanceOf<D> {
    const view = this.#views.get(id);
    if (view === undefined) throw new ModelError('notFound', `there is no ${this.#schema.path(id)}`);
    return view;
  }

  /** The application adds an instance. @throws ModelError if the id is taken or a value is not of its type */
  add<const Id extends number>(id: Id, init: InstanceInit<D>): InstanceOf<D> {
    this.#insert(this.#make(id, init));
    return this.instance(id);
  }

  /** The application takes an instance away; without effect if there is none. */
  remove(id: number): void {
    if (!this.#instances.delete(id)) return;
    this.#ids = undefined;
    this.#views.delete(id);
    Reflect.deleteProperty(this, id);
    this.#changed({ kind: 'deleted', path: this.#schema.path(id) });
  }

  read(path: Path, by: Actor): Reading {
    const instances = path.instance === undefined ? this.instanceIds : [path.instance];
    return joined(instances.flatMap((id) => this.#readInstance(this.#existing(id), path, by)));
  }

  write(path: Path, entries: readonly Entry[], mode: WriteMode, by: Actor): void | Promise<void> {
    return perform(this.prepareWrite({ path, entries, mode, by }));
  }

  prepareWrite(request: WriteRequest): Prepared<void> | Promise<Prepared<void>> {
    const { path, by } = request;
    const plan = (): [Instance, Changes] => {
      const instance = this.#existing(path.instance);
      return [instance, this.#streams.without(path, planWrite(this.#schema, instance, request))];
    };
    const prepared: Prepared<void> = () => {
      const [instance, changes] = plan();
      return () => this.#apply(instance, changes, by);
    };
    const [instance, changes] = plan();
    const consent = this.#hooks.willWrite?.({ id: instance.id, values: this.#named(changes), by });
    return consent instanceof Promise ? consent.then(() => prepared) : prepared;
  }

  execute(path: Path, args: ReadonlyMap<number, string | undefined>): void | Promise<void> {
    const instance = this.#existing(path.instance);
    const definition = this.#schema.find(path.resource);
    const held = path.resource === undefined ? undefined : instance.holding(path.resource);
    if (definition === undefined || held === undefined) throw new ModelError('notFound', `there is no ${path}`);
    if (definition.operations !== 'E' || path.resourceInstance !== undefined) {
      throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be executed`);
    }
    return (held as Executable)(args);
  }

  create(instance: number | undefined, entries: readonly Entry[], by: Actor): number | Promise<number> {
    return perform(this.prepareCreate(instance, entries, by));
  }

  get vacancies(): number {
    return Math.max(0, (this.#hooks.maxInstances ?? DEFAULT_MAX_INSTANCES) - this.#instances.size);
  }

  prepareCreate(
    instance: number | undefined,
    entries: readonly Entry[],
    by: Actor,
  ): Prepared<number> | Promise<Prepared<number>> {
    const id = instance ?? this.#freeId();
    const template = this.#hooks.instanceTemplate?.(id, by);
    if (by === 'server' && template === undefined) {
      throw new ModelError('methodNotAllowed', `object ${this.definition.id} takes no new instances`);
    }
    if (by === 'server' && this.vacancies === 0) {
      throw new ModelError('badRequest', `object ${this.definition.id} has ${this.#instances.size} instances already`);
    }
    this.#checkFree(id);
    const values = this.#named(this.#streams.without(this.#schema.path(id), planCreate(this.#schema, id, entries, by)));
    const init = { ...template, ...values } as InstanceInit<D>;
    const prepared: Prepared<number> = () => {
      const made = this.#make(id, init);
      return () => {
        this.#insert(made);
        return id;
      };
    };
    prepared(); // what it lacks is told before anybody is asked
    const consent = this.#hooks.willWrite?.({ id, values, by });
    return consent instanceof Promise ? consent.then(() => prepared) : prepared;
  }

  delete(instance: number, by: Actor): void {
    this.#existing(instance);
    if (by === 'server' && this.#hooks.deletable !== true) {
      throw new ModelError('methodNotAllowed', `instances of object ${this.definition.id} cannot be deleted`);
    }
    this.remove(instance);
    this.#hooks.deleted?.({ id: instance, by });
  }

  deleteResourceInstance(path: Path, by: Actor): void | Promise<void> {
    const { instance, resource, resourceInstance } = path;
    const ids = this.resourceInstanceIds(instance ?? -1, resource ?? -1);
    if (resourceInstance === undefined || ids?.includes(resourceInstance) !== true) {
      throw new ModelError('notFound', `there is no ${path}`);
    }
    return perform(this.prepareWrite({ path: path.prefix(3), entries: [], mode: 'update', by, removed: [path] }));
  }

  source(path: Path, by: Actor): OpaqueSource | Promise<OpaqueSource> | undefined {
    return this.#streams.source(this.#instances.get(path.instance ?? -1), path, by);
  }

  takesParts(path: Path, by: Actor): boolean {
    return this.#instances.has(path.instance ?? -1) && this.#streams.takesParts(path, by);
  }

  async writeParts(path: Path, parts: AsyncIterable<Uint8Array>, by: Actor): Promise<void> {
    if (!this.takesParts(path, by)) throw new ModelError('methodNotAllowed', `${path} does not take parts`);
    const instance = this.#existing(path.instance);
    const checkThere = (): void => {
      // Another one of its id is not what this was meant for.
      if (this.#instances.get(instance.id) !== instance) throw new ModelError('notFound', `${path} has been deleted`);
    };
    await this.#streams.write({ path, parts, by, checkThere });
    this.#applied(instance, [path], [path.resource!], by);
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
    const path = this.#schema.path(id, definition.id);
    const instance = this.#existing(id);
    if (held === undefined && definition.mandatory)
      throw new ModelError('badRequest', `${path} (${definition.name}) is mandatory`);
    if (held !== undefined) {
      this.#streams.checkHeld(definition, path);
      checkHolding(definition, held, path.toString());
    }
    const before = instance.holding(definition.id);
    instance.set(definition.id, held);
    if (!sameHolding(before, held)) this.#changed({ kind: 'value', path });
  }

  /** Tells observers that what a function-valued resource would answer has changed. */
  changed(id: number, name: keyof D['resources'] & string): void {
    this.#changed({ kind: 'value', path: this.#schema.path(id, this.definition.resources[name]!.id) });
  }

  #readInstance(instance: Instance, path: Path, by: Actor): (() => Reading)[] {
    if (path.resource === undefined) {
      return instance.resourceIds
        .filter((id) => mayRead(this.#schema.resource(id), by))
        .map((id) => () => instance.entries(this.#schema.path(instance.id, id), id));
    }
    const definition = this.#schema.resource(path.resource);
    if (instance.holding(path.resource) === undefined) throw new ModelError('notFound', `there is no ${path}`);
    if (!mayRead(definition, by)) {
      throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be read`);
    }
    const { resource } = path;
    return [() => entriesBelow(instance.entries(path.prefix(3), resource), path)];
  }

  /** Observers hear of the change before the application does: its hook may fail, and the change has happened. */
  #apply(instance: Instance, changes: Changes, by: Actor): void {
    const changed = [...changes].filter(([id, held]) => !sameHolding(instance.holding(id), held));
    for (const [id, held] of changes) instance.set(id, held);
    const paths = changed.map(([id]) => this.#schema.path(instance.id, id));
    this.#applied(instance, paths, [...changes.keys()], by);
  }

  #applied({ id }: Instance, changed: readonly Path[], written: readonly number[], by: Actor): void {
    this.#changed(...changed.map((path) => ({ kind: 'value', path }) as const));
    const instance = this.#views.get(id);
    if (instance === undefined) return;
    const resources = written.map((resource) => this.#schema.nameOf(resource));
    this.#hooks.written?.({ id, instance, resources, by });
  }

  #named(changes: Changes): Record<string, Value | Values> {
    const given = [...changes].filter(([, held]) => held !== undefined);
    return Object.fromEntries(given.map(([id, held]) => [this.#schema.nameOf(id), held as Value | Values]));
  }

  #checkFree(id: number): void {
    const path = this.#schema.path(id);
    if (this.#instances.has(id)) throw new ModelError('badRequest', `there is ${path} already`);
    if (!this.definition.multiple && id !== 0)
      throw new ModelError('badRequest', `object ${this.definition.id} has instance 0 only`);
  }

  /** @throws ModelError if the id is taken, or what is given is not an instance */
  #make(id: number, init: InstanceInit<D>): Instance {
    this.#checkFree(id);
    const path = this.#schema.path(id);
    const given = init as Readonly<Record<string, Holding | undefined>>;
    const stray = Object.keys(given).find((name) => !Object.hasOwn(this.definition.resources, name));
    if (stray !== undefined) throw new ModelError('badRequest', `${path}: the definition has no resource ${stray}`);
    const instance = new Instance(id, this.#schema);
    for (const [name, resource] of Object.entries(this.definition.resources)) {
      const held = this.#streams.holding(id, resource) ?? given[name];
      if (held !== undefined) checkHolding(resource, held, path.child(resource.id).toString());
      else if (resource.mandatory)
        throw new ModelError('badRequest', `${path} lacks its mandatory resource ${resource.id} (${name})`);
      instance.set(resource.id, held);
    }
    return instance;
  }

  #insert(instance: Instance): void {
    const { id } = instance;
    const path = this.#schema.path(id);
    this.#instances.set(id, instance);
    this.#ids = undefined;
    const view = this.#view(instance);
    this.#views.set(id, view);
    Object.defineProperty(this, id, { value: view, configurable: true, enumerable: true });
    this.#changed({ kind: 'created', path });
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

  #freeId(): number {
    let id = 0;
    while (this.#instances.has(id)) id++;
    return id;
  }

  /** All listeners hear of all changes, whichever of them fail; what the first one threw is thrown in the end. */
  #changed(...changes: readonly Change[]): void {
    let failure: { readonly error: unknown } | undefined;
    for (const change of changes) {
      for (const listener of this.#listeners) {
        try {
          listener(change);
        } catch (error) {
          failure ??= { error };
        }
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}

/** At once where nobody had to be waited for. */
function perform<T>(prepared: Prepared<T> | Promise<Prepared<T>>): T | Promise<T> {
  return prepared instanceof Promise ? prepared.then((later) => later()()) : prepared()();
}
