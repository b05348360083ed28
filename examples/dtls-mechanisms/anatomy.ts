// Takes a datagram apart: records (RFC 6347 §4.1), and in those of epoch 0 handshake messages or pieces of them (§4.2.2).
// What is of a later epoch is encrypted; of that only the header can be read.

/** A piece of a handshake message; most are whole. */
export interface Piece {
  readonly name: string;
  /** message_seq: the same each time the message is sent. */
  readonly number: number;
  readonly bytes: number;
  readonly offset: number;
  readonly length: number;
  /** Of a ClientHello or HelloVerifyRequest; 0 if there is none. */
  readonly cookieBytes: number;
}

export interface DtlsRecord {
  readonly epoch: number;
  /** sequence_number: new each time, whatever is in the record. */
  readonly sequence: number;
  readonly content: Piece | 'ChangeCipherSpec' | 'handshake, encrypted' | 'application data, encrypted' | 'alert';
}

const RECORD_HEADER = 13; // type 1, version 2, epoch 2, sequence_number 6, length 2
const HANDSHAKE_HEADER = 12; // msg_type 1, length 3, message_seq 2, fragment_offset 3, fragment_length 3
const CONTENT_TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22 } as const;
const RANDOM_END = 34; // of a ClientHello's body: client_version 2, random 32

const MESSAGE_NAMES: Readonly<Record<number, string>> = {
  1: 'ClientHello',
  2: 'ServerHello',
  3: 'HelloVerifyRequest',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
};

/** Expects what a sound implementation sends. @throws RangeError for what is cut short */
export function recordsOf(datagram: Uint8Array): readonly DtlsRecord[] {
  const records: DtlsRecord[] = [];
  for (let at = 0; at < datagram.length;) {
    const header = view(datagram, at);
    const end = at + RECORD_HEADER + header.getUint16(11);
    const epoch = header.getUint16(3);
    records.push({ epoch, sequence: header.getUint32(7), content: contentOf(datagram.subarray(at, end), epoch) });
    at = end;
  }
  return records;
}

function contentOf(record: Uint8Array, epoch: number): DtlsRecord['content'] {
  const [type] = record;
  if (type === CONTENT_TYPE.changeCipherSpec) return 'ChangeCipherSpec';
  if (type === CONTENT_TYPE.alert) return 'alert';
  if (type !== CONTENT_TYPE.handshake) return 'application data, encrypted';
  return epoch > 0 ? 'handshake, encrypted' : pieceOf(record.subarray(RECORD_HEADER));
}

function pieceOf(fragment: Uint8Array): Piece {
  const header = view(fragment, 0);
  const type = header.getUint8(0);
  return {
    name: MESSAGE_NAMES[type] ?? `message of type ${type}`,
    number: header.getUint16(4),
    bytes: uint24(header, 1),
    offset: uint24(header, 6),
    length: uint24(header, 9),
    cookieBytes: cookieBytes(type, fragment.subarray(HANDSHAKE_HEADER)),
  };
}

/** The cookie of a HelloVerifyRequest is behind server_version; that of a ClientHello behind random and session_id. */
function cookieBytes(type: number, body: Uint8Array): number {
  if (type === 3) return body[2]!;
  return type === 1 ? body[RANDOM_END + 1 + body[RANDOM_END]!]! : 0;
}

function uint24(header: DataView, at: number): number {
  return header.getUint8(at) * 0x10000 + header.getUint16(at + 1);
}

function view(bytes: Uint8Array, at: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
}
