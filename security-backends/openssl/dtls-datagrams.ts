// From the records that a memory BIO ran together back to datagrams (RFC 6347 §4.1): whole records, as many as fit.

import { concatBytes } from '../../lib/bytes/index.ts';

const HEADER_BYTES = 13;
const LENGTH_AT = 11;

/** What OpenSSL wrote, as datagrams of at most `most` bytes. A record that is larger by itself goes alone. */
export function intoDatagrams(records: Uint8Array, most: number): readonly Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  let waiting: Uint8Array[] = [];
  let size = 0;
  const flush = (): void => {
    if (waiting.length > 0) datagrams.push(concatBytes(...waiting));
    waiting = [];
    size = 0;
  };
  for (const record of splitRecords(records)) {
    if (size + record.length > most) flush();
    waiting.push(record);
    size += record.length;
  }
  flush();
  return datagrams;
}

function* splitRecords(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const length = at + HEADER_BYTES > bytes.length ? 0 : (bytes[at + LENGTH_AT]! << 8) | bytes[at + LENGTH_AT + 1]!;
    const end = Math.min(at + HEADER_BYTES + length, bytes.length);
    yield bytes.subarray(at, end);
    at = end;
  }
}
