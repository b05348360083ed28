// Values of resources as a person reads them.

import { type Value, isObjectLink } from '../model/index.ts';
import { toHex } from '../bytes/index.ts';

/** Strings are quoted, opaque is hex, times are ISO 8601, links are object:instance. */
export function formatValue(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (value instanceof Date) return value.toISOString();
  if (isObjectLink(value)) return `${value.object}:${value.instance}`;
  return String(value);
}
