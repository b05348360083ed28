// What node:crypto gives, without what Buffer adds.

/** The same memory without Buffer's own methods, whose `slice` is not Uint8Array's. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
