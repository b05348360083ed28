// DTLS 1.2 record headers (RFC 6347 §4.1), with connection ids (RFC 9146 §4).

import type { Reader } from '../../lib/bytes/index.ts';
import { DecodeError } from '../../lib/bytes/index.ts';

export const CONTENT_TYPE = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** Protected, with a connection id; the true type is inside (RFC 9146 §4). */
  tls12Cid: 25,
} as const;

/** On the wire, versions count down. */
export const DTLS_1_0 = 0xfeff;
export const DTLS_1_2 = 0xfefd;

export const RECORD_HEADER_BYTES = 13;

/** Where the connection id stands in a record of type tls12_cid (RFC 9146 §4). */
export const CONNECTION_ID_OFFSET = 11;

/** TLSCiphertext may be this much larger than the 2^14 bytes of plaintext (RFC 5246 §6.2.3). */
export const MAX_FRAGMENT_BYTES = 2 ** 14 + 2048;

/** Largest plaintext of a record (RFC 5246 §6.2.1). */
export const MAX_PLAINTEXT_BYTES = 2 ** 14;

const NO_BYTES = new Uint8Array(0);

/** Largest record sequence number: 48 bits, never wrapped (RFC 6347 §4.1). */
export const MAX_SEQUENCE = 2 ** 48 - 1;

export interface DtlsRecord {
  readonly type: number;
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  /** Of records of type tls12_cid alone; a view of the datagram. */
  readonly connectionId?: Uint8Array | undefined;
  /** A view of the datagram. */
  readonly fragment: Uint8Array;
}

/**
 * Reads the next record of a datagram.
 * @param connectionIdBytes length of the connection ids we gave out; a record does not tell it
 * @throws DecodeError if the datagram is too short for it
 */
export function decodeRecord(reader: Reader, connectionIdBytes = 0): DtlsRecord {
  const type = reader.uint8('record type');
  const version = reader.uint16('record version');
  const epoch = reader.uint16('record epoch');
  const sequence = reader.uint48('record sequence_number');
  const connectionId =
    type === CONTENT_TYPE.tls12Cid && connectionIdBytes > 0
      ? reader.bytes(connectionIdBytes, 'record connection_id')
      : undefined;
  const length = reader.uint16('record length');
  if (length > MAX_FRAGMENT_BYTES) {
    throw new DecodeError('record length', `at most ${MAX_FRAGMENT_BYTES}`, `${length}`);
  }
  const fragment = reader.bytes(length, 'record fragment');
  return connectionId === undefined
    ? { type, version, epoch, sequence, fragment }
    : { type, version, epoch, sequence, connectionId, fragment };
}

/** Writes a record header at `at`; the fragment of `length` bytes follows it. */
export function writeRecordHeader(
  target: Uint8Array,
  at: number,
  header: { readonly type: number; readonly version: number; readonly epoch: number; readonly sequence: number },
  length: number,
  connectionId: Uint8Array = NO_BYTES,
): void {
  target[at] = header.type;
  target[at + 1] = header.version >> 8;
  target[at + 2] = header.version;
  writeEpochAndSequence(target, at + 3, header.epoch, header.sequence);
  target.set(connectionId, at + CONNECTION_ID_OFFSET);
  const end = at + CONNECTION_ID_OFFSET + connectionId.length;
  target[end] = length >> 8;
  target[end + 1] = length;
}

/** The 8 bytes that are the TLS sequence number in DTLS: epoch, then 48 bits. */
export function writeEpochAndSequence(target: Uint8Array, at: number, epoch: number, sequence: number): void {
  const high = Math.floor(sequence / 0x1_0000_0000);
  target[at] = epoch >> 8;
  target[at + 1] = epoch;
  target[at + 2] = high >> 8;
  target[at + 3] = high;
  target[at + 4] = sequence >>> 24;
  target[at + 5] = sequence >>> 16;
  target[at + 6] = sequence >>> 8;
  target[at + 7] = sequence;
}

/** A record in the clear, as one array. */
export function encodePlaintextRecord(record: DtlsRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + record.fragment.length);
  writeRecordHeader(bytes, 0, record, record.fragment.length);
  bytes.set(record.fragment, RECORD_HEADER_BYTES);
  return bytes;
}
