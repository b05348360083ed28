// Bodies of the hello extensions that this backend understands (RFC 6066, RFC 7250, RFC 7301, RFC 8422, RFC 8449,
// RFC 9146).

import { DecodeError, Reader, Writer, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type Extension, EXTENSION_TYPE } from './extensions.ts';

const UNCOMPRESSED = 0;
const HOST_NAME = 0;

/** CertificateType (RFC 7250 §3). */
export const CERTIFICATE_TYPE = { x509: 0, rawPublicKey: 2 } as const;

/** max_fragment_length by its code (RFC 6066 §4). Bytes of plaintext. */
export const FRAGMENT_LENGTHS: readonly number[] = [0, 512, 1024, 2048, 4096];

/** Least and largest record_size_limit of TLS 1.2 (RFC 8449 §4). */
export const LEAST_RECORD_SIZE = 64;

export function supportedGroupsExtension(groups: readonly number[]): Extension {
  return { type: EXTENSION_TYPE.supportedGroups, body: uint16List(groups) };
}

export function signatureAlgorithmsExtension(schemes: readonly number[]): Extension {
  return { type: EXTENSION_TYPE.signatureAlgorithms, body: uint16List(schemes) };
}

/** Uncompressed points alone (RFC 8422 §5.1.2). */
export const POINT_FORMATS: Extension = { type: EXTENSION_TYPE.ecPointFormats, body: Uint8Array.of(1, UNCOMPRESSED) };

export const ENCRYPT_THEN_MAC: Extension = { type: EXTENSION_TYPE.encryptThenMac, body: new Uint8Array(0) };

export function alpnExtension(protocols: readonly string[]): Extension {
  const writer = new Writer();
  writer.vector16((list) => {
    for (const protocol of protocols) list.vector8(utf8Encode(protocol));
  });
  return { type: EXTENSION_TYPE.applicationLayerProtocolNegotiation, body: writer.finish() };
}

/** What the peer is to put into its records; empty: nothing. */
export function connectionIdExtension(id: Uint8Array): Extension {
  return { type: EXTENSION_TYPE.connectionId, body: Uint8Array.of(id.length, ...id) };
}

/** @throws DecodeError */
export function decodeConnectionId({ body }: Extension): Uint8Array {
  const reader = new Reader(body);
  const id = reader.vector8('connection_id');
  reader.end('connection_id');
  return id;
}

/** @param limit bytes: one of FRAGMENT_LENGTHS */
export function maxFragmentLengthExtension(limit: number): Extension {
  return { type: EXTENSION_TYPE.maxFragmentLength, body: Uint8Array.of(FRAGMENT_LENGTHS.indexOf(limit)) };
}

export function recordSizeLimitExtension(limit: number): Extension {
  return { type: EXTENSION_TYPE.recordSizeLimit, body: Uint8Array.of(limit >> 8, limit) };
}

/** The list a client offers. */
export function certificateTypesExtension(
  type: 'clientCertificateType' | 'serverCertificateType',
  types: readonly number[],
): Extension {
  return { type: EXTENSION_TYPE[type], body: Uint8Array.of(types.length, ...types) };
}

/** The one a server chose. */
export function certificateTypeExtension(
  type: 'clientCertificateType' | 'serverCertificateType',
  chosen: number,
): Extension {
  return { type: EXTENSION_TYPE[type], body: Uint8Array.of(chosen) };
}

/** A list of 16-bit numbers with its length: groups, or signature schemes. @throws DecodeError */
export function decodeUint16List({ body }: Extension, field: string): readonly number[] {
  const reader = new Reader(body);
  const list = new Reader(reader.vector16(field));
  reader.end(field);
  const values: number[] = [];
  while (list.remaining > 0) values.push(list.uint16(field));
  if (values.length === 0) throw new DecodeError(field, 'at least one', 'none');
  return values;
}

/** Whether uncompressed points are among the formats. @throws DecodeError */
export function allowsUncompressed({ body }: Extension): boolean {
  const reader = new Reader(body);
  const formats = reader.vector8('ec_point_formats');
  reader.end('ec_point_formats');
  return formats.includes(UNCOMPRESSED);
}

/** The host name of a client's server_name, or undefined if it names none. @throws DecodeError */
export function decodeServerName({ body }: Extension): string | undefined {
  const reader = new Reader(body);
  const list = new Reader(reader.vector16('server_name_list'));
  reader.end('server_name');
  let host: string | undefined;
  while (list.remaining > 0) {
    const type = list.uint8('NameType');
    const name = list.vector16('HostName');
    if (type !== HOST_NAME) continue;
    if (host !== undefined || name.length === 0) throw new DecodeError('server_name_list', 'one name', 'another list');
    host = utf8Decode(name, 'HostName');
  }
  return host;
}

/** @throws DecodeError */
export function decodeAlpn({ body }: Extension): readonly string[] {
  const reader = new Reader(body);
  const list = new Reader(reader.vector16('protocol_name_list'));
  reader.end('application_layer_protocol_negotiation');
  const protocols: string[] = [];
  while (list.remaining > 0) {
    const name = list.vector8('ProtocolName');
    if (name.length === 0) throw new DecodeError('ProtocolName', 'at least one byte', 'none');
    protocols.push(utf8Decode(name, 'ProtocolName'));
  }
  if (protocols.length === 0) throw new DecodeError('protocol_name_list', 'at least one', 'none');
  return protocols;
}

/** Bytes, or undefined for a code that is none of RFC 6066 §4. @throws DecodeError */
export function decodeMaxFragmentLength({ body }: Extension): number | undefined {
  if (body.length !== 1) throw new DecodeError('max_fragment_length', '1 byte', `${body.length} bytes`);
  const code = body[0]!;
  return code === 0 ? undefined : FRAGMENT_LENGTHS[code];
}

/** Bytes; undefined below the least allowed. @throws DecodeError */
export function decodeRecordSizeLimit({ body }: Extension): number | undefined {
  const reader = new Reader(body);
  const limit = reader.uint16('RecordSizeLimit');
  reader.end('record_size_limit');
  return limit < LEAST_RECORD_SIZE ? undefined : limit;
}

/** @throws DecodeError */
export function decodeCertificateTypes({ body }: Extension): Uint8Array {
  const reader = new Reader(body);
  const types = reader.vector8('certificate_types');
  reader.end('certificate types');
  if (types.length === 0) throw new DecodeError('certificate_types', 'at least one', 'none');
  return types;
}

/** @throws DecodeError */
export function decodeCertificateType({ body }: Extension): number {
  if (body.length !== 1) throw new DecodeError('certificate_type', '1 byte', `${body.length} bytes`);
  return body[0]!;
}

function uint16List(values: readonly number[]): Uint8Array {
  const writer = new Writer(2 + 2 * values.length);
  writer.vector16((list) => {
    for (const value of values) list.uint16(value);
  });
  return writer.finish();
}
