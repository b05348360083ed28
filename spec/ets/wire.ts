// CoAP messages over UDP by hand (RFC 7252 §3), so that other eyes than its own codec's look at what the client says.

import assert from 'node:assert/strict';

/** Option numbers (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1). */
export const OPTIONS = {
  observe: 6,
  locationPath: 8,
  uriPath: 11,
  contentFormat: 12,
  uriQuery: 15,
  accept: 17,
  block2: 23,
} as const;

/** Codes of requests as they are written (RFC 7252 §12.1.1, RFC 8132 §6). */
export const METHODS = {
  GET: '0.01',
  POST: '0.02',
  PUT: '0.03',
  DELETE: '0.04',
  FETCH: '0.05',
  iPATCH: '0.07',
} as const;
export type Method = keyof typeof METHODS;

const TYPES = ['CON', 'NON', 'ACK', 'RST'] as const;

export interface WireOption {
  readonly number: number;
  readonly value: Uint8Array;
}

export interface WireMessage {
  readonly type: (typeof TYPES)[number];
  /** As it is written: `2.05`. */
  readonly code: string;
  readonly messageId: number;
  /** Hex. */
  readonly token: string;
  readonly options: readonly WireOption[];
  readonly payload: Uint8Array;
}

export function encodeWire({ type, code, messageId, token, options, payload }: WireMessage): Uint8Array {
  const tokenBytes = Buffer.from(token, 'hex');
  const [detailedClass, detail] = code.split('.').map(Number) as [number, number];
  const head = [0x40 | (TYPES.indexOf(type) << 4) | tokenBytes.length, (detailedClass << 5) | detail];
  const parts: Uint8Array[] = [Uint8Array.of(...head, messageId >> 8, messageId & 0xff), tokenBytes];
  let last = 0;
  for (const { number, value } of options.toSorted((a, b) => a.number - b.number)) {
    const [delta, more] = nibble(number - last);
    const [length, evenMore] = nibble(value.length);
    parts.push(Uint8Array.of((delta << 4) | length, ...more, ...evenMore), value);
    last = number;
  }
  if (payload.length > 0) parts.push(Uint8Array.of(0xff), payload);
  return Buffer.concat(parts);
}

function nibble(value: number): readonly [number, readonly number[]] {
  if (value < 13) return [value, []];
  if (value < 269) return [13, [value - 13]];
  return [14, [(value - 269) >> 8, (value - 269) & 0xff]];
}

/** @throws AssertionError where RFC 7252 would call it a message format error */
export function decodeWire(bytes: Uint8Array): WireMessage {
  assert.ok(bytes.length >= 4, 'a header has 4 bytes');
  assert.equal(bytes[0]! >> 6, 1, 'version');
  const tokenLength = bytes[0]! & 0x0f;
  assert.ok(tokenLength <= 8, 'token length');
  const code = `${bytes[1]! >> 5}.${String(bytes[1]! & 0x1f).padStart(2, '0')}`;
  if (code === '0.00') assert.equal(bytes.length, 4, 'an empty message ends with its header');
  const options: WireOption[] = [];
  let payload: Uint8Array = new Uint8Array();
  let at = 4 + tokenLength;
  let number = 0;
  const extended = (short: number): number => {
    assert.ok(short < 15, 'nibble 15 is the payload marker alone');
    if (short < 13) return short;
    if (short === 13) return bytes[at++]! + 13;
    return bytes[at++]! * 256 + bytes[at++]! + 269;
  };
  while (at < bytes.length) {
    const head = bytes[at++]!;
    if (head === 0xff) {
      payload = bytes.slice(at);
      assert.ok(payload.length > 0, 'a payload after the marker');
      break;
    }
    number += extended(head >> 4);
    const length = extended(head & 0x0f);
    assert.ok(at + length <= bytes.length, 'an option within the message');
    options.push({ number, value: bytes.slice(at, (at += length)) });
  }
  const messageId = bytes[2]! * 256 + bytes[3]!;
  const token = Buffer.from(bytes.subarray(4, 4 + tokenLength)).toString('hex');
  return { type: TYPES[(bytes[0]! >> 4) & 3]!, code, messageId, token, options, payload };
}

/** The numbers that options of this kind carry, in order; a zero has no bytes. */
export function numbers(options: readonly WireOption[], number: number): readonly number[] {
  return options
    .filter((option) => option.number === number)
    .map(({ value }) => value.reduce((sum, byte) => sum * 256 + byte, 0));
}

/** The texts that options of this kind carry, in order. */
export function texts(options: readonly WireOption[], number: number): readonly string[] {
  return options.filter((option) => option.number === number).map(({ value }) => Buffer.from(value).toString('utf8'));
}

/** An option with a number in as few bytes as it needs (RFC 7252 §3.2). */
export function numberOption(number: number, value: number): WireOption {
  const bytes: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return { number, value: Uint8Array.from(bytes) };
}

export function textOption(number: number, value: string): WireOption {
  return { number, value: Buffer.from(value, 'utf8') };
}
