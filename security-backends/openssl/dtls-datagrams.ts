// The records of a datagram: those that a memory BIO ran together become datagrams again (RFC 6347 §4.1), whole records, as many
// as fit; and what arrives loses the alerts that anybody may have sent.

import { concatBytes } from '../../lib/bytes/index.ts';

const HEADER_BYTES = 13;
const TYPE_ALERT = 21;
const EPOCH_AT = 3;
const LENGTH_AT = 11;
const FATAL = 2;
const CLOSE_NOTIFY = 0;

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

/** An alert that came in the clear: anybody may have sent it. */
export interface ClearAlert {
  readonly level: 'warning' | 'fatal';
  readonly description: number;
}

/** A datagram without the alerts that are not authenticated, and the last of those that would end the connection. */
export function withoutClearAlerts(datagram: Uint8Array): {
  readonly rest: Uint8Array;
  readonly alert: ClearAlert | undefined;
} {
  const kept: Uint8Array[] = [];
  let alert: ClearAlert | undefined;
  for (const record of splitRecords(datagram)) {
    if (isClearAlert(record)) alert = endingAlert(record) ?? alert;
    else kept.push(record);
  }
  return { rest: concatBytes(...kept), alert };
}

function isClearAlert(record: Uint8Array): boolean {
  return record[0] === TYPE_ALERT && record[EPOCH_AT] === 0 && record[EPOCH_AT + 1] === 0;
}

function endingAlert(record: Uint8Array): ClearAlert | undefined {
  const [level, description] = record.subarray(HEADER_BYTES);
  if (description === undefined || (level !== FATAL && description !== CLOSE_NOTIFY)) return undefined;
  return { level: level === FATAL ? 'fatal' : 'warning', description };
}

function* splitRecords(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const length = at + HEADER_BYTES > bytes.length ? 0 : (bytes[at + LENGTH_AT]! << 8) | bytes[at + LENGTH_AT + 1]!;
    const end = Math.min(at + HEADER_BYTES + length, bytes.length);
    yield bytes.subarray(at, end);
    at = end;
  }
}
