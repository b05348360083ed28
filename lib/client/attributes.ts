// Notification attributes: their words, where each may be set, and which sets contradict themselves
// (LwM2M Core 1.2 §5.1.2, §6.3.4).

import { DecodeError } from '../bytes/index.ts';
import { ModelError, type Path, type ResourceDefinition, type ResourceType } from '../model/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';

/** What decides when an observed path is notified. */
export interface NotificationAttributes {
  /** Least time between two notifications, in seconds. */
  readonly pmin?: number | undefined;
  /** Most time between two notifications, in seconds; 0 is none. */
  readonly pmax?: number | undefined;
  /** A value crossing it counts, in the resource's units. */
  readonly gt?: number | undefined;
  /** A value crossing it counts, in the resource's units. */
  readonly lt?: number | undefined;
  /** A value that far from the last one sent counts, in the resource's units. */
  readonly st?: number | undefined;
  /** Least time between two looks at the value, in seconds. */
  readonly epmin?: number | undefined;
  /** Most time between two looks at the value, in seconds. */
  readonly epmax?: number | undefined;
  /** 1: becoming true counts; 0: becoming false does. */
  readonly edge?: number | undefined;
  /** 1: notifications are confirmable; 0: they are not. */
  readonly con?: number | undefined;
  /** How many values are kept while the server cannot be reached. */
  readonly hqmax?: number | undefined;
}
export type AttributeName = keyof NotificationAttributes;

interface Rule {
  readonly syntax: RegExp;
  /** The version that brought it. */
  readonly since: LwM2mVersion;
  /** The data types it makes sense for; then it is set on resources and resource instances alone. */
  readonly types?: ReadonlySet<ResourceType>;
}

const SECONDS = /^\d{1,10}$/;
const FLAG = /^[01]$/;
const NUMERIC: ReadonlySet<ResourceType> = new Set(['integer', 'unsignedInteger', 'float']);

/** In the order of the specification's table. */
const RULES: Readonly<Record<AttributeName, Rule>> = {
  pmin: { syntax: SECONDS, since: '1.0' },
  pmax: { syntax: SECONDS, since: '1.0' },
  gt: { syntax: /^-?\d{1,20}(\.\d{1,20})?$/, since: '1.0', types: NUMERIC }, // the ABNF has no sign, but temperatures do
  lt: { syntax: /^-?\d{1,20}(\.\d{1,20})?$/, since: '1.0', types: NUMERIC },
  st: { syntax: /^\d{1,20}(\.\d{1,20})?$/, since: '1.0', types: NUMERIC },
  epmin: { syntax: SECONDS, since: '1.1' },
  epmax: { syntax: SECONDS, since: '1.1' },
  edge: { syntax: FLAG, since: '1.2', types: new Set(['boolean']) },
  con: { syntax: FLAG, since: '1.2' },
  hqmax: { syntax: /^\d{1,5}$/, since: '1.2' },
};

/** What a Write-Attributes asks for: a number sets, undefined unsets. */
export type AttributeChanges = ReadonlyMap<AttributeName, number | undefined>;

/** Parses Uri-Query arguments: `pmin=10`, `pmax` alone unsets. @throws DecodeError naming the attribute */
export function parseAttributes(query: readonly string[], version: LwM2mVersion = '1.2'): AttributeChanges {
  const changes = new Map<AttributeName, number | undefined>();
  for (const argument of query) {
    const at = argument.indexOf('=');
    const name = knownName(at < 0 ? argument : argument.slice(0, at), version);
    if (changes.has(name)) throw new DecodeError(`attribute ${name}`, 'it once', 'it twice');
    const text = at < 0 ? undefined : argument.slice(at + 1);
    if (text !== undefined && !RULES[name].syntax.test(text)) {
      throw new DecodeError(`attribute ${name}`, 'a number of its kind', JSON.stringify(text.slice(0, 20)));
    }
    changes.set(name, text === undefined ? undefined : Number(text));
  }
  return changes;
}

function knownName(name: string, version: LwM2mVersion): AttributeName {
  const known = Object.keys(RULES).filter((each) => RULES[each as AttributeName].since <= version);
  if (known.includes(name)) return name as AttributeName;
  throw new DecodeError('attribute', `${known.join(', ')} (LwM2M ${version})`, JSON.stringify(name.slice(0, 20)));
}

/** Whether it is an attribute with a value it can have; for what was saved. */
export function isAttribute(name: string, value: unknown): boolean {
  if (!Object.hasOwn(RULES, name) || typeof value !== 'number' || !Number.isFinite(value)) return false;
  const { syntax, types } = RULES[name as AttributeName];
  if (types === NUMERIC) return name !== 'st' || value >= 0;
  return syntax.test(String(value));
}

/** A path with its definition, where it is a resource. */
export interface AttributeTarget {
  readonly path: Path;
  readonly definition: ResourceDefinition | undefined;
}

/**
 * Parameters of an Observe (§6.4.1), or of an Observe-Composite (§6.4.4), which takes those alone that an object can have.
 * @param target undefined for a composite
 * @throws DecodeError, ModelError badRequest
 */
export function parseObserveParameters(
  query: readonly string[],
  version: LwM2mVersion,
  target: AttributeTarget | undefined,
): NotificationAttributes {
  if (version < '1.2') throw new DecodeError('Observe parameters', `none in LwM2M ${version}`, 'some');
  const parameters: Partial<Record<AttributeName, number>> = {};
  const changes = parseAttributes(query, version);
  for (const [name, value] of changes) {
    if (value === undefined) throw new DecodeError(`attribute ${name}`, 'a value', 'none');
    parameters[name] = value;
  }
  if (target === undefined) checkComposite(changes);
  else checkLevels(target.path, changes, target.definition);
  checkConsistency(parameters);
  return parameters;
}

/** §6.4.4 names these five; hqmax could be set on an object as well and is not among them. */
const OF_COMPOSITES: ReadonlySet<AttributeName> = new Set(['pmin', 'pmax', 'epmin', 'epmax', 'con']);

function checkComposite(changes: AttributeChanges): void {
  const stray = [...changes.keys()].find((name) => !OF_COMPOSITES.has(name));
  if (stray !== undefined) throw new ModelError('badRequest', `attribute ${stray} does not apply to several paths`);
}

/** @throws ModelError badRequest if an attribute cannot be set at `path` */
export function checkLevels(path: Path, changes: AttributeChanges, definition: ResourceDefinition | undefined): void {
  for (const [name, value] of changes) {
    const { types } = RULES[name];
    if (types === undefined || value === undefined) continue;
    if (definition === undefined || !types.has(definition.type)) {
      throw new ModelError('badRequest', `attribute ${name} needs a ${[...types][0]} resource, which ${path} is not`);
    }
  }
}

/**
 * §5.1.2: `lt` < `gt`, `lt` + 2 `st` < `gt`, `epmin` < `epmax`. A pmax below pmin is not refused but ignored.
 * @throws ModelError badRequest
 */
export function checkConsistency(attributes: NotificationAttributes): void {
  if (!hasValidConditions(attributes)) throw new ModelError('badRequest', 'attributes: expected lt + 2 st < gt');
  const { epmin, epmax } = attributes;
  if (epmin !== undefined && epmax !== undefined && epmin >= epmax) {
    throw new ModelError('badRequest', 'attributes: expected epmin < epmax');
  }
}

/** Whether the change value conditions can be applied: inherited from different levels, they may contradict each other. */
export function hasValidConditions({ gt, lt, st = 0 }: NotificationAttributes): boolean {
  return gt === undefined || lt === undefined || (lt < gt && lt + 2 * st < gt);
}
