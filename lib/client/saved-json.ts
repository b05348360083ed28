// Reading what was saved as JSON, member by member: what is damaged is a DecodeError that names it.

import { DecodeError, utf8Decode } from '../bytes/index.ts';

/** @throws DecodeError unless the bytes are a JSON object */
export function parseSaved(bytes: Uint8Array, field: string): Record<string, unknown> {
  const text = utf8Decode(bytes, field);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DecodeError(field, 'JSON', 'something else');
  }
  return savedRecord(value, field);
}

export function savedRecord(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DecodeError(field, 'an object', Array.isArray(value) ? 'array' : typeof value);
}

export function savedArray(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new DecodeError(field, 'an array', typeof value);
}

export function savedText(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  throw new DecodeError(field, 'text', typeof value);
}

/** `least` and `most` are allowed. */
export function savedInteger(value: unknown, least: number, most: number, field: string): number {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw new DecodeError(field, `an integer from ${least} to ${most}`, typeof value);
}
