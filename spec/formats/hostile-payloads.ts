// Payloads that no encoder writes: something twice, and many levels of nothing.

import { CONTENT_FORMATS, type ShapeOf, encodeEntries } from '../../lib/formats/index.ts';
import type { Entry, Path } from '../../lib/model/index.ts';
import { concatBytes, fromHex, utf8Encode } from '../../lib/bytes/index.ts';

const { cbor, tlv, legacyTlv, json, legacyJson, senmlJson, senmlCbor } = CONTENT_FORMATS;
const { senmlEtchJson, senmlEtchCbor, lwm2mCbor } = CONTENT_FORMATS;

const IN_CBOR: ReadonlySet<number> = new Set([cbor, senmlCbor, senmlEtchCbor, lwm2mCbor]);
const IN_JSON: ReadonlySet<number> = new Set([json, legacyJson, senmlJson, senmlEtchJson]);

/** A payload that says one entry again, as an encoder never would. */
export function twice(
  format: number,
  base: Path,
  entries: readonly Entry[],
  again: Entry,
  shapeOf: ShapeOf,
): Uint8Array {
  const all = encodeEntries(format, base, entries, shapeOf);
  const one = encodeEntries(format, base, [again], shapeOf);
  if (format === tlv || format === legacyTlv) return concatBytes(all, one);
  if (IN_JSON.has(format)) {
    return format === senmlJson
      ? utf8Encode(`${decoded(all).slice(0, -1)},${decoded(one).slice(1)}`)
      : utf8Encode(`${decoded(all).slice(0, -2)},${decoded(one).slice(decoded(one).indexOf('[') + 1)}`);
  }
  return lengthened(format, all, one);
}

/** Maps and arrays of CBOR as ones of indefinite length, one after the other in one. */
function lengthened(format: number, first: Uint8Array, second: Uint8Array): Uint8Array {
  const start = Uint8Array.of(format === lwm2mCbor ? 0xbf : 0x9f);
  return concatBytes(start, first.subarray(headBytes(first)), second.subarray(headBytes(second)), Uint8Array.of(0xff));
}

function headBytes(bytes: Uint8Array): number {
  const info = bytes[0]! & 0x1f;
  return info < 24 ? 1 : info === 24 ? 2 : 3;
}

/** A composite's payload with its one record twice. */
export function doubled(format: number, one: Uint8Array): Uint8Array {
  if (IN_CBOR.has(format)) return lengthened(format, one, one);
  return utf8Encode(`${decoded(one).slice(0, -1)},${decoded(one).slice(1)}`);
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** `depth` levels of one kind, where values or records stand. */
export function deep(format: number, depth: number, kind: number): Uint8Array {
  if (IN_CBOR.has(format)) {
    const level = [[0x81], [0xa1, 0x01], [0xc1], [0x9f]][kind]!; // a map has a key before what it holds
    const levels = Uint8Array.from({ length: level.length * depth }, (_, i) => level[i % level.length]!);
    const lead = format === lwm2mCbor ? 'a183090001' : format === cbor ? '' : '81a200662f392f302f3102';
    return concatBytes(fromHex(lead), levels, Uint8Array.of(0x01));
  }
  if (format === tlv || format === legacyTlv)
    return concatBytes(...Array<Uint8Array>(Math.min(depth, 5_000)).fill(Uint8Array.of(0x10, 0, 0xff, 0xff)));
  const [open, close] = kind % 2 === 0 ? ['[', ']'] : ['{"a":', '}'];
  const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
  if (format === json || format === legacyJson) return utf8Encode(`{"bn":"/9/0/1","e":[{"v":1,"x":${nested}}]}`);
  return utf8Encode(`[{"n":"/9/0/1","v":1,"x":${nested}}]`);
}
