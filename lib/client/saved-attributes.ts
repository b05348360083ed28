// The notification attributes of one server across restarts, as JSON in the Storage (LwM2M Core 1.2 §5.1.1: a server's own).

import { DecodeError, utf8Encode } from '../bytes/index.ts';
import type { MemoryCodec } from './memory.ts';
import { parseSaved } from './saved-json.ts';
import type { SavedFor } from './saved-registration.ts';

const FORMAT = 1;

/** The storage key of one account. */
export function attributesKey(shortServerId: number): string {
  return `attributes-${shortServerId}`;
}

/** For what `AttributeStore.toJSON` gives and `restore` takes; those of another endpoint or server are not taken up. */
export function attributesCodec({ endpoint, uri }: SavedFor): MemoryCodec<unknown> {
  return {
    name: 'the notification attributes',
    encode: (attributes) => utf8Encode(JSON.stringify({ format: FORMAT, endpoint, uri, attributes })),
    decode(bytes) {
      const saved = parseSaved(bytes, 'saved attributes');
      if (saved['format'] !== FORMAT) throw new DecodeError('saved attributes: format', `${FORMAT}`, 'another');
      return saved['endpoint'] === endpoint && saved['uri'] === uri ? saved['attributes'] : undefined;
    },
  };
}
