// Options and payload to bytes and back (RFC 7252 §3.1): the part of a message that is the same over every transport.

import { DecodeError } from '../bytes/index.ts';
import { type CoapOption, NO_BYTES } from './message.ts';

const PAYLOAD_MARKER = 0xff;
const ONE_BYTE_BASE = 13; // RFC 7252 §3.1: nibble 13 announces one byte, less 13
const TWO_BYTE_BASE = 269; // RFC 7252 §3.1: nibble 14 announces two bytes, less 269
const MAX_OPTION_NUMBER = 0xffff;
const MAX_OPTION_LENGTH = 0xffff + TWO_BYTE_BASE;

/** Reads options and payload into a message; they are views. @throws DecodeError naming the field */
export function decodeBody(
  bytes: Uint8Array,
  start: number,
  into: { options: readonly CoapOption[]; payload: Uint8Array },
): void {
  const end = bytes.length;
  const options: CoapOption[] = [];
  let at = start;
  let number = 0;
  while (at < end) {
    const head = bytes[at]!;
    if (head === PAYLOAD_MARKER) {
      if (at + 1 === end) throw new DecodeError('payload', 'at least 1 byte after the marker', '0 bytes', at);
      into.payload = bytes.subarray(at + 1);
      break;
    }
    const optionAt = at++;
    let delta = head >> 4;
    let length = head & 0x0f;
    if (delta >= ONE_BYTE_BASE) {
      const size = extensionSize(delta, end - at, 'option delta', optionAt);
      delta = size === 1 ? bytes[at]! + ONE_BYTE_BASE : ((bytes[at]! << 8) | bytes[at + 1]!) + TWO_BYTE_BASE;
      at += size;
    }
    if (length >= ONE_BYTE_BASE) {
      const size = extensionSize(length, end - at, 'option length', optionAt);
      length = size === 1 ? bytes[at]! + ONE_BYTE_BASE : ((bytes[at]! << 8) | bytes[at + 1]!) + TWO_BYTE_BASE;
      at += size;
    }
    number += delta;
    if (number > MAX_OPTION_NUMBER) throw new DecodeError('option number', 'at most 65535', `${number}`, optionAt);
    if (length > end - at) throw new DecodeError(`option ${number} value`, `${length} bytes`, `${end - at} bytes`, at);
    options.push({ number, value: length === 0 ? NO_BYTES : bytes.subarray(at, at + length) });
    at += length;
  }
  into.options = options;
}

function extensionSize(nibble: number, left: number, field: string, offset: number): number {
  if (nibble === 0x0f) throw new DecodeError(field, '0 to 14', '15', offset);
  const size = nibble - ONE_BYTE_BASE + 1;
  if (left < size) throw new DecodeError(`${field} extended`, `${size} bytes`, `${left} bytes`, offset);
  return size;
}

/** In order of number, as they are written. */
export function sortedOptions(options: readonly CoapOption[]): readonly CoapOption[] {
  for (let i = 1; i < options.length; i++) {
    if (options[i]!.number < options[i - 1]!.number) return options.toSorted((a, b) => a.number - b.number);
  }
  return options;
}

/** Bytes of sorted options and payload. @throws RangeError if an option does not fit */
export function bodyLength(options: readonly CoapOption[], payload: Uint8Array): number {
  return optionsLength(options) + (payload.length === 0 ? 0 : 1 + payload.length);
}

function optionsLength(options: readonly CoapOption[]): number {
  let total = 0;
  let previous = 0;
  for (let i = 0; i < options.length; i++) {
    const { number, value } = options[i]!;
    if (!(number >= 0 && number <= MAX_OPTION_NUMBER)) throw new RangeError(`option number ${number} is not 16 bits`);
    if (value.length > MAX_OPTION_LENGTH)
      throw new RangeError(`option ${number} has ${value.length} bytes, at most 65804 fit`);
    total += 1 + extendedBytes(number - previous) + extendedBytes(value.length) + value.length;
    previous = number;
  }
  return total;
}

function extendedBytes(value: number): number {
  return value < ONE_BYTE_BASE ? 0 : value < TWO_BYTE_BASE ? 1 : 2;
}

/** Writes sorted options and payload from `start`. */
export function encodeBody(
  options: readonly CoapOption[],
  payload: Uint8Array,
  bytes: Uint8Array,
  start: number,
): void {
  const at = encodeOptions(options, bytes, start);
  if (payload.length === 0) return;
  bytes[at] = PAYLOAD_MARKER;
  copyInto(payload, bytes, at + 1);
}

function encodeOptions(options: readonly CoapOption[], bytes: Uint8Array, start: number): number {
  let at = start;
  let previous = 0;
  for (let i = 0; i < options.length; i++) {
    const { number, value } = options[i]!;
    const delta = number - previous;
    const { length } = value;
    previous = number;
    bytes[at++] = (nibble(delta) << 4) | nibble(length);
    if (delta >= ONE_BYTE_BASE) at = encodeExtension(delta, bytes, at);
    if (length >= ONE_BYTE_BASE) at = encodeExtension(length, bytes, at);
    copyInto(value, bytes, at);
    at += length;
  }
  return at;
}

function nibble(value: number): number {
  return value < ONE_BYTE_BASE ? value : value < TWO_BYTE_BASE ? 13 : 14;
}

function encodeExtension(value: number, bytes: Uint8Array, at: number): number {
  if (value < TWO_BYTE_BASE) {
    bytes[at] = value - ONE_BYTE_BASE;
    return at + 1;
  }
  bytes[at] = (value - TWO_BYTE_BASE) >> 8;
  bytes[at + 1] = value - TWO_BYTE_BASE;
  return at + 2;
}

// A loop beats the call into `set` for the few bytes that options and tokens have.
export function copyInto(from: Uint8Array, to: Uint8Array, at: number): void {
  if (from.length > 24) to.set(from, at);
  else for (let i = 0; i < from.length; i++) to[at + i] = from[i]!;
}

// Beyond 64 bytes an array of its own costs more than all the encoding; views of one slab do not.
const SLAB_BYTES = 4_096;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

export function allocate(length: number): Uint8Array {
  if (length > SLAB_BYTES / 8) return new Uint8Array(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}
