// DTLSInnerPlaintext: content, its true type, padding of zeros (RFC 9146 §4).

/** Bytes beside the content, padding apart. */
export const INNER_TYPE_BYTES = 1;

/** @param padding content and type are filled up to a multiple of so many bytes; 1: not at all */
export function encodeInner(type: number, content: Uint8Array, padding: number): Uint8Array {
  const inner = new Uint8Array(innerLength(content.length, padding));
  inner.set(content);
  inner[content.length] = type;
  return inner;
}

export function innerLength(length: number, padding: number): number {
  return Math.ceil((length + INNER_TYPE_BYTES) / padding) * padding;
}

/** Longest content whose inner plaintext is at most `room`; negative if there is none. */
export function largestContent(room: number, padding: number): number {
  return Math.floor(room / padding) * padding - INNER_TYPE_BYTES;
}

/** What it holds; undefined if it is all zeros, and so has no type. */
export function decodeInner(inner: Uint8Array): { readonly type: number; readonly plaintext: Uint8Array } | undefined {
  let end = inner.length - 1;
  while (end >= 0 && inner[end] === 0) end--;
  return end < 0 ? undefined : { type: inner[end]!, plaintext: inner.subarray(0, end) };
}
