// LwM2M CBOR, application/vnd.oma.lwm2m+cbor (LwM2M Core 1.2 §7.4.4): maps from ids, or arrays of ids, to values.

import {
  CBOR_MAJOR,
  CborReader,
  type CborValue,
  CborWriter,
  DEFAULT_CBOR_OPTIONS,
  DecodeError,
  readCborItem,
} from '../bytes/index.ts';
import { FormatError, type FormatLimits, type ShapeOf } from './content-formats.ts';
import { MAX_ID, Path, type Value } from '../model/index.ts';
import { valueOfItem, writeCborValue } from './cbor.ts';
import { PathSet } from './path-set.ts';
import type { PackUse } from './senml-resolve.ts';
import type { SenmlItem } from './senml.ts';
import { wireType } from './scalar.ts';

const ITEM_BYTES = 16; // of a typical value: growing costs more than writing

/** Ids at one level; what ends a path is a value, or null. */
type Tree = Map<number, Tree | SenmlItem>;

/** @throws FormatError for values not of their type, a path twice or above another, and timestamps, which there are none */
export function encodeLwm2mCbor(format: number, items: readonly SenmlItem[], shapeOf: ShapeOf): Uint8Array {
  const root: Tree = new Map();
  for (const item of items) plant(root, item, format);
  const writer = new CborWriter(64 + items.length * ITEM_BYTES);
  writer.map(root.size);
  for (const [id, branch] of root) {
    // As in the specification's examples, ids that branch nowhere are one key at the top, and only there.
    const key = [id];
    let below = branch;
    while (below instanceof Map && below.size === 1) {
      for (const [next, last] of below) {
        key.push(next);
        below = last;
      }
    }
    if (key.length > 1) writer.array(key.length);
    for (const part of key) writer.integer(part);
    writeBranch(writer, below, shapeOf, format);
  }
  return writer.finish();
}

function plant(root: Tree, item: SenmlItem, format: number): void {
  const { ids } = item.path;
  if (item.timestamp !== undefined) throw new FormatError(format, 'LwM2M CBOR has no timestamps');
  if (ids.length === 0) throw new FormatError(format, 'LwM2M CBOR cannot name the root');
  let tree = root;
  for (let i = 0; i < ids.length - 1; i++) {
    let next = tree.get(ids[i]!);
    if (next === undefined) tree.set(ids[i]!, (next = new Map()));
    if (!(next instanceof Map)) throw new FormatError(format, `${item.path} lies below another path that is carried`);
    tree = next;
  }
  const last = ids.at(-1)!;
  if (tree.has(last))
    throw new FormatError(format, `${item.path} is given twice, or above another path that is carried`);
  tree.set(last, item);
}

function writeBranch(writer: CborWriter, branch: Tree | SenmlItem, shapeOf: ShapeOf, format: number): void {
  if (branch instanceof Map) {
    writer.map(branch.size);
    for (const [id, below] of branch) writeBranch(writer.integer(id), below, shapeOf, format);
    return;
  }
  const { path, value } = branch;
  if (value === null || value === undefined) writer.null();
  else writeCborValue(writer, value, wireType(value, shapeOf(path.prefix(3)), format, path), format, path);
}

/** What stands at the end of ids that are relative to the root or to the request. */
interface Leaf {
  readonly ids: readonly number[];
  readonly item: CborValue;
}

/**
 * Ids begin with the object's; in what a Write or Create carries they may begin below `base` instead (§7.4.4). What can be
 * read as either is read from the object on.
 * @throws DecodeError naming the path
 */
export function decodeLwm2mCbor(
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  limits: FormatLimits,
  use: PackUse,
): readonly SenmlItem[] {
  const reader = new CborReader(bytes, 'LwM2M CBOR', {
    maxDepth: limits.maxDepth,
    maxBytes: limits.maxBytes,
    maxItems: DEFAULT_CBOR_OPTIONS.maxItems,
    allowIndefinite: true,
  });
  const leaves: Leaf[] = [];
  readMap(reader, [], leaves, limits);
  reader.end();
  const whole = pathsOf(leaves, [], base, shapeOf, use);
  const paths = whole instanceof DecodeError ? pathsOf(leaves, base.ids, base, shapeOf, use) : whole;
  if (paths instanceof DecodeError) throw whole;
  checkOnce(paths);
  return paths.map((path, i) => ({ path, value: valueOf(leaves[i]!.item, path, shapeOf, use) }));
}

function readMap(reader: CborReader, above: readonly number[], leaves: Leaf[], limits: FormatLimits): void {
  const keys = new Set<number | string>();
  for (let left = reader.open(CBOR_MAJOR.map); reader.more(left); left--) {
    const own = readKey(reader);
    const ids = [...above, ...own];
    if (ids.length > 4) throw reader.error('at most 4 ids', `${ids.length}`);
    const key = own.length === 1 ? own[0]! : own.join('/');
    if (keys.has(key)) throw reader.error('each key once', 'one twice');
    keys.add(key);
    if (reader.major === CBOR_MAJOR.map) readMap(reader, ids, leaves, limits);
    else {
      if (leaves.length === limits.maxEntries) throw reader.error(`at most ${limits.maxEntries} values`, 'more');
      leaves.push({ ids, item: readCborItem(reader, limits.maxDepth) });
    }
  }
}

function readKey(reader: CborReader): readonly number[] {
  if (reader.major !== CBOR_MAJOR.array) return [readId(reader)];
  const ids: number[] = [];
  for (let left = reader.open(CBOR_MAJOR.array); reader.more(left); left--) {
    if (ids.length === 4) throw reader.error('at most 4 ids', 'more');
    ids.push(readId(reader));
  }
  if (ids.length === 0) throw reader.error('ids', 'none');
  return ids;
}

function readId(reader: CborReader): number {
  const id = reader.unsigned();
  if (id > MAX_ID) throw reader.error(`ids from 0 to ${MAX_ID}`, `${id}`);
  return Number(id);
}

/** The paths of all leaves below `start`, or why they cannot be that. */
function pathsOf(
  leaves: readonly Leaf[],
  start: readonly number[],
  base: Path,
  shapeOf: ShapeOf,
  use: PackUse,
): readonly Path[] | DecodeError {
  const paths: Path[] = [];
  for (const { ids } of leaves) {
    if (start.length + ids.length > 4) return new DecodeError('LwM2M CBOR', 'at most 4 ids', 'more');
    const path = Path.of(...start, ...ids);
    if (!base.contains(path)) return new DecodeError('LwM2M CBOR', `paths at or below ${base}`, `${path}`);
    if (use !== 'paths') {
      const multiple = shapeOf(path.prefix(3))?.multiple;
      // Of resources that are not known, only ids too short to be whole can begin below the request.
      const known = multiple !== undefined || start.length === 0 || ids.length < 3;
      const fits = multiple === undefined ? path.ids.length >= 3 : path.ids.length === (multiple ? 4 : 3);
      if (!known || !fits) return new DecodeError('LwM2M CBOR', 'the path of a value', `${path}`);
    }
    paths.push(path);
  }
  return paths;
}

/** Ids in arrays can say the same path in two ways. */
function checkOnce(paths: readonly Path[]): void {
  const seen = new PathSet();
  for (const path of paths) if (!seen.add(path)) throw new DecodeError(`${path}`, 'it once', 'it twice');
}

function valueOf(item: CborValue, path: Path, shapeOf: ShapeOf, use: PackUse): Value | null | undefined {
  const isNull = item === null;
  if (use === 'paths') {
    if (isNull) return undefined;
    throw new DecodeError(`${path}`, 'null in place of a value', 'a value');
  }
  if (use === 'changes' && isNull) return null;
  return valueOfItem(item, shapeOf(path.prefix(3)), path);
}
