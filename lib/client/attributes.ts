// Notification attributes a server set by Write-Attributes (LwM2M Core 1.2 §5.1.2, §6.3.4), by path, for one server.

import { DecodeError } from '../bytes/index.ts';
import { ModelError, type Path, type ResourceDefinition } from '../model/index.ts';

/** In seconds (pmin, pmax, epmin, epmax), in the resource's units (gt, lt, st); `con` 1 asks for confirmable notifications. */
export interface NotificationAttributes {
  readonly pmin?: number | undefined;
  readonly pmax?: number | undefined;
  readonly gt?: number | undefined;
  readonly lt?: number | undefined;
  readonly st?: number | undefined;
  readonly epmin?: number | undefined;
  readonly epmax?: number | undefined;
  readonly con?: number | undefined;
}
type Name = keyof NotificationAttributes;

const SYNTAX: Readonly<Record<Name, RegExp>> = {
  pmin: /^\d{1,10}$/,
  pmax: /^\d{1,10}$/,
  epmin: /^\d{1,10}$/,
  epmax: /^\d{1,10}$/,
  con: /^[01]$/,
  gt: /^-?\d{1,20}(\.\d{1,20})?$/, // the ABNF has no sign, but temperatures do
  lt: /^-?\d{1,20}(\.\d{1,20})?$/,
  st: /^\d{1,20}(\.\d{1,20})?$/,
};
const NUMERIC_ONLY: readonly Name[] = ['gt', 'lt', 'st'];
const NUMERIC_TYPES = new Set(['integer', 'unsignedInteger', 'float']);

/** What a Write-Attributes asks for: a number sets, undefined unsets. */
export type AttributeChanges = ReadonlyMap<Name, number | undefined>;

/** Parses Uri-Query arguments: `pmin=10`, `pmax` alone unsets. @throws DecodeError naming the attribute */
export function parseAttributes(query: readonly string[]): AttributeChanges {
  const changes = new Map<Name, number | undefined>();
  for (const argument of query) {
    const at = argument.indexOf('=');
    const name = at < 0 ? argument : argument.slice(0, at);
    if (!Object.hasOwn(SYNTAX, name)) {
      throw new DecodeError('attribute', Object.keys(SYNTAX).join(', '), JSON.stringify(name.slice(0, 20)));
    }
    if (changes.has(name as Name)) throw new DecodeError(`attribute ${name}`, 'it once', 'it twice');
    const text = at < 0 ? undefined : argument.slice(at + 1);
    if (text !== undefined && !SYNTAX[name as Name].test(text)) {
      throw new DecodeError(`attribute ${name}`, 'a number of its kind', JSON.stringify(text.slice(0, 20)));
    }
    changes.set(name as Name, text === undefined ? undefined : Number(text));
  }
  return changes;
}

/** The attributes of one server. */
export class AttributeStore {
  readonly #byPath = new Map<string, NotificationAttributes>();

  /** What was set at `path` itself. */
  own(path: Path): NotificationAttributes {
    return this.#byPath.get(path.toString()) ?? {};
  }

  /** What applies at `path`: the lowest level that sets an attribute wins. */
  effective(path: Path): NotificationAttributes {
    let merged: NotificationAttributes = {};
    for (let length = 1; length <= path.ids.length; length++) merged = { ...merged, ...this.own(path.prefix(length)) };
    return merged;
  }

  /** @param definition of the resource where `path` is one. @throws ModelError badRequest; nothing is changed then */
  write(path: Path, changes: AttributeChanges, definition: ResourceDefinition | undefined): void {
    for (const name of NUMERIC_ONLY) {
      if (changes.get(name) !== undefined && !NUMERIC_TYPES.has(definition?.type ?? '')) {
        throw new ModelError('badRequest', `attribute ${name} needs a numeric resource, which ${path} is not`);
      }
    }
    const next: Partial<Record<Name, number>> = { ...definedOf(this.own(path)) };
    for (const [name, value] of changes) {
      if (value === undefined) delete next[name];
      else next[name] = value;
    }
    checkConsistency(next);
    if (Object.keys(next).length === 0) this.#byPath.delete(path.toString());
    else this.#byPath.set(path.toString(), next);
  }

  /** Drops what was set at and below `path`: it is gone. */
  forget(path: Path): void {
    const text = path.toString();
    for (const key of this.#byPath.keys()) if (key === text || key.startsWith(`${text}/`)) this.#byPath.delete(key);
  }
}

/** §5.1.2: `lt` < `gt`, `lt` + 2 `st` < `gt`, `epmin` < `epmax`. A pmax below pmin is not refused but ignored. */
function checkConsistency({ gt, lt, st = 0, epmin, epmax }: NotificationAttributes): void {
  if (gt !== undefined && lt !== undefined && !(lt < gt && lt + 2 * st < gt)) {
    throw new ModelError('badRequest', 'attributes: expected lt + 2 st < gt');
  }
  if (epmin !== undefined && epmax !== undefined && epmin >= epmax) {
    throw new ModelError('badRequest', 'attributes: expected epmin < epmax');
  }
}

function definedOf(attributes: NotificationAttributes): Partial<Record<Name, number>> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
