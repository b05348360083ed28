// CoAP messages by hand, over UDP and TCP (RFC 7252 §3, RFC 8323 §3), so that other eyes than its own codec's look at what the client says.

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
  const head = [0x40 | (TYPES.indexOf(type) << 4) | tokenBytes.length, codeByte(code)];
  const messageIdBytes = [messageId >> 8, messageId & 0xff];
  return Buffer.concat([Uint8Array.of(...head, ...messageIdBytes), tokenBytes, encodeRest(options, payload)]);
}

/** @throws AssertionError where RFC 7252 would call it a message format error */
export function decodeWire(bytes: Uint8Array): WireMessage {
  assert.ok(bytes.length >= 4, 'a header has 4 bytes');
  assert.equal(bytes[0]! >> 6, 1, 'version');
  const tokenLength = bytes[0]! & 0x0f;
  assert.ok(tokenLength <= 8, 'token length');
  const code = codeText(bytes[1]!);
  if (code === '0.00') assert.equal(bytes.length, 4, 'an empty message ends with its header');
  const messageId = bytes[2]! * 256 + bytes[3]!;
  const token = Buffer.from(bytes.subarray(4, 4 + tokenLength)).toString('hex');
  return { type: TYPES[(bytes[0]! >> 4) & 3]!, code, messageId, token, ...decodeRest(bytes.subarray(4 + tokenLength)) };
}

/** The message of a stream (RFC 8323 §3.2), which has neither type nor message id. */
export type Frame = Pick<WireMessage, 'code' | 'token' | 'options' | 'payload'>;

export function encodeFrame({ code, token, options, payload }: Frame): Uint8Array {
  const tokenBytes = Buffer.from(token, 'hex');
  const rest = encodeRest(options, payload);
  const [length, more] = nibble(rest.length);
  const head = Uint8Array.of((length << 4) | tokenBytes.length, ...more, codeByte(code));
  return Buffer.concat([head, tokenBytes, rest]);
}

/** The first message in these bytes and how many it takes, once it is there whole. */
export function decodeFrame(bytes: Uint8Array): { readonly frame: Frame; readonly length: number } | undefined {
  const head = bytes[0];
  if (head === undefined) return undefined;
  const extra = Math.max(0, (head >> 4) - 12); // bytes of the extended length
  assert.ok(extra < 3, 'nobody here says 65 kB at once');
  if (bytes.length < 2 + extra) return undefined;
  const short = head >> 4;
  const rest = extra === 0 ? short : extra === 1 ? bytes[1]! + 13 : bytes[1]! * 256 + bytes[2]! + 269;
  const tokenAt = 2 + extra;
  const restAt = tokenAt + (head & 0x0f);
  if (bytes.length < restAt + rest) return undefined;
  const token = Buffer.from(bytes.subarray(tokenAt, restAt)).toString('hex');
  const code = codeText(bytes[1 + extra]!);
  return { frame: { code, token, ...decodeRest(bytes.subarray(restAt, restAt + rest)) }, length: restAt + rest };
}

function codeByte(code: string): number {
  const [whole, detail] = code.split('.').map(Number) as [number, number];
  return (whole << 5) | detail;
}

function codeText(byte: number): string {
  return `${byte >> 5}.${String(byte & 0x1f).padStart(2, '0')}`;
}

function encodeRest(options: readonly WireOption[], payload: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
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

function decodeRest(bytes: Uint8Array): Pick<WireMessage, 'options' | 'payload'> {
  const options: WireOption[] = [];
  let at = 0;
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
      const payload = bytes.slice(at);
      assert.ok(payload.length > 0, 'a payload after the marker');
      return { options, payload };
    }
    number += extended(head >> 4);
    const length = extended(head & 0x0f);
    assert.ok(at + length <= bytes.length, 'an option within the message');
    options.push({ number, value: bytes.slice(at, (at += length)) });
  }
  return { options, payload: new Uint8Array() };
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
