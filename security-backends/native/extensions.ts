// Hello extensions (RFC 5246 §7.4.1.4): a list of types and opaque bodies, and the few this backend understands.

import type { Reader, Writer } from '../../lib/bytes/index.ts';
import { Reader as ByteReader, DecodeError, utf8Encode } from '../../lib/bytes/index.ts';

export const EXTENSION_TYPE = {
  serverName: 0, // RFC 6066 §3
  maxFragmentLength: 1, // RFC 6066 §4
  supportedGroups: 10, // RFC 8422 §5.1.1
  ecPointFormats: 11, // RFC 8422 §5.1.2
  signatureAlgorithms: 13, // RFC 5246 §7.4.1.4.1
  applicationLayerProtocolNegotiation: 16, // RFC 7301 §3.1
  clientCertificateType: 19, // RFC 7250 §3
  serverCertificateType: 20, // RFC 7250 §3
  encryptThenMac: 22, // RFC 7366 §2
  extendedMasterSecret: 23, // RFC 7627 §5.1
  recordSizeLimit: 28, // RFC 8449 §4
  sessionTicket: 35, // RFC 5077 §3.2
  connectionId: 54, // RFC 9146 §3
  renegotiationInfo: 0xff01, // RFC 5746 §3.2
} as const;

export interface Extension {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Reads the list at the end of a hello, which may be absent. @throws DecodeError also for a repeated type */
export function decodeExtensions(reader: Reader): readonly Extension[] {
  if (reader.remaining === 0) return [];
  const list = new ByteReader(reader.vector16('extensions'));
  const extensions: Extension[] = [];
  const known = new Set<number>(); // a hello from anybody is parsed, so its cost must grow with its size alone
  while (list.remaining > 0) {
    const type = list.uint16('extension type');
    if (known.has(type)) throw new DecodeError('extensions', 'each type once', `type ${type} twice`);
    known.add(type);
    extensions.push({ type, body: list.vector16('extension body') });
  }
  return extensions;
}

/** Writes the list, or nothing if it is empty. */
export function encodeExtensions(extensions: readonly Extension[], writer: Writer): void {
  if (extensions.length === 0) return;
  writer.vector16((list) => {
    for (const { type, body } of extensions) list.uint16(type).vector16(body);
  });
}

export function findExtension(extensions: readonly Extension[], type: number): Extension | undefined {
  return extensions.find((extension) => extension.type === type);
}

const NO_BYTES = new Uint8Array(0);

export const EXTENDED_MASTER_SECRET: Extension = { type: EXTENSION_TYPE.extendedMasterSecret, body: NO_BYTES };

/** renegotiation_info of an initial handshake: an empty renegotiated_connection. */
export const INITIAL_RENEGOTIATION_INFO: Extension = {
  type: EXTENSION_TYPE.renegotiationInfo,
  body: Uint8Array.of(0),
};

/** Whether the body is that of an initial handshake. */
export function isInitialRenegotiationInfo(extension: Extension): boolean {
  return extension.body.length === 1 && extension.body[0] === 0;
}

/** server_name with one host name; names are ASCII (RFC 6066 §3). */
export function serverNameExtension(host: string): Extension {
  const name = utf8Encode(host);
  const body = new Uint8Array(5 + name.length);
  body.set([(name.length + 3) >> 8, name.length + 3, 0, name.length >> 8, name.length]);
  body.set(name, 5);
  return { type: EXTENSION_TYPE.serverName, body };
}
