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

const [SPACE, QUOTE, BACKSLASH, FIRST_SURROGATE] = [0x20, 0x22, 0x5c, 0xd800];

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
const LITERALS = Object.entries({ true: true, false: false, null: null });

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
  const head = readMembers(scanner, what, limits, (name) => {
    if (name !== arrayName) return readValue(scanner, what, name, limits.maxDepth);
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
    records.push(readMembers(scanner, field, limits, (name) => readValue(scanner, field, name, limits.maxDepth)));
  } while (scanner.accept(','));
  scanner.expect(']', what);
  return records;
}

function readMembers(
  scanner: Scanner,
  field: string,
  limits: JsonLimits,
  read: (name: string) => JsonScalar,
): JsonRecord {
  const members = new Map<string, JsonScalar>();
  scanner.expect('{', field);
  if (scanner.accept('}')) return members;
  do {
    const name = scanner.string(field, 'name');
    if (members.has(name)) throw scanner.error(memberOf(field, name), 'it once');
    if (members.size === limits.maxMembers) throw scanner.error(field, `at most ${limits.maxMembers} members`);
    if (!scanner.accept(':')) throw scanner.error(memberOf(field, name), ':');
    members.set(name, read(name));
  } while (scanner.accept(','));
  scanner.expect('}', field);
  return members;
}

/** `where` is the record. @throws DecodeError unless the member is a string or absent */
export function jsonString(record: JsonRecord, label: string, where: string): string | undefined {
  const member = record.get(label);
  if (member === undefined || typeof member === 'string') return member;
  throw new DecodeError(`${where}: ${label}`, 'a string', kindOf(member));
}

/** `where` is the record. @throws DecodeError unless the member is a boolean or absent */
export function jsonBoolean(record: JsonRecord, label: string, where: string): boolean | undefined {
  const member = record.get(label);
  if (member === undefined || typeof member === 'boolean') return member;
  throw new DecodeError(`${where}: ${label}`, 'true or false', kindOf(member));
}

/** Exact if it is an integer of at most 64 bits. @throws DecodeError unless the member is a number or absent */
export function jsonNumber(record: JsonRecord, label: string, where: string): number | bigint | undefined {
  const member = record.get(label);
  if (member === undefined) return undefined;
  if (!(member instanceof JsonNumber)) throw new DecodeError(`${where}: ${label}`, 'a number', kindOf(member));
  return fromDecimal(member.literal, `${where}: ${label}`);
}

function kindOf(member: JsonScalar): string {
  if (member instanceof JsonNumber) return 'a number';
  if (member === NESTED) return 'an array or an object';
  return member === null ? 'null' : `a ${typeof member}`;
}

function memberOf(field: string, name: string): string {
  return `${field}: ${JSON.stringify(name.slice(0, 16))}`;
}

function readValue(scanner: Scanner, field: string, name: string, depth: number): JsonScalar {
  switch (scanner.next) {
    case '"':
      return scanner.string(field, name);
    case '[':
    case '{':
      skipNested(scanner, memberOf(field, name), depth);
      return NESTED;
    case 't':
    case 'f':
    case 'n':
      for (const [word, value] of LITERALS) if (scanner.word(word)) return value;
  }
  return new JsonNumber(scanner.number(field, name));
}

function skipNested(scanner: Scanner, field: string, depth: number): void {
  if (depth === 0) throw scanner.error(field, 'less depth');
  const object = scanner.accept('{');
  if (!object) scanner.expect('[', field);
  const close = object ? '}' : ']';
  if (scanner.accept(close)) return;
  do {
    if (object) {
      scanner.string(field, 'name');
      scanner.expect(':', field);
    }
    if (scanner.next === '[' || scanner.next === '{') skipNested(scanner, field, depth - 1);
    else readValue(scanner, field, 'value', depth);
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

  number(field: string, name: string): string {
    NUMBER.lastIndex = this.#at;
    const literal = NUMBER.exec(this.#text)?.[0];
    if (literal === undefined) throw this.error(memberOf(field, name), 'a JSON value');
    this.#at += literal.length;
    this.#skipSpace();
    return literal;
  }

  string(field: string, name: string): string {
    const start = this.#at;
    if (this.next !== '"') throw this.error(name === 'name' ? `${field}: name` : memberOf(field, name), 'a string');
    let end = start + 1;
    let plain = true;
    for (let code = this.#text.charCodeAt(end); end < this.#text.length && code !== QUOTE;) {
      if (code === BACKSLASH) end++;
      if (code === BACKSLASH || code < SPACE || code >= FIRST_SURROGATE) plain = false;
      code = this.#text.charCodeAt(++end);
    }
    const value = plain && end < this.#text.length ? this.#text.slice(start + 1, end) : this.#escaped(start, end + 1);
    if (value === undefined) throw this.error(memberOf(field, name), 'a well-formed string');
    this.#at = end + 1;
    this.#skipSpace();
    return value;
  }

  #escaped(start: number, end: number): string | undefined {
    const value = parseString(this.#text.slice(start, end));
    return value === undefined || /\p{Surrogate}/u.test(value) ? undefined : value;
  }

  end(field: string): void {
    if (this.#at < this.#text.length) throw this.error(field, 'no trailing characters');
  }

  error(field: string, expected: string): DecodeError {
    const found = this.next === undefined ? 'the end' : JSON.stringify(this.next);
    return new DecodeError(field, expected, found, this.#at);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
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
