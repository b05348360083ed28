// Blocks of the pcapng format (draft-ietf-opsawg-pcapng §4), little-endian: section, interface, packet, secrets.

import { concatBytes, utf8Encode } from '../../bytes/index.ts';

/** Block types (§11.1). */
export const BLOCK_TYPE = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 0x0000_0001,
  enhancedPacket: 0x0000_0006,
  decryptionSecrets: 0x0000_000a,
} as const;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_RAW = 101; // IPv4 or IPv6, as the first four bits say
const TLS_KEY_LOG = 0x544c534b; // §4.7: NSS key log lines
const UNKNOWN_SECTION_LENGTH = 0xffff_ffff;
const OPTION = { end: 0, interfaceName: 2, applicationName: 4, packetFlags: 2 } as const;

/** A packet as it is recorded. */
export interface RecordedPacket {
  /** Microseconds since 1970-01-01T00:00:00Z, an integer. */
  readonly at: number;
  /** As this side saw it. */
  readonly direction: 'sent' | 'received';
  /** From the IP header on. */
  readonly bytes: Uint8Array;
}

/** Opens a section (§4.1); a file may have several, one after the other. */
export function sectionHeaderBlock(application: string): Uint8Array {
  const version = bytesOf([2, 1], [2, 0]);
  const length = bytesOf([4, UNKNOWN_SECTION_LENGTH], [4, UNKNOWN_SECTION_LENGTH]);
  const options = [option(OPTION.applicationName, utf8Encode(application)), option(OPTION.end)];
  return block(BLOCK_TYPE.sectionHeader, bytesOf([4, BYTE_ORDER_MAGIC]), version, length, ...options);
}

/** Interface 0 of the section: raw IP packets of any length, times in microseconds (§4.2). */
export function interfaceDescriptionBlock(name: string): Uint8Array {
  const fields = bytesOf([2, LINKTYPE_RAW], [2, 0], [4, 0]);
  return block(
    BLOCK_TYPE.interfaceDescription,
    fields,
    option(OPTION.interfaceName, utf8Encode(name)),
    option(OPTION.end),
  );
}

/** A packet of interface 0 (§4.3). */
export function enhancedPacketBlock({ at, direction, bytes }: RecordedPacket): Uint8Array {
  const time = bytesOf([4, Math.floor(at / 0x1_0000_0000)], [4, at % 0x1_0000_0000]);
  const lengths = bytesOf([4, bytes.length], [4, bytes.length]);
  const flags = bytesOf([4, direction === 'received' ? 1 : 2]); // §4.3.1: bits 0 and 1
  const options = [option(OPTION.packetFlags, flags), option(OPTION.end)];
  return block(BLOCK_TYPE.enhancedPacket, bytesOf([4, 0]), time, lengths, padded(bytes), ...options);
}

/** Secrets for the packets that follow (§4.7): one line of an NSS key log. */
export function decryptionSecretsBlock(keyLogLine: string): Uint8Array {
  const secrets = utf8Encode(`${keyLogLine}\n`);
  const fields = bytesOf([4, TLS_KEY_LOG], [4, secrets.length]);
  return block(BLOCK_TYPE.decryptionSecrets, fields, padded(secrets));
}

/** Type and total length before, total length again behind (§3.1). */
function block(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 12);
  return concatBytes(bytesOf([4, type], [4, length]), ...body, bytesOf([4, length]));
}

function option(code: number, value: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concatBytes(bytesOf([2, code], [2, value.length]), padded(value));
}

/** Whatever has a length of its own ends at a multiple of four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : concatBytes(bytes, new Uint8Array(4 - rest));
}

function bytesOf(...fields: readonly (readonly [size: 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}
