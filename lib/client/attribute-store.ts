// The notification attributes a server has written, by path, with their inheritance (LwM2M Core 1.2 §5.1.1).

import { DecodeError } from '../bytes/index.ts';
import { ModelError, Path, type ResourceDefinition } from '../model/index.ts';
import {
  type AttributeChanges,
  type AttributeName,
  type NotificationAttributes,
  checkConsistency,
  checkLevels,
  isAttribute,
} from './attributes.ts';
import { savedRecord } from './saved-json.ts';

type Attributes = Partial<Record<AttributeName, number>>;

const DEFAULT_MAX_PATHS = 1_024; // no specification names one: every resource of a large device

/** The attributes of one server. */
export class AttributeStore {
  readonly #byPath = new Map<string, Attributes>();
  /** At how many paths an attribute is set: asked for at each notification, of thousands of paths. */
  readonly #counts = new Map<string, number>();
  readonly #maxPaths: number;

  constructor(options: { readonly maxPaths?: number | undefined } = {}) {
    this.#maxPaths = options.maxPaths ?? DEFAULT_MAX_PATHS;
  }

  /** What was set at `path` itself. */
  own(path: Path): NotificationAttributes {
    return this.#byPath.get(path.toString()) ?? {};
  }

  /** Whether `name` is set anywhere: else nobody has to look for it at each of many paths. */
  sets(name: AttributeName): boolean {
    return (this.#counts.get(name) ?? 0) > 0;
  }

  /** What applies at `path`: the lowest level that sets an attribute wins. */
  effective(path: Path): NotificationAttributes {
    if (this.#byPath.size === 0) return {};
    let merged: NotificationAttributes = {};
    for (let length = 1; length <= path.ids.length; length++) {
      const own = this.#byPath.get(path.prefix(length).toString());
      if (own !== undefined) merged = { ...merged, ...own };
    }
    return merged;
  }

  /** @param definition of the resource where `path` is one. @throws ModelError badRequest; nothing is changed then */
  write(path: Path, changes: AttributeChanges, definition: ResourceDefinition | undefined): void {
    checkLevels(path, changes, definition);
    const next: Attributes = { ...this.#byPath.get(path.toString()) };
    for (const [name, value] of changes) {
      if (value === undefined) delete next[name];
      else next[name] = value;
    }
    checkConsistency(next);
    this.#set(path.toString(), next);
  }

  /** Drops what was set at and below `path`: it is gone. @returns whether there was anything */
  forget(path: Path): boolean {
    const text = path.toString();
    const keys = [...this.#byPath.keys()].filter((key) => key === text || key.startsWith(`${text}/`));
    for (const key of keys) this.#replace(key, {});
    return keys.length > 0;
  }

  /** For storage. */
  toJSON(): Readonly<Record<string, NotificationAttributes>> {
    return Object.fromEntries(this.#byPath);
  }

  /** Takes up what `toJSON` gave, in place of everything. @throws DecodeError; nothing is changed then */
  restore(saved: unknown): void {
    const restored = new Map<string, Attributes>();
    for (const [path, attributes] of Object.entries(savedRecord(saved, 'attributes'))) {
      restored.set(Path.parse(path, 'attributes: path').toString(), attributesOf(attributes, path));
    }
    if (restored.size > this.#maxPaths) throw new DecodeError('attributes', `${this.#maxPaths}`, `${restored.size}`);
    for (const path of [...this.#byPath.keys()]) this.#replace(path, {});
    for (const [path, attributes] of restored) this.#replace(path, attributes);
  }

  #set(path: string, attributes: Attributes): void {
    const isNew = Object.keys(attributes).length > 0 && !this.#byPath.has(path);
    if (isNew && this.#byPath.size >= this.#maxPaths) {
      throw new ModelError('badRequest', `attributes are set at ${this.#maxPaths} paths already`);
    }
    this.#replace(path, attributes);
  }

  #replace(path: string, attributes: Attributes): void {
    this.#count(this.#byPath.get(path) ?? {}, -1);
    this.#count(attributes, 1);
    if (Object.keys(attributes).length === 0) this.#byPath.delete(path);
    else this.#byPath.set(path, attributes);
  }

  #count(attributes: Attributes, by: 1 | -1): void {
    for (const name of Object.keys(attributes)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}

/** What was saved obeys the same rules as what was written. */
function attributesOf(saved: unknown, path: string): Attributes {
  const attributes = savedRecord(saved, `attributes of ${path}`);
  for (const [name, value] of Object.entries(attributes)) {
    if (!isAttribute(name, value))
      throw new DecodeError(`attribute ${name} of ${path}`, 'a number of its kind', 'another');
  }
  return { ...attributes };
}
