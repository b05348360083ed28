// JSON (RFC 8259) as SenML and the JSON of LwM2M 1.0 use it: flat objects in an array. Numbers stay text, so that 64-bit integers stay exact,
// and a name given twice in an object is an error: JSON.parse can do neither on Node 20.

import { DecodeError } from '../bytes/index.ts';
import { fromDecimal } from './scalar.ts';

/** A number as it was written. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/** Stands for an array or object inside a record, which is read past. */
export const NESTED: unique symbol = Symbol('array or object');

/** A member of a record. */
export type JsonScalar = string | boolean | null | JsonNumber | typeof NESTED;
export type JsonRecord = ReadonlyMap<string, JsonScalar>;

export interface JsonLimits {
  readonly maxRecords: number;
  /** Members of one record. */
  readonly maxMembers: number;
  /** Levels of arrays and objects inside a member. */
  readonly maxDepth: number;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = { true: true, false: false, null: null } as const;

/** `what` names the array. @throws DecodeError naming the record and member that are malformed */
export function readJsonRecords(text: string, what: string, limits: JsonLimits): readonly JsonRecord[] {
  const scanner = new Scanner(text);
  const records = readRecords(scanner, what, limits);
  scanner.end(what);
  return records;
}

/** An object with the array of records `arrayName` among its members; no records if it is missing. @throws DecodeError */
export function readJsonPack(
  text: string,
  what: string,
  arrayName: string,
  limits: JsonLimits,
): { readonly head: JsonRecord; readonly records: readonly JsonRecord[] } {
  const scanner = new Scanner(text);
  let records: readonly JsonRecord[] = [];
  const head = readMembers(scanner, what, limits, (name, member) => {
    if (name !== arrayName) return readValue(scanner, member, limits.maxDepth);
    records = readRecords(scanner, what, limits);
    return NESTED;
  });
  scanner.end(what);
  return { head, records };
}

function readRecords(scanner: Scanner, what: string, limits: JsonLimits): readonly JsonRecord[] {
  const records: JsonRecord[] = [];
  scanner.expect('[', what);
  if (scanner.accept(']')) return records;
  do {
    if (records.length === limits.maxRecords) throw scanner.error(what, `at most ${limits.maxRecords} records`);
    const field = `record ${records.length}`;
    records.push(readMembers(scanner, field, limits, (_, member) => readValue(scanner, member, limits.maxDepth)));
  } while (scanner.accept(','));
  scanner.expect(']', what);
  return records;
}

function readMembers(
  scanner: Scanner,
  field: string,
  limits: JsonLimits,
  read: (name: string, member: string) => JsonScalar,
): JsonRecord {
  const members = new Map<string, JsonScalar>();
  scanner.expect('{', field);
  if (scanner.accept('}')) return members;
  do {
    const name = scanner.string(`${field}: name`);
    const member = `${field}: ${JSON.stringify(name.slice(0, 16))}`;
    if (members.has(name)) throw scanner.error(member, 'it once');
    if (members.size === limits.maxMembers) throw scanner.error(field, `at most ${limits.maxMembers} members`);
    scanner.expect(':', member);
    members.set(name, read(name, member));
  } while (scanner.accept(','));
  scanner.expect('}', field);
  return members;
}

/** @throws DecodeError unless the member is a string or absent */
export function jsonString(member: JsonScalar | undefined, field: string): string | undefined {
  if (member === undefined || typeof member === 'string') return member;
  throw new DecodeError(field, 'a string', kindOf(member));
}

/** @throws DecodeError unless the member is a boolean or absent */
export function jsonBoolean(member: JsonScalar | undefined, field: string): boolean | undefined {
  if (member === undefined || typeof member === 'boolean') return member;
  throw new DecodeError(field, 'true or false', kindOf(member));
}

/** Exact if it is an integer of at most 64 bits. @throws DecodeError unless the member is a number or absent */
export function jsonNumber(member: JsonScalar | undefined, field: string): number | bigint | undefined {
  if (member === undefined) return undefined;
  if (!(member instanceof JsonNumber)) throw new DecodeError(field, 'a number', kindOf(member));
  return fromDecimal(member.literal, field);
}

function kindOf(member: JsonScalar): string {
  if (member instanceof JsonNumber) return 'a number';
  if (member === NESTED) return 'an array or an object';
  return member === null ? 'null' : `a ${typeof member}`;
}

function readValue(scanner: Scanner, field: string, depth: number): JsonScalar {
  if (scanner.next === '"') return scanner.string(field);
  if (scanner.next === '[' || scanner.next === '{') {
    skipNested(scanner, field, depth);
    return NESTED;
  }
  for (const [word, value] of Object.entries(LITERALS)) if (scanner.word(word)) return value;
  return new JsonNumber(scanner.number(field));
}

function skipNested(scanner: Scanner, field: string, depth: number): void {
  if (depth === 0) throw scanner.error(field, 'less depth');
  const object = scanner.accept('{');
  if (!object) scanner.expect('[', field);
  const close = object ? '}' : ']';
  if (scanner.accept(close)) return;
  do {
    if (object) {
      scanner.string(field);
      scanner.expect(':', field);
    }
    readValue(scanner, field, depth - 1);
  } while (scanner.accept(','));
  scanner.expect(close, field);
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  get next(): string | undefined {
    return this.#text[this.#at];
  }

  accept(character: string): boolean {
    if (this.next !== character) return false;
    this.#at++;
    this.#skipSpace();
    return true;
  }

  expect(character: string, field: string): void {
    if (!this.accept(character)) throw this.error(field, character);
  }

  word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    this.#skipSpace();
    return true;
  }

  number(field: string): string {
    NUMBER.lastIndex = this.#at;
    const literal = NUMBER.exec(this.#text)?.[0];
    if (literal === undefined) throw this.error(field, 'a JSON value');
    this.#at += literal.length;
    this.#skipSpace();
    return literal;
  }

  string(field: string): string {
    const start = this.#at;
    if (this.next !== '"') throw this.error(field, 'a string');
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    const value = parseString(this.#text.slice(start, end + 1));
    if (value === undefined || /\p{Surrogate}/u.test(value)) throw this.error(field, 'a well-formed string');
    this.#at = end + 1;
    this.#skipSpace();
    return value;
  }

  end(field: string): void {
    if (this.#at < this.#text.length) throw this.error(field, 'no trailing characters');
  }

  error(field: string, expected: string): DecodeError {
    const found = this.next === undefined ? 'the end' : JSON.stringify(this.next);
    return new DecodeError(field, expected, found, this.#at);
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && ' \t\n\r'.includes(this.#text[this.#at]!)) this.#at++;
  }
}

/** The string a JSON literal stands for, or undefined if it is not well-formed. */
function parseString(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
