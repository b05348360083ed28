// LwM2M TLV (Core 1.2 §7.4.5): object instances hold resources, multiple resources hold resource instances.

import { DecodeError, Reader, Writer } from '../bytes/index.ts';
import { type Entry, MAX_ID, type Path } from '../model/index.ts';
import { CONTENT_FORMATS, FormatError, type FormatLimits, type ShapeOf } from './content-formats.ts';
import { PathSet } from './path-set.ts';
import { decodeTlvValue, encodeTlvValue } from './tlv-value.ts';

/** Bits 7-6 of the type byte. */
const KINDS = { objectInstance: 0, resourceInstance: 1, multipleResource: 2, resource: 3 } as const;
const KIND_NAMES = ['an object instance', 'a resource instance', 'a multiple resource', 'a resource'] as const;
type Kind = 0 | 1 | 2 | 3;

const WIDE_IDENTIFIER = 0x20;
const LEVELS = 3; // a value lies in a resource in an instance: more TLVs than that for each hold nothing
const LARGEST_LENGTH = 0xff_ff_ff; // a length field has at most 24 bits

/** @throws FormatError for the root (TLV names no objects), entries outside of `base` and values not of their type */
export function encodeTlv(base: Path, entries: readonly Entry[], shapeOf: ShapeOf): Uint8Array {
  if (base.object === undefined) throw new FormatError(CONTENT_FORMATS.tlv, 'TLV cannot carry several objects');
  const stray = entries.find(({ path }) => !base.contains(path));
  if (stray !== undefined) throw new FormatError(CONTENT_FORMATS.tlv, `${stray.path} is not below ${base}`);
  const writer = new Writer(256);
  if (base.resourceInstance !== undefined) writeValues(writer, entries, shapeOf);
  else if (base.instance !== undefined) writeResources(writer, base, entries, shapeOf);
  else {
    for (const group of grouped(entries, 2)) {
      const body = new Writer(256);
      writeResources(body, group.path, group.entries, shapeOf);
      writeTlv(writer, KINDS.objectInstance, group.path.instance!, body.finish());
    }
  }
  return writer.finish();
}

function writeResources(writer: Writer, base: Path, entries: readonly Entry[], shapeOf: ShapeOf): void {
  for (const { path, entries: values } of grouped(entries, 3)) {
    if (values[0]!.path.resourceInstance === undefined) writeValues(writer, values, shapeOf);
    else {
      const body = new Writer(64);
      writeValues(body, values, shapeOf);
      writeTlv(writer, KINDS.multipleResource, path.resource!, body.finish());
    }
  }
  // A multiple resource without instances must still be there (§7.4.5: "0, 1 or more").
  if (entries.length === 0 && base.resource !== undefined && shapeOf(base)?.multiple === true) {
    writeTlv(writer, KINDS.multipleResource, base.resource, new Uint8Array(0));
  }
}

function writeValues(writer: Writer, entries: readonly Entry[], shapeOf: ShapeOf): void {
  for (const { path, value } of entries) {
    const bytes = encodeTlvValue(value, shapeOf(path.prefix(3)), path);
    if (path.resourceInstance === undefined) writeTlv(writer, KINDS.resource, path.resource!, bytes);
    else writeTlv(writer, KINDS.resourceInstance, path.resourceInstance, bytes);
  }
}

function writeTlv(writer: Writer, kind: Kind, id: number, value: Uint8Array): void {
  if (value.length > LARGEST_LENGTH) {
    throw new FormatError(CONTENT_FORMATS.tlv, `a TLV holds at most ${LARGEST_LENGTH} bytes, not ${value.length}`);
  }
  const lengthBytes = [0x7, 0xff, 0xff_ff, LARGEST_LENGTH].findIndex((limit) => value.length <= limit);
  const wide = id > 0xff;
  writer.uint8((kind << 6) | (wide ? WIDE_IDENTIFIER : 0) | (lengthBytes === 0 ? value.length : lengthBytes << 3));
  writer.uint(id, wide ? 2 : 1);
  writer.uint(lengthBytes === 0 ? 0 : value.length, lengthBytes);
  writer.bytes(value);
}

interface Group {
  readonly path: Path;
  readonly entries: Entry[];
}

/** Entries by the last of the first `length` ids of their path, all below one base, in the order these first appear. */
function grouped(entries: readonly Entry[], length: number): Iterable<Group> {
  const groups = new Map<number, Group>();
  for (const entry of entries) {
    const id = entry.path.ids[length - 1]!;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { path: entry.path.prefix(length), entries: [entry] });
    else group.entries.push(entry);
  }
  return groups.values();
}

interface Tlv {
  readonly kind: Kind;
  readonly id: number;
  readonly value: Uint8Array;
}

/** @throws DecodeError naming the path whose TLV is malformed, misplaced, outside `base` or given twice */
export function decodeTlv(base: Path, bytes: Uint8Array, shapeOf: ShapeOf, limits: FormatLimits): readonly Entry[] {
  if (base.object === undefined) throw new DecodeError('TLV', 'a path with an object', 'the root');
  return new Decoder(base, shapeOf, limits).decode(bytes);
}

class Decoder {
  readonly #base: Path;
  readonly #shapeOf: ShapeOf;
  readonly #limits: FormatLimits;
  readonly #entries: Entry[] = [];
  readonly #seen = new PathSet();
  #read = 0;

  constructor(base: Path, shapeOf: ShapeOf, limits: FormatLimits) {
    this.#base = base;
    this.#shapeOf = shapeOf;
    this.#limits = limits;
  }

  decode(bytes: Uint8Array): readonly Entry[] {
    const base = this.#base;
    for (const tlv of readAll(bytes, `TLV of ${base}`, this.#limits.maxEntries)) {
      if (tlv.kind === KINDS.objectInstance) this.#objectInstance(tlv);
      else if (base.instance === undefined) throw misplaced(tlv, base);
      else if (tlv.kind === KINDS.resourceInstance) {
        if (base.resourceInstance === undefined) throw misplaced(tlv, base);
        this.#add(base.prefix(3), tlv);
      } else this.#resource(base.prefix(2), tlv);
    }
    return this.#entries;
  }

  #objectInstance(tlv: Tlv): void {
    const path = this.#child(this.#base.prefix(1), tlv);
    for (const inner of readAll(tlv.value, `TLV of ${path}`, this.#limits.maxEntries)) this.#resource(path, inner);
  }

  #resource(instance: Path, tlv: Tlv): void {
    if (tlv.kind === KINDS.resource) return this.#add(instance, tlv);
    if (tlv.kind !== KINDS.multipleResource) throw misplaced(tlv, instance);
    const path = this.#child(instance, tlv);
    for (const inner of readAll(tlv.value, `TLV of ${path}`, this.#limits.maxEntries)) {
      if (inner.kind !== KINDS.resourceInstance) throw misplaced(inner, path);
      this.#add(path, inner);
    }
  }

  #add(parent: Path, tlv: Tlv): void {
    const path = this.#child(parent, tlv);
    if (path.ids.length < this.#base.ids.length) throw misplaced(tlv, this.#base);
    if (this.#entries.length === this.#limits.maxEntries) {
      throw new DecodeError('TLV', `at most ${this.#limits.maxEntries} values`, 'more');
    }
    this.#entries.push({ path, value: decodeTlvValue(tlv.value, this.#shapeOf(path.prefix(3)), path) });
  }

  /** Where `tlv` lies: checked to be new, and above or below the base. */
  #child(parent: Path, tlv: Tlv): Path {
    if (tlv.id > MAX_ID) throw new DecodeError(`TLV of ${parent}`, `an identifier up to ${MAX_ID}`, `${tlv.id}`);
    const most = LEVELS * this.#limits.maxEntries;
    if (++this.#read > most) throw new DecodeError('TLV', `at most ${most} TLVs`, 'more');
    const path = parent.child(tlv.id);
    if (!this.#base.contains(path) && !path.contains(this.#base)) {
      throw new DecodeError(`TLV of ${parent}`, `values of ${this.#base}`, `${path}`);
    }
    if (!this.#seen.add(path)) throw new DecodeError(`TLV of ${path}`, 'it once', 'it twice');
    return path;
  }
}

function misplaced(tlv: Tlv, parent: Path): DecodeError {
  return new DecodeError(`TLV of ${parent}`, 'what belongs there', `${KIND_NAMES[tlv.kind]} TLV (${tlv.id})`);
}

function readAll(bytes: Uint8Array, field: string, most: number): readonly Tlv[] {
  const reader = new Reader(bytes);
  const all: Tlv[] = [];
  while (reader.remaining > 0) {
    if (all.length === most) throw new DecodeError(field, `at most ${most} TLVs`, 'more', reader.offset);
    all.push(readTlv(reader, field));
  }
  return all;
}

function readTlv(reader: Reader, field: string): Tlv {
  const type = reader.uint8(`${field}: type`);
  const id = reader.uint((type & WIDE_IDENTIFIER) === 0 ? 1 : 2, `${field}: identifier`);
  const lengthBytes = (type >> 3) & 0x3;
  const length = lengthBytes === 0 ? type & 0x7 : reader.uint(lengthBytes, `${field}: length`);
  return { kind: (type >> 6) as Kind, id, value: reader.bytes(length, `${field}: value of ${id}`) };
}
