// Reads what the capture writes, written from the draft alone: blocks by type, packets by their headers.

/** A block of a recording; `packet` for enhanced packets, `secrets` for decryption secrets. */
export interface ReadBlock {
  readonly type: number;
  readonly packet?: {
    readonly at: bigint;
    readonly direction: number;
    readonly ports: readonly [from: number, to: number];
    readonly payload: Uint8Array;
  };
  readonly secrets?: string;
}

/** Every block, in order. Packets must be IPv4. */
export function readBlocks(bytes: Uint8Array): ReadBlock[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks: ReadBlock[] = [];
  for (let at = 0; at < bytes.length;) {
    const [type, length] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const body = new DataView(view.buffer, view.byteOffset + at + 8, length - 12);
    if (type === 6) blocks.push({ type, packet: packetOf(body) });
    else if (type === 10) blocks.push({ type, secrets: secretsOf(body) });
    else blocks.push({ type });
    at += length;
  }
  return blocks;
}

function packetOf(body: DataView): NonNullable<ReadBlock['packet']> {
  const length = body.getUint32(12, true);
  return {
    at: (BigInt(body.getUint32(4, true)) << 32n) | BigInt(body.getUint32(8, true)),
    direction: body.getUint32(20 + Math.ceil(length / 4) * 4 + 4, true),
    ports: [body.getUint16(40), body.getUint16(42)],
    payload: new Uint8Array(body.buffer, body.byteOffset + 48, length - 28).slice(),
  };
}

function secretsOf(body: DataView): string {
  return new TextDecoder().decode(new Uint8Array(body.buffer, body.byteOffset + 8, body.getUint32(4, true)));
}
