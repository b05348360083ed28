// Sends that wait for their server across restarts, as JSON in the Storage; the values are SenML CBOR in it.

import { CONTENT_FORMATS, decodeEntries, encodeEntries } from '../formats/index.ts';
import { DecodeError, fromBase64, toBase64, utf8Encode } from '../bytes/index.ts';
import { type SendPack, checkSendFormat } from './send.ts';
import type { MemoryCodec } from './memory.ts';
import type { ObjectSet } from './object-set.ts';
import { Path } from '../model/index.ts';
import { parseSaved, savedArray, savedRecord } from './saved-json.ts';
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
      const saved = parseSaved(bytes, 'saved sends');
      if (saved['format'] !== FORMAT) throw new DecodeError('saved sends: format', `${FORMAT}`, 'another');
      if (saved['endpoint'] !== endpoint || saved['uri'] !== uri) return undefined;
      return savedArray(saved['packs'], 'saved sends: packs').map((pack) =>
        read(savedRecord(pack, 'saved sends: pack'), objects),
      );
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
