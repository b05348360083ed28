// The registry's Range or Enumeration is free text: what of it is understood becomes bounds, the rest stays text.

import type { Bounds, ResourceDefinition } from '../definition.ts';
import type { ResourceType } from '../value.ts';

/** What a definition says of the values of a resource. */
export type DeclaredRange = Pick<ResourceDefinition, 'range' | 'ranges' | 'oneOf' | 'rangeText'>;

const LONGEST = 1_000; // characters: longer is prose, and not worth the search
const NUMBER = String.raw`[-+]?\d+(?:\.\d+)?`;
const RANGE = new RegExp(String.raw`^(${NUMBER})\s*(?:\.{2,3}|-|to)\s*(${NUMBER})$`);
const SINGLE = new RegExp(`^${NUMBER}$`);
const LABELLED = /^([-+]?\d+)\s*:\s*\D.*$/; // 1: FULL_ON
const BYTES = /^(.*\d)\s*bytes?$/i;
const NUMERIC: ReadonlySet<ResourceType> = new Set(['integer', 'unsignedInteger', 'float']);
const SIZED: ReadonlySet<ResourceType> = new Set(['string', 'opaque', 'coreLink']);

/** Of a resource of type `type`: bounds of a number, of a length in bytes, or words. */
export function parseRange(text: string, type: ResourceType): DeclaredRange {
  if (text === '') return {};
  if (text.length > LONGEST) return { rangeText: text };
  const parts = NUMERIC.has(type) ? numbers(text, type) : SIZED.has(type) ? lengths(text) : undefined;
  if (parts !== undefined) return parts.length === 1 ? { range: parts[0]! } : { ranges: parts };
  const words = type === 'string' ? wordsOf(text) : undefined;
  return words === undefined ? { rangeText: text } : { oneOf: words };
}

/** `0..100`, `-30..-120` (the greater one first is a habit of signal strengths), `0,1,2`, `0; 3.8..20.5`, lines of `1: FULL_ON`. */
function numbers(text: string, type: ResourceType): readonly Bounds[] | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const labels = lines.map((line) => LABELLED.exec(line)?.[1]);
  const parts = labels.every((label) => label !== undefined) ? labels : text.split(/[,;]/);
  // One number alone may be a limit, a width or a default: which, the registry does not say.
  if (parts.length === 1 && !RANGE.test(parts[0]!.trim())) return undefined;
  const bounds = parts.map((part) => boundsOf(part.trim(), type));
  return bounds.every((found) => found !== undefined) ? bounds : undefined;
}

function boundsOf(text: string, type: ResourceType): Bounds | undefined {
  const [, first, second] = RANGE.exec(text) ?? (SINGLE.test(text) ? ['', text, text] : []);
  if (first === undefined || second === undefined) return undefined;
  const [a, b] = [toNumber(first, type), toNumber(second, type)];
  return a <= b ? [a, b] : [b, a];
}

function toNumber(text: string, type: ResourceType): number | bigint {
  const number = Number(text);
  return type !== 'float' && !Number.isSafeInteger(number) && !text.includes('.') ? BigInt(text) : number;
}

/** `0..255`, `0..255 bytes`, `10 or 26 Bytes`; `32 bytes` is a most, as nobody says whether it is exact. */
function lengths(text: string): readonly Bounds[] | undefined {
  const sized = BYTES.exec(text.trim())?.[1];
  const given = sized ?? text.trim();
  const parts = given.split(/\s+or\s+|[,;]/).map((part) => boundsOf(part.trim(), 'integer'));
  if (!parts.every((found): found is Bounds => found !== undefined && found[0] >= 0)) return undefined;
  const [only] = parts;
  if (parts.length > 1 || only === undefined) return sized === undefined ? undefined : parts;
  if (only[0] !== only[1] || RANGE.test(given)) return parts;
  return sized === undefined ? undefined : [[0, only[1]]];
}

/** `ON;OFF`. */
function wordsOf(text: string): readonly string[] | undefined {
  const words = text.split(';').map((word) => word.trim());
  return words.length > 1 && words.every((word) => /^\w+$/.test(word)) ? words : undefined;
}
