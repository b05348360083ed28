// Discover: what there is at and below a path, with its attributes, as links (LwM2M Core 1.2 §6.3.2).

import { type CoreLink, encodeLinks } from '../formats/index.ts';
import type { AttributeStore } from './attribute-store.ts';
import type { NotificationAttributes } from './attributes.ts';
import { ModelError, type Path } from '../model/index.ts';
import type { ObjectSet } from './object-set.ts';

const DEFAULT_DEPTHS = { object: 2, instance: 1, resource: 1 } as const; // §6.3.2, table "Depth Modifier"
const DEEPEST = 4; // ids in a path

export interface DiscoverOptions {
  /** Levels below the path, 0 to 3; default by level. */
  readonly depth?: number | undefined;
  /** What applies to an object where nothing is set: OMA's int-264 and int-266 see it where a depth is asked for. */
  readonly defaults?: NotificationAttributes | undefined;
  /** Show `ver` also where it is 1.0. Default false. */
  readonly explicitVersions?: boolean | undefined;
}

/** @throws ModelError notFound, methodNotAllowed for a resource instance */
export function discover(
  objects: ObjectSet,
  attributes: AttributeStore,
  path: Path,
  { depth, defaults, explicitVersions = false }: DiscoverOptions = {},
): string {
  const { level } = path;
  if (level === 'root' || level === 'resourceInstance') {
    throw new ModelError('methodNotAllowed', 'Discover takes an object, an instance or a resource');
  }
  if (!objects.has(path)) throw new ModelError('notFound', `there is no ${path}`);
  const deepest = Math.min(path.ids.length + (depth ?? DEFAULT_DEPTHS[level]), DEEPEST);
  const shown = { ...(level === 'object' ? defaults : {}), ...attributes.effective(path) };
  const links: CoreLink[] = [];
  collect({ objects, store: attributes, deepest, links, explicitVersions }, path, shown);
  return encodeLinks(links);
}

interface Collecting {
  readonly objects: ObjectSet;
  readonly store: AttributeStore;
  readonly deepest: number;
  readonly links: CoreLink[];
  readonly explicitVersions: boolean;
}

/** The target shows what applies to it, from all levels; what lies below only what was set there. */
function collect(into: Collecting, path: Path, shown: NotificationAttributes): void {
  const { objects, store, deepest, links } = into;
  links.push({ target: path.toString(), attributes: { ...properties(into, path), ...present(shown) } });
  if (path.ids.length >= deepest) return;
  for (const id of childIds(objects, path)) {
    const child = path.child(id);
    collect(into, child, store.own(child));
  }
}

function childIds(objects: ObjectSet, path: Path): readonly number[] {
  const object = objects.of(path);
  if (path.instance === undefined) return object.instanceIds;
  if (path.resource === undefined) return object.resourceIds(path.instance);
  return object.resourceInstanceIds(path.instance, path.resource) ?? [];
}

/** `ver` of an object other than 1.0 (or of any), `dim` of a multiple resource, `ssid` of a Server instance (§5.1.2). */
function properties({ objects, explicitVersions }: Collecting, path: Path): Record<string, string | number> {
  const { object, instance, resource, level } = path;
  if (level === 'object') {
    const { version = '1.0' } = objects.of(path).definition;
    return version === '1.0' && !explicitVersions ? {} : { ver: version };
  }
  if (level === 'instance' && object === 1) {
    const ssid = objects.peek(1, instance!, 0);
    return typeof ssid === 'number' ? { ssid } : {};
  }
  const dim = level === 'resource' ? objects.of(path).resourceInstanceIds(instance!, resource!)?.length : undefined;
  return dim === undefined ? {} : { dim };
}

function present(attributes: NotificationAttributes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(attributes).filter((pair): pair is [string, number] => pair[1] !== undefined),
  );
}
