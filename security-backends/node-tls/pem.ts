// DER as PEM, which is what node:tls takes: as bytes, for a string could not be zeroed.

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
const LINE_END = 0x0a;
const LINE_CHARACTERS = 64; // RFC 7468 §2

/** One block with its line ends. A new array: whoever has it zeroes it if it is secret. */
export function pemBlock(label: string, der: Uint8Array): Uint8Array {
  const [head, tail] = [`-----BEGIN ${label}-----\n`, `-----END ${label}-----\n`].map((line) =>
    new TextEncoder().encode(line),
  ) as [Uint8Array, Uint8Array];
  const characters = Math.ceil(der.length / 3) * 4;
  const pem = new Uint8Array(head.length + characters + Math.ceil(characters / LINE_CHARACTERS) + tail.length);
  pem.set(head);
  pem.set(tail, writeBase64(der, pem, head.length));
  return pem;
}

/** @returns where it ends */
function writeBase64(der: Uint8Array, pem: Uint8Array, start: number): number {
  let at = start;
  let column = 0;
  for (let i = 0; i < der.length; i += 3) {
    const group = (der[i]! << 16) | ((der[i + 1] ?? 0) << 8) | (der[i + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      const padded = i + digit > der.length; // a group of 1 byte has 2 digits, one of 2 has 3
      pem[at++] = padded ? PADDING : ALPHABET[(group >> (18 - 6 * digit)) & 0x3f]!;
    }
    column += 4;
    if (column === LINE_CHARACTERS || i + 3 >= der.length) {
      pem[at++] = LINE_END;
      column = 0;
    }
  }
  return at;
}
