// JSON of LwM2M 1.0, application/vnd.oma.lwm2m+json (LwM2M 1.0.2 §6.4.4): of use to servers of that version alone.

import { DecodeError, fromBase64, toBase64, utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type Entry, Path, type Value } from '../model/index.ts';
import { type JsonRecord, jsonBoolean, jsonNumber, jsonString, readJsonPack } from './json-records.ts';
import { MAX_MEMBERS, numberToJson } from './senml-json.ts';
import { PathSet } from './path-set.ts';
import { PackLayout, type SenmlContext } from './senml.ts';
import type { ResourceShape, ShapeOf } from './content-formats.ts';
import { checkLink, linkToText, toSeconds, wireType } from './scalar.ts';
import { type FieldValue, type ValueField, toTimestamp, toValue } from './senml-resolve.ts';

/** @throws FormatError for values not of their type, and for floats JSON cannot write (NaN, infinities) */
export function encodeJson(
  format: number,
  base: Path,
  entries: readonly Entry[],
  shapeOf: ShapeOf,
  now?: number,
): Uint8Array {
  const layout = new PackLayout(format, base, entries, now);
  const records = entries.map(({ path, value, timestamp }) => {
    const members: string[] = [];
    const name = layout.nameOf(path);
    if (name !== '') members.push(`"n":"${name}"`);
    const time = layout.timeOf(timestamp);
    if (time !== undefined) members.push(`"t":${time}`);
    members.push(valueMember(path, value, shapeOf(path.prefix(3)), format));
    return `{${members.join(',')}}`;
  });
  const baseTime = layout.baseTime === undefined ? '' : `"bt":${layout.baseTime},`;
  // Without base name, names would be relative to what was asked for: only "" makes them whole.
  return utf8Encode(`{"bn":"${layout.baseName ?? ''}",${baseTime}"e":[${records.join(',')}]}`);
}

function valueMember(path: Path, value: Value, shape: ResourceShape | undefined, format: number): string {
  switch (wireType(value, shape, format, path)) {
    case 'integer':
    case 'unsignedInteger':
      return `"v":${value as number | bigint}`;
    case 'float':
      return `"v":${numberToJson(value as number, format)}`;
    case 'time':
      return `"v":${toSeconds(value as Date)}`;
    case 'boolean':
      return `"bv":${value === true}`;
    case 'opaque':
      return `"sv":"${toBase64(value as Uint8Array)}"`;
    case 'objectLink':
      return `"ov":"${linkToText(checkLink(value, format, path))}"`;
    default:
      return `"sv":${JSON.stringify(value)}`;
  }
}

/** @throws DecodeError naming the record, path or member */
export function decodeJson(base: Path, bytes: Uint8Array, shapeOf: ShapeOf, context: SenmlContext): readonly Entry[] {
  const { head, records } = readJsonPack(utf8Decode(bytes, 'JSON'), 'JSON', 'e', {
    maxRecords: context.maxEntries,
    maxMembers: MAX_MEMBERS,
    maxDepth: context.maxDepth,
  });
  const baseName = jsonString(head, 'bn', 'JSON');
  const baseTime = Number(jsonNumber(head, 'bt', 'JSON') ?? 0);
  const untimed = new PathSet();
  return records.map((record, i) => {
    const where = `record ${i}`;
    const path = pathOf(base, baseName, jsonString(record, 'n', where) ?? '', `${where}: name`);
    const value = valueOf(record, path, shapeOf(path.prefix(3)), where);
    const seconds = baseTime + Number(jsonNumber(record, 't', where) ?? 0);
    if (seconds !== 0) return { path, value, timestamp: toTimestamp(seconds, context.now, `${where}: time`) };
    if (!untimed.add(path)) throw new DecodeError(`${path}`, 'it once', 'it twice');
    return { path, value };
  });
}

/** §6.4.4: without base name, names are relative to the request. */
function pathOf(base: Path, baseName: string | undefined, name: string, field: string): Path {
  const relative = name === '' || base.ids.length === 0 || name.startsWith('/') ? `${base}${name}` : `${base}/${name}`;
  const path = Path.parse(baseName === undefined ? relative : baseName + name, field);
  if (path.resource === undefined) throw new DecodeError(field, 'the path of a resource', path.toString());
  if (!base.contains(path)) throw new DecodeError(field, `a path at or below ${base}`, path.toString());
  return path;
}

function valueOf(record: JsonRecord, path: Path, shape: ResourceShape | undefined, where: string): Value {
  const text = jsonString(record, 'sv', where);
  const opaque = text !== undefined && shape?.type === 'opaque';
  const given: readonly (readonly [ValueField, FieldValue | undefined])[] = [
    ['v', jsonNumber(record, 'v', where)],
    opaque ? ['vd', fromBase64(text, `${where}: sv`)] : ['vs', text],
    ['vb', jsonBoolean(record, 'bv', where)],
    ['vlo', jsonString(record, 'ov', where)],
  ];
  const [first, second] = given.filter(([, value]) => value !== undefined);
  if (second !== undefined) throw new DecodeError(path.toString(), 'one value field', `${first![0]} and ${second[0]}`);
  return toValue(first?.[0], first?.[1], shape, path);
}
