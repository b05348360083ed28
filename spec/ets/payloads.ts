// What the payloads of the client say, read without this project's formats: JSON.parse, cbor-x, and TLV by hand.

import assert from 'node:assert/strict';
import { Decoder, Encoder } from 'cbor-x';

/** Content-Formats by name (LwM2M Core 1.2 §7.4). */
export const FORMATS = {
  text: 0,
  coreLink: 40,
  opaque: 42,
  cbor: 60,
  senmlJson: 110,
  senmlCbor: 112,
  tlv: 11_542,
  json: 11_543,
} as const;
export type Format = (typeof FORMATS)[keyof typeof FORMATS];

/** Those of composites that OMA's cases name. */
export const COMPOSITE_FORMATS = [FORMATS.senmlJson, FORMATS.senmlCbor] as const;

/** Values by path. Times are seconds since 1970, links `object:instance`, opaque values hex. */
export type Values = Readonly<Record<string, string | number | boolean>>;

type Kind = 'text' | 'number' | 'float' | 'boolean' | 'link' | 'opaque';

/** Of resources that are no integers. */
const KINDS: Readonly<Record<string, Kind>> = {
  ...{ '1/6': 'boolean', '1/7': 'text', '1/23': 'boolean' },
  ...{ '3/0': 'text', '3/1': 'text', '3/2': 'text', '3/3': 'text', '3/14': 'text', '3/15': 'text', '3/16': 'text' },
  ...{ '3/17': 'text', '3/18': 'text', '3/19': 'text', '3/22': 'link', '16/0': 'text' },
  ...{ '4/4': 'text', '4/5': 'text', '4/7': 'text', '10/8': 'opaque', '10/9': 'opaque', '10/11': 'link' },
  ...{ '6/0': 'float', '6/1': 'float', '6/2': 'float', '6/3': 'float', '6/4': 'opaque', '6/6': 'float' },
  ...{ '19/0': 'opaque', '20/4014': 'opaque' },
};

/** What a payload says that answers a read of `path`. @throws AssertionError where it is not what the format's rules ask for */
export function readPayload(format: number, path: string, payload: Uint8Array): Values {
  switch (format) {
    case FORMATS.text:
      return { [path]: fromText(path, utf8(payload)) };
    case FORMATS.opaque:
      return { [path]: hexOf(payload) };
    case FORMATS.cbor:
      return { [path]: plain(cbor.decode(payload)) };
    case FORMATS.senmlJson:
      return resolve(JSON.parse(utf8(payload)) as Record<string, unknown>[]);
    case FORMATS.senmlCbor:
      return resolve(labelled(cbor.decode(payload)));
    case FORMATS.tlv:
      return Object.fromEntries(readTlv(payload, path));
    case FORMATS.json:
      return readJson(payload);
    default:
      return assert.fail(`Content-Format ${format} is none that a server of these cases reads`);
  }
}

const cbor = new Decoder({ mapsAsObjects: false, useRecords: false });
const packer = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function kindOf(path: string): Kind {
  const [object, , resource] = path.slice(1).split('/');
  return KINDS[`${object}/${resource}`] ?? 'number';
}

function fromText(path: string, text: string): string | number | boolean {
  const kind = kindOf(path);
  if (kind === 'text' || kind === 'link') return text;
  if (kind === 'boolean') {
    assert.match(text, /^[01]$/, path);
    return text === '1';
  }
  assert.match(text, /^-?\d+(\.\d+)?$/, path);
  return Number(text);
}

function plain(value: unknown): string | number | boolean {
  if (value instanceof Date) return value.getTime() / 1_000;
  if (typeof value === 'bigint') return Number(value);
  assert.ok(['string', 'number', 'boolean'].includes(typeof value), `a value, not ${typeof value}`);
  return value as string | number | boolean;
}

/** Bytes, which JSON has as base64. */
function hexOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  assert.ok(typeof value === 'string', 'bytes');
  return Buffer.from(value, 'base64url').toString('hex');
}

/** RFC 8428 §6, table 4: the labels of SenML CBOR. */
const LABELS: Readonly<Record<string, string>> = {
  ...{ '-2': 'bn', '-3': 'bt', '0': 'n', '2': 'v', '3': 'vs', '4': 'vb', '6': 't', '8': 'vd' },
  vlo: 'vlo',
};

function labelled(records: unknown): Record<string, unknown>[] {
  assert.ok(Array.isArray(records), 'a SenML pack is an array');
  return records.map((record: unknown) => {
    assert.ok(record instanceof Map, 'a SenML record is a map');
    return Object.fromEntries(
      [...record].map(([label, value]) => {
        const name = LABELS[String(label)];
        assert.ok(name, `SenML label ${String(label)}`);
        return [name, value] as const;
      }),
    );
  });
}

/** RFC 8428 §4.6: a base name stands for all that follow. */
function resolve(records: readonly Record<string, unknown>[]): Values {
  const values: Record<string, string | number | boolean> = {};
  let base = '';
  for (const { bn = base, n = '', ...rest } of records) {
    assert.ok(typeof bn === 'string' && typeof n === 'string', 'names are texts');
    base = bn;
    const path = base + n;
    assert.match(path, /^\/\d+\/\d+\/\d+(\/\d+)?$/, 'the path of a value');
    assert.equal(path in values, false, `${path} comes once`);
    const [[label, value], ...others] = Object.entries(rest) as [[string, unknown], ...unknown[]];
    assert.deepEqual(others, [], `${path} has one value`);
    const labels = { text: 'vs', number: 'v', float: 'v', boolean: 'vb', link: 'vlo', opaque: 'vd' };
    assert.equal(label, labels[kindOf(path)], `the label of ${path}`);
    values[path] = label === 'vd' ? hexOf(value) : plain(value);
  }
  return values;
}

/** LwM2M 1.0 §6.4.4: `e` lists names relative to `bn`. */
function readJson(payload: Uint8Array): Values {
  const { bn = '', e } = JSON.parse(utf8(payload)) as { bn?: string; e: { n?: string }[] };
  const labels = { text: 'sv', number: 'v', float: 'v', boolean: 'bv', link: 'ov', opaque: 'sv' };
  return Object.fromEntries(
    e.map(({ n = '', ...rest }) => {
      const path = bn + n;
      assert.match(path, /^\/\d+\/\d+\/\d+(\/\d+)?$/, 'the path of a value');
      assert.deepEqual(Object.keys(rest), [labels[kindOf(path)]], `the member of ${path}`);
      const [value] = Object.values(rest);
      return [path, kindOf(path) === 'opaque' ? hexOf(value) : plain(value)];
    }),
  );
}

const INSTANCE = 0;
const RESOURCE_INSTANCE = 1;
const MULTIPLE = 2;

interface TlvRecord {
  /** Bits 7-6 of the type byte. */
  readonly kind: number;
  readonly id: number;
  readonly value: Uint8Array;
}

/** LwM2M Core 1.2 §7.4.5: type byte, id of 1 or 2 bytes, length in the type byte or in 1 to 3 bytes, value. */
export function tlvRecords(bytes: Uint8Array): readonly TlvRecord[] {
  const records: TlvRecord[] = [];
  const take = (at: number, size: number): number =>
    bytes.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at++]!;
    const idSize = (type & 0x20) === 0 ? 1 : 2;
    const id = take(at, idSize);
    at += idSize;
    const lengthSize = (type >> 3) & 3;
    const length = lengthSize === 0 ? type & 7 : take(at, lengthSize);
    at += lengthSize;
    assert.ok(at + length <= bytes.length, 'a TLV record within its payload');
    records.push({ kind: type >> 6, id, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return records;
}

function readTlv(bytes: Uint8Array, path: string): [string, string | number | boolean][] {
  const levels = path.slice(1).split('/').length;
  return tlvRecords(bytes).flatMap(({ kind, id, value }) => {
    // A resource that is read itself names itself in its record; what is below it is in there.
    const at = levels === 3 && kind !== RESOURCE_INSTANCE ? path : levels === 4 ? path : `${path}/${id}`;
    assert.ok(at.endsWith(`/${id}`), `record ${id} in an answer about ${path}`);
    if (kind === INSTANCE || kind === MULTIPLE) return kind === INSTANCE ? readTlv(value, at) : below(value, at);
    return [[at, fromTlv(at, value)] as [string, string | number | boolean]];
  });
}

function below(bytes: Uint8Array, path: string): [string, string | number | boolean][] {
  return tlvRecords(bytes).map(({ kind, id, value }) => {
    assert.equal(kind, RESOURCE_INSTANCE, `what is inside of ${path}`);
    return [`${path}/${id}`, fromTlv(path, value)];
  });
}

function fromTlv(path: string, value: Uint8Array): string | number | boolean {
  const kind = kindOf(path);
  const view = Buffer.from(value);
  if (kind === 'text') return utf8(value);
  if (kind === 'link') return `${view.readUInt16BE(0)}:${view.readUInt16BE(2)}`;
  if (kind === 'boolean') {
    assert.ok(value.length === 1 && value[0]! <= 1, `a boolean at ${path}`);
    return value[0] === 1;
  }
  if (kind === 'opaque') return view.toString('hex');
  if (kind === 'float') {
    assert.ok(value.length === 4 || value.length === 8, `a float at ${path}`);
    return value.length === 4 ? view.readFloatBE() : view.readDoubleBE();
  }
  assert.ok([1, 2, 4, 8].includes(value.length), `an integer at ${path}`);
  return value.length === 8 ? Number(view.readBigInt64BE()) : view.readIntBE(0, value.length);
}

/** A pack of SenML CBOR by cbor-x, from records as SenML JSON has them. */
export function senmlCborPack(records: readonly Readonly<Record<string, unknown>>[]): Uint8Array {
  const numbers = new Map(Object.entries(LABELS).map(([label, name]) => [name, Number(label)]));
  const maps = records.map(
    (record) => new Map(Object.entries(record).map(([name, value]) => [numbers.get(name)!, value])),
  );
  return Uint8Array.from(packer.encode(maps));
}

/** A pack in the format of that number. */
export function senmlPack(format: Format, records: readonly Readonly<Record<string, unknown>>[]): Uint8Array {
  return format === FORMATS.senmlCbor ? senmlCborPack(records) : Buffer.from(JSON.stringify(records));
}

/** Attributes by target, as they stand there. */
export type Links = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** RFC 6690 §2. */
export function readLinks(payload: Uint8Array): Links {
  return Object.fromEntries(
    utf8(payload)
      .split(/,(?=<)/)
      .map((link) => {
        const [target, ...attributes] = link.split(';');
        assert.match(target!, /^<\/[^<>]*>$/, 'a link');
        return [
          target!.slice(1, -1),
          Object.fromEntries(attributes.map((each) => each.split('=') as [string, string])),
        ];
      }),
  );
}
