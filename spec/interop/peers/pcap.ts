// Writes UDP datagrams as a pcap file: raw IPv4 packets (LINKTYPE_IPV4, 228) with headers made up for them.

import { appendFileSync, writeFileSync } from 'node:fs';

const LINKTYPE_IPV4 = 228;
const SNAPLEN = 262_144;
const LOOPBACK = 0x7f000001;

/** One file; packets are appended as they come. */
export class PcapFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    const header = new DataView(new ArrayBuffer(24));
    header.setUint32(0, 0xa1b2c3d4);
    header.setUint16(4, 2);
    header.setUint16(6, 4);
    header.setUint32(16, SNAPLEN);
    header.setUint32(20, LINKTYPE_IPV4);
    writeFileSync(path, new Uint8Array(header.buffer));
  }

  /** Adds a datagram between two ports of 127.0.0.1. */
  add(payload: Uint8Array, sourcePort: number, destinationPort: number): void {
    const length = 28 + payload.length;
    const packet = new Uint8Array(16 + length);
    const view = new DataView(packet.buffer);
    const now = Date.now();
    view.setUint32(0, Math.floor(now / 1_000));
    view.setUint32(4, (now % 1_000) * 1_000);
    view.setUint32(8, length);
    view.setUint32(12, length);
    ipv4(new DataView(packet.buffer, 16, 20), length);
    view.setUint16(36, sourcePort);
    view.setUint16(38, destinationPort);
    view.setUint16(40, 8 + payload.length); // the checksum stays 0: none (RFC 768)
    packet.set(payload, 44);
    appendFileSync(this.path, packet);
  }
}

function ipv4(header: DataView, length: number): void {
  header.setUint8(0, 0x45);
  header.setUint16(2, length);
  header.setUint16(6, 0x4000); // do not fragment
  header.setUint8(8, 64);
  header.setUint8(9, 17); // UDP
  header.setUint32(12, LOOPBACK);
  header.setUint32(16, LOOPBACK);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.setUint16(10, ~sum & 0xffff);
}
