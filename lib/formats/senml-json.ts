// SenML JSON, application/senml+json and senml-etch+json (RFC 8428 §5, RFC 8790, LwM2M Core 1.2 §7.4.6).

import { DecodeError, fromBase64, toBase64Url, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { Path, Value } from '../model/index.ts';
import { FormatError, type ShapeOf } from './content-formats.ts';
import { type JsonRecord, jsonBoolean, jsonNumber, jsonString, readJsonRecords } from './json-records.ts';
import { checkLink, linkToText, toSeconds, wireType } from './scalar.ts';
import { PackLayout, type SenmlContext, type SenmlItem } from './senml.ts';
import {
  type FieldValue,
  type PackUse,
  type SenmlRecord,
  SenmlResolver,
  VALUE_FIELDS,
  type ValueField,
  emptyRecord,
  setValue,
} from './senml-resolve.ts';

export const MAX_MEMBERS = 64; // RFC 8428 §12.2 registers 18 labels

/** @throws FormatError for values not of their type, and for floats JSON cannot write (NaN, infinities) */
export function encodeSenmlJson(
  format: number,
  base: Path,
  items: readonly SenmlItem[],
  shapeOf: ShapeOf,
  now?: number,
): Uint8Array {
  const layout = new PackLayout(format, base, items, now);
  const records = items.map((item, i) => {
    const members = i === 0 ? headOf(layout) : [];
    const name = layout.nameOf(item.path);
    if (name !== '') members.push(`"n":"${name}"`);
    const time = layout.timeOf(item.timestamp);
    if (time !== undefined) members.push(`"t":${time}`);
    if (item.value !== undefined) members.push(valueMember(item.path, item.value, shapeOf, format));
    return `{${members.join(',')}}`;
  });
  return utf8Encode(`[${records.join(',')}]`);
}

function headOf({ baseName, baseTime }: PackLayout): string[] {
  const members: string[] = [];
  if (baseName !== undefined) members.push(`"bn":"${baseName}"`);
  if (baseTime !== undefined) members.push(`"bt":${baseTime}`);
  return members;
}

function valueMember(path: Path, value: Value | null, shapeOf: ShapeOf, format: number): string {
  if (value === null) return '"v":null';
  switch (wireType(value, shapeOf(path.prefix(3)), format, path)) {
    case 'integer':
    case 'unsignedInteger':
      return `"v":${value as number | bigint}`;
    case 'float':
      return `"v":${numberToJson(value as number, format)}`;
    case 'time':
      return `"v":${toSeconds(value as Date)}`;
    case 'boolean':
      return `"vb":${value === true}`;
    case 'opaque':
      return `"vd":"${toBase64Url(value as Uint8Array)}"`;
    case 'objectLink':
      return `"vlo":"${linkToText(checkLink(value, format, path))}"`;
    default:
      return `"vs":${JSON.stringify(value)}`;
  }
}

/** @throws FormatError for NaN and infinities */
export function numberToJson(value: number, format: number): string {
  if (!Number.isFinite(value)) throw new FormatError(format, `JSON has no number ${value}`);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** @throws DecodeError naming the record, path or member */
export function decodeSenmlJson(
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  context: SenmlContext,
  use: PackUse,
): readonly SenmlItem[] {
  const resolver = new SenmlResolver(base, shapeOf, context, use);
  const records = readJsonRecords(utf8Decode(bytes, 'SenML pack'), 'SenML pack', {
    maxRecords: context.maxEntries,
    maxMembers: MAX_MEMBERS,
    maxDepth: context.maxDepth,
  });
  for (const [i, record] of records.entries()) resolver.add(readRecord(record, i));
  return resolver.items;
}

function readRecord(members: JsonRecord, index: number): SenmlRecord {
  const where = `record ${index}`;
  checkLabels(members, where);
  const record = emptyRecord();
  record.base = {
    bver: jsonNumber(members, 'bver', where),
    bn: jsonString(members, 'bn', where),
    bt: seconds(members, 'bt', where),
    bv: jsonNumber(members, 'bv', where),
  };
  record.n = jsonString(members, 'n', where);
  record.t = seconds(members, 't', where);
  for (const field of VALUE_FIELDS) {
    const value = members.get(field) === null ? null : fieldValue(members, field, where);
    if (value !== undefined) setValue(record, field, value);
  }
  return record;
}

/** RFC 8428 §4.4: a label ending in _ must be understood, and we know none. */
function checkLabels(members: JsonRecord, where: string): void {
  for (const label of members.keys()) {
    if (!label.endsWith('_')) continue;
    throw new DecodeError(`${where}: label`, 'labels this version knows', 'one that ends in _');
  }
}

function fieldValue(members: JsonRecord, field: ValueField, where: string): FieldValue | undefined {
  if (field === 'v') return jsonNumber(members, field, where);
  if (field === 'vb') return jsonBoolean(members, field, where);
  const text = jsonString(members, field, where);
  return field === 'vd' && text !== undefined ? fromBase64(text, `${where}: vd`) : text;
}

function seconds(members: JsonRecord, label: string, where: string): number | undefined {
  const value = jsonNumber(members, label, where);
  return value === undefined ? undefined : Number(value);
}
