// Sends that wait for their server across restarts, as JSON in the Storage; the values are SenML CBOR in it.

import { CONTENT_FORMATS, decodeEntries, encodeEntries } from '../formats/index.ts';
import { DecodeError, fromBase64, toBase64, utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type SendPack, checkSendFormat } from './send.ts';
import type { MemoryCodec } from './memory.ts';
import type { ObjectSet } from './object-set.ts';
import { Path } from '../model/index.ts';
import type { SavedFor } from './saved-registration.ts';

const FORMAT = 1;

/** The storage key of one account. */
export function sendsKey(shortServerId: number): string {
  return `sends-${shortServerId}`;
}

/** For a Memory; those of another endpoint or server are not taken up. */
export function sendsCodec({ endpoint, uri }: SavedFor, objects: ObjectSet): MemoryCodec<readonly SendPack[]> {
  return {
    name: 'what was to be sent',
    encode: (packs) => utf8Encode(JSON.stringify({ format: FORMAT, endpoint, uri, packs: packs.map(written) })),
    decode(bytes) {
      const saved = record(parse(utf8Decode(bytes, 'saved sends')), 'saved sends');
      if (saved['format'] !== FORMAT) throw new DecodeError('saved sends: format', `${FORMAT}`, 'another');
      if (saved['endpoint'] !== endpoint || saved['uri'] !== uri) return undefined;
      const { packs } = saved;
      if (!Array.isArray(packs)) throw new DecodeError('saved sends: packs', 'an array', typeof packs);
      return packs.map((pack) => read(record(pack, 'saved sends: pack'), objects));
    },
  };

  function written({ entries, format, at }: SendPack): object {
    const values = encodeEntries(CONTENT_FORMATS.senmlCbor, Path.root, entries, objects.shapeOf);
    return { format, at, values: toBase64(values) };
  }
}

function read({ format, at, values }: Record<string, unknown>, objects: ObjectSet): SendPack {
  if (typeof values !== 'string') throw new DecodeError('saved sends: values', 'base64', typeof values);
  if (at !== undefined && typeof at !== 'number') throw new DecodeError('saved sends: at', 'a time', typeof at);
  const bytes = fromBase64(values, 'saved sends: values');
  const entries = decodeEntries(CONTENT_FORMATS.senmlCbor, Path.root, bytes, objects.shapeOf);
  return { entries, at, format: formatOf(format) };
}

function formatOf(format: unknown): SendPack['format'] {
  try {
    return checkSendFormat(format as SendPack['format']);
  } catch {
    throw new DecodeError('saved sends: format', 'one of Send', 'another');
  }
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DecodeError(field, 'an object', typeof value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError('saved sends', 'JSON', 'something else');
  }
}
