// The few things Uint8Array lacks: hex, concatenation, comparison, strict UTF-8.

import { DecodeError } from './decode-error.ts';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Lower-case hex without separators. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** One character a byte, as the key of a Set or Map: a fraction of what hex costs. */
export function toBinary(bytes: Uint8Array): string {
  const CHUNK = 8_192; // arguments of one call
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + CHUNK)) as string;
  }
  return text;
}

/** Parses hex of either case. @throws DecodeError naming `field`, never quoting the text (it may be a key). */
export function fromHex(text: string, field = 'hex'): Uint8Array {
  if (text.length % 2 !== 0) throw new DecodeError(field, 'an even number of hex digits', `${text.length} characters`);
  const stray = text.search(/[^0-9a-fA-F]/);
  if (stray >= 0) throw new DecodeError(field, 'hex digits only', 'another character', stray);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** A new array with all parts one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A copy, also of a Buffer: its own `slice` gives a view of the same memory, which whoever zeroes it zeroes too. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Byte equality; leaves early, so not for secrets (see `equalSecrets`). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Byte equality whose time depends on the lengths alone: for MACs, cookies and verify_data. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws DecodeError if the bytes are not well-formed UTF-8. */
export function utf8Decode(bytes: Uint8Array, field = 'text'): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new DecodeError(field, 'well-formed UTF-8', 'other bytes');
  }
}
