// SenML CBOR, application/senml+cbor and senml-etch+cbor (RFC 8428 §6, RFC 8790, LwM2M Core 1.2 §7.4.7), item by item.

import {
  CBOR_MAJOR,
  CborReader,
  CborTag,
  type CborValue,
  CborWriter,
  DEFAULT_CBOR_OPTIONS,
  DecodeError,
  readCborItem,
} from '../bytes/index.ts';
import type { Path, Value } from '../model/index.ts';
import { FormatError, type ShapeOf } from './content-formats.ts';
import { checkLink, fromDecimal, linkToText, toSeconds, wireType } from './scalar.ts';
import { PackLayout, type SenmlContext, type SenmlItem, type SenmlNumber } from './senml.ts';
import { type PackUse, type SenmlRecord, SenmlResolver, emptyRecord, setValue } from './senml-resolve.ts';

/** RFC 8428 §6, table 4: conclusive, all other labels are text. Those from 0 on are their own encoding, of one byte. */
const LABELS = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
} as const;
const LOWEST_LABEL = LABELS.bs;
const HIGHEST_LABEL = LABELS.vd;
const DECIMAL_FRACTION = 4; // RFC 8949 §3.4.4
const ITEM_BYTES = 24; // of a typical record: growing costs more than writing
const MAX_MEMBERS = 64; // as in JSON

/** @throws FormatError for values not of their type, and for floats SenML has not (NaN, infinities) */
export function encodeSenmlCbor(
  format: number,
  base: Path,
  items: readonly SenmlItem[],
  shapeOf: ShapeOf,
  now?: number,
): Uint8Array {
  const layout = new PackLayout(format, base, items, now);
  const writer = new CborWriter(64 + items.length * ITEM_BYTES);
  writer.array(items.length);
  for (let i = 0; i < items.length; i++) {
    const { path, value, timestamp } = items[i]!;
    const name = layout.nameOf(path);
    const time = layout.timeOf(timestamp);
    const members = (name === '' ? 0 : 1) + (value === undefined ? 0 : 1) + (time === undefined ? 0 : 1);
    if (i > 0) writer.map(members);
    else writeFirst(writer, layout, members);
    if (name !== '') writer.initial(LABELS.n).text(name);
    if (value !== undefined) writeValue(writer, path, value, shapeOf, format);
    if (time !== undefined) writeTime(writer.initial(LABELS.t), time);
  }
  return writer.finish();
}

/** The head of the first record with the base fields. */
function writeFirst(writer: CborWriter, { baseName, baseTime }: PackLayout, members: number): void {
  writer.map(count(baseName) + count(baseTime) + members);
  if (baseName !== undefined) writer.integer(LABELS.bn).text(baseName);
  if (baseTime !== undefined) writeTime(writer.integer(LABELS.bt), baseTime);
}

function count(member: unknown): 0 | 1 {
  return member === undefined ? 0 : 1;
}

function writeValue(writer: CborWriter, path: Path, value: Value | null, shapeOf: ShapeOf, format: number): void {
  if (value === null) return void writer.initial(LABELS.v).null();
  switch (wireType(value, shapeOf(path.prefix(3)), format, path)) {
    case 'integer':
    case 'unsignedInteger':
      return void writer.initial(LABELS.v).integer(value as number | bigint);
    case 'float':
      return writeFloat(writer.initial(LABELS.v), value as number, format);
    case 'time':
      return void writer.initial(LABELS.v).integer(toSeconds(value as Date));
    case 'boolean':
      return void writer.initial(LABELS.vb).boolean(value as boolean);
    case 'opaque':
      return void writer.initial(LABELS.vd).bytes(value as Uint8Array);
    case 'objectLink':
      return void writer.text('vlo').text(linkToText(checkLink(value, format, path)));
    default:
      return void writer.initial(LABELS.vs).text(value as string);
  }
}

/** Whole ones, too, are floats: Leshan (2.0.0-M18) takes no integers for multiple resources of type float. */
function writeFloat(writer: CborWriter, value: number, format: number): void {
  if (!Number.isFinite(value)) throw new FormatError(format, `SenML has no number ${value}`);
  writer.float(value);
}

function writeTime(writer: CborWriter, seconds: number): void {
  if (Number.isSafeInteger(seconds)) writer.integer(seconds);
  else writer.float(seconds);
}

/** @throws DecodeError naming the record, path or label */
export function decodeSenmlCbor(
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  context: SenmlContext,
  use: PackUse,
): readonly SenmlItem[] {
  const reader = new CborReader(bytes, 'SenML pack', {
    maxDepth: context.maxDepth,
    maxBytes: context.maxBytes,
    maxItems: DEFAULT_CBOR_OPTIONS.maxItems,
    allowIndefinite: true,
  });
  const resolver = new SenmlResolver(base, shapeOf, context, use);
  for (let left = reader.open(CBOR_MAJOR.array); reader.more(left); left--) {
    resolver.add(readRecord(reader, context.maxDepth));
  }
  reader.end();
  return resolver.items;
}

function readRecord(reader: CborReader, maxDepth: number): SenmlRecord {
  const record = emptyRecord();
  let seen = 0; // bit i: the label i + LOWEST_LABEL
  let texts: readonly string[] | undefined; // few: there are at most MAX_MEMBERS
  let members = 0;
  for (let left = reader.open(CBOR_MAJOR.map); reader.more(left); left--) {
    if (++members > MAX_MEMBERS) throw reader.error(`at most ${MAX_MEMBERS} members`, 'more');
    if (reader.major === CBOR_MAJOR.text) {
      const label = reader.text();
      const before = texts ?? [];
      if (before.includes(label)) throw reader.error('each label once', 'one twice');
      texts = [...before, label];
      readExtension(reader, record, label, maxDepth);
    } else {
      const label = reader.integer();
      if (label < LOWEST_LABEL || label > HIGHEST_LABEL) throw reader.error('a label of RFC 8428', `${label}`);
      const bit = 1 << (Number(label) - LOWEST_LABEL);
      if ((seen & bit) !== 0) throw reader.error('each label once', 'one twice');
      seen |= bit;
      readMember(reader, record, Number(label), maxDepth);
    }
  }
  return record;
}

function readMember(reader: CborReader, record: SenmlRecord, label: number, maxDepth: number): void {
  switch (label) {
    case LABELS.bver:
      (record.base ??= {}).bver = reader.unsigned();
      break;
    case LABELS.bn:
      (record.base ??= {}).bn = reader.text();
      break;
    case LABELS.bt:
      (record.base ??= {}).bt = Number(readNumber(reader, maxDepth));
      break;
    case LABELS.bv:
      (record.base ??= {}).bv = readNumber(reader, maxDepth);
      break;
    case LABELS.n:
      record.id = reader.decimal();
      if (record.id === undefined) record.n = reader.text();
      break;
    case LABELS.t:
      record.t = Number(readNumber(reader, maxDepth));
      break;
    case LABELS.v:
      setValue(record, 'v', reader.atNull ? reader.null() : readNumber(reader, maxDepth));
      break;
    case LABELS.vs:
      setValue(record, 'vs', reader.atNull ? reader.null() : reader.text());
      break;
    case LABELS.vb:
      setValue(record, 'vb', reader.atNull ? reader.null() : reader.boolean());
      break;
    case LABELS.vd:
      setValue(record, 'vd', reader.atNull ? reader.null() : reader.bytes());
      break;
    default:
      readCborItem(reader, maxDepth); // units and sums say nothing to LwM2M
  }
}

/** RFC 8428 §4.4: unknown labels are passed over, unless they end in _ and must be understood. */
function readExtension(reader: CborReader, record: SenmlRecord, label: string, maxDepth: number): void {
  if (label.endsWith('_')) throw reader.error('labels this version knows', 'one that ends in _');
  if (label !== 'vlo') readCborItem(reader, maxDepth);
  else setValue(record, 'vlo', reader.atNull ? reader.null() : reader.text());
}

/** §6: an integer, a finite float, or a decimal fraction. */
function readNumber(reader: CborReader, maxDepth: number): SenmlNumber {
  const { major } = reader;
  if (major === CBOR_MAJOR.unsigned || major === CBOR_MAJOR.negative) return reader.integer();
  if (major === CBOR_MAJOR.tag) return decimalFraction(readCborItem(reader, maxDepth));
  const value = major === CBOR_MAJOR.other ? reader.other() : undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw reader.error('a finite number', 'another item');
}

function decimalFraction(item: CborValue): SenmlNumber {
  if (item instanceof CborTag && item.tag === DECIMAL_FRACTION && Array.isArray(item.value)) {
    const [exponent, mantissa, ...rest] = item.value as readonly CborValue[];
    if (isInteger(exponent) && isInteger(mantissa) && rest.length === 0) {
      return fromDecimal(`${mantissa}e${exponent}`, 'SenML pack: decimal fraction');
    }
  }
  throw new DecodeError('SenML pack', 'a number', 'another tag');
}

function isInteger(item: CborValue): item is number | bigint {
  return typeof item === 'bigint' || Number.isSafeInteger(item);
}
