// Just enough DER writing to put keys into PKCS#8 and SubjectPublicKeyInfo.

import { concatBytes } from '../bytes/index.ts';
import { DER_TAG } from './der.ts';

/** One element around its content, as a new array. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(Uint8Array.of(tag, ...lengthOctets(length)), ...content);
}

export const derSequence = (...content: readonly Uint8Array[]): Uint8Array => derElement(DER_TAG.sequence, ...content);

export const derOctetString = (bytes: Uint8Array): Uint8Array => derElement(DER_TAG.octetString, bytes);

/** A BIT STRING of whole bytes. */
export const derBitString = (bytes: Uint8Array): Uint8Array => derElement(DER_TAG.bitString, Uint8Array.of(0), bytes);

export const derNull = (): Uint8Array => derElement(DER_TAG.null);

/** An INTEGER ≥ 0 from its magnitude, big-endian. */
export function derUnsigned(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const shortest = magnitude.subarray(start);
  const sign = (shortest[0] ?? 0x80) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return derElement(DER_TAG.integer, sign, shortest);
}

/** An OBJECT IDENTIFIER from dotted decimals whose arcs are below 2^31. */
export function derOid(text: string): Uint8Array {
  const [top, second, ...others] = text.split('.').map(Number);
  const arcs = [top! * 40 + second!, ...others];
  return derElement(DER_TAG.oid, Uint8Array.from(arcs.flatMap(base128)));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return [0x80 | bytes.length, ...bytes];
}
