// Base64 (RFC 4648 §4) and base64url (§5), strict where strictness matters: one alphabet, no stray bits, no stray padding.

import { DecodeError } from './decode-error.ts';

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`;
const SEXTETS = new Map(Array.from(STANDARD + URL_SAFE, (character, i) => [character, i & 63] as const));

/** Base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, STANDARD);
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** Base64url without padding, as SenML and JOSE want it. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE);
}

/** Parses either alphabet (not a mixture), padded or not. @throws DecodeError naming `field`, never quoting the text */
export function fromBase64(text: string, field = 'base64'): Uint8Array {
  const body = text.replace(/={1,2}$/, '');
  if (body.length !== text.length && text.length % 4 !== 0) {
    throw new DecodeError(field, 'base64 padded to a multiple of 4', `${text.length} characters`);
  }
  if (body.length % 4 === 1) throw new DecodeError(field, 'whole base64 bytes', `${text.length} characters`);
  if (/[+/]/.test(body) && /[-_]/.test(body)) throw new DecodeError(field, 'one base64 alphabet', 'two');
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < body.length; i++) {
    const sextet = SEXTETS.get(body[i]!);
    if (sextet === undefined) throw new DecodeError(field, 'base64 characters only', 'another character', i);
    bits = ((bits << 6) | sextet) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >> held;
  }
  if ((bits & ((1 << held) - 1)) !== 0) throw new DecodeError(field, 'zero bits after the last byte', 'others');
  return bytes;
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[group >> 18]! + alphabet[(group >> 12) & 63]!;
    if (i + 1 < bytes.length) text += alphabet[(group >> 6) & 63]!;
    if (i + 2 < bytes.length) text += alphabet[group & 63]!;
  }
  return text;
}
