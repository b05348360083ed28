// The header that a record's protection covers beside its content: additional data of AEAD suites, and the beginning of
// what encrypt-then-MAC covers (RFC 5246 §6.2.3.3, RFC 7366 §3; with a connection id RFC 9146 §5.2 and §5.3).

import { CONTENT_TYPE, DTLS_1_2, writeEpochAndSequence } from './record.ts';

/** Writes the header of one record into a work space that the next call uses again. */
export type RecordHeader = (type: number, epoch: number, sequence: number, length: number) => Uint8Array;

const PLAIN_BYTES = 13;
const PLAIN = new Uint8Array(PLAIN_BYTES);
const PLACEHOLDER_BYTES = 8; // seq_num_placeholder, all ones: no sequence number of the plain form is

/** @param connectionId of the records; empty: the plain form */
export function recordHeader(connectionId: Uint8Array = new Uint8Array(0)): RecordHeader {
  return connectionId.length === 0 ? plain : withConnectionId(connectionId);
}

function plain(type: number, epoch: number, sequence: number, length: number): Uint8Array {
  writeEpochAndSequence(PLAIN, 0, epoch, sequence);
  PLAIN[8] = type;
  PLAIN[9] = DTLS_1_2 >> 8;
  PLAIN[10] = DTLS_1_2 & 0xff;
  PLAIN[11] = length >> 8;
  PLAIN[12] = length;
  return PLAIN;
}

function withConnectionId(connectionId: Uint8Array): RecordHeader {
  const header = new Uint8Array(PLACEHOLDER_BYTES + 2 + PLAIN_BYTES + connectionId.length);
  header.fill(0xff, 0, PLACEHOLDER_BYTES);
  header.set([CONTENT_TYPE.tls12Cid, connectionId.length, CONTENT_TYPE.tls12Cid], PLACEHOLDER_BYTES);
  header.set([DTLS_1_2 >> 8, DTLS_1_2 & 0xff], PLACEHOLDER_BYTES + 3);
  header.set(connectionId, PLACEHOLDER_BYTES + 13);
  const lengthAt = header.length - 2;
  return (_type, epoch, sequence, length) => {
    writeEpochAndSequence(header, PLACEHOLDER_BYTES + 5, epoch, sequence);
    header[lengthAt] = length >> 8;
    header[lengthAt + 1] = length;
    return header;
  };
}
