// The IP and UDP headers a datagram would have had, for readers of recordings (RFC 791, RFC 8200, RFC 768).

import { Writer } from '../../bytes/index.ts';
import { literalFamily } from '../address.ts';
import type { Endpoint } from '../socket.ts';

const IPV4_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const UDP = 17;
const HOP_LIMIT = 64;
const DO_NOT_FRAGMENT = 0x4000;

/**
 * A whole IP packet with right checksums. Of IPv4 if both addresses are, else of IPv6, with IPv4 addresses mapped into it
 * (RFC 4291 §2.5.5.2) and what is no address literal as `::`.
 * @throws RangeError for a payload that no UDP datagram could carry
 */
export function udpPacket(from: Endpoint, to: Endpoint, payload: Uint8Array): Uint8Array {
  const length = UDP_HEADER_BYTES + payload.length;
  const both = [from.address, to.address] as const;
  if (both.every((address) => literalFamily(address) === 'ipv4')) {
    const [source, destination] = both.map(ipv4Bytes) as [Uint8Array, Uint8Array];
    const header = ipv4Header(source, destination, length);
    return packet(header, pseudoHeader(source, destination, length), { from, to, payload });
  }
  const [source, destination] = both.map(ipv6Bytes) as [Uint8Array, Uint8Array];
  const header = new Writer(40).uint32(0x6000_0000).uint16(length).uint8(UDP).uint8(HOP_LIMIT);
  header.bytes(source).bytes(destination);
  return packet(header.finish(), pseudoHeader(source, destination, length), { from, to, payload });
}

/** The one's complement sum of 16-bit words, complemented (RFC 1071 §1). */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += (part[at]! << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

function packet(
  header: Uint8Array,
  pseudo: Uint8Array,
  { from, to, payload }: { readonly from: Endpoint; readonly to: Endpoint; readonly payload: Uint8Array },
): Uint8Array {
  const udp = new Writer(UDP_HEADER_BYTES).uint16(from.port).uint16(to.port);
  udp.uint16(UDP_HEADER_BYTES + payload.length).uint16(0);
  const udpHeader = udp.finish();
  const checksum = internetChecksum(pseudo, udpHeader, payload) || 0xffff; // RFC 768: 0 would mean that there is none
  udpHeader.set([checksum >> 8, checksum & 0xff], 6);
  return new Writer(header.length + UDP_HEADER_BYTES + payload.length)
    .bytes(header)
    .bytes(udpHeader)
    .bytes(payload)
    .finish();
}

function ipv4Header(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  const header = new Writer(IPV4_HEADER_BYTES).uint16(0x4500).uint16(IPV4_HEADER_BYTES + length);
  header.uint16(0).uint16(DO_NOT_FRAGMENT).uint8(HOP_LIMIT).uint8(UDP).uint16(0);
  const bytes = header.bytes(source).bytes(destination).finish();
  const checksum = internetChecksum(bytes);
  bytes.set([checksum >> 8, checksum & 0xff], 10);
  return bytes;
}

/** RFC 768 and RFC 8200 §8.1: the sums of both forms are the same. */
function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  return new Writer(40).bytes(source).bytes(destination).uint32(length).uint32(UDP).finish();
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split('.'), Number);
}

function ipv6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const family = literalFamily(address);
  if (family === 'ipv4') bytes.set([0xff, 0xff, ...ipv4Bytes(address)], 10);
  if (family !== 'ipv6') return bytes;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  bytes.set(groupBytes(head));
  if (tail !== undefined) bytes.set(groupBytes(tail), 16 - groupBytes(tail).length);
  return bytes;
}

function groupBytes(text: string): Uint8Array {
  const writer = new Writer(16);
  for (const group of text === '' ? [] : text.split(':')) {
    if (group.includes('.')) writer.bytes(ipv4Bytes(group));
    else writer.uint16(Number.parseInt(group, 16));
  }
  return writer.finish();
}
