// JSON (RFC 8259) as SenML uses it: an array of flat objects. Numbers stay text, so that 64-bit integers stay exact,
// and a name given twice in an object is an error: JSON.parse can do neither on Node 20.

import { DecodeError } from '../bytes/index.ts';

/** A number as it was written. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/** A member of a record; arrays and objects are read past and stand as null. */
export type JsonScalar = string | boolean | null | JsonNumber;
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

/** @throws DecodeError naming the record and member that are malformed */
export function readJsonRecords(text: string, limits: JsonLimits): readonly JsonRecord[] {
  const scanner = new Scanner(text);
  const records: JsonRecord[] = [];
  scanner.expect('[', 'SenML pack');
  if (!scanner.accept(']')) {
    do {
      if (records.length === limits.maxRecords)
        throw scanner.error('SenML pack', `at most ${limits.maxRecords} records`);
      records.push(readRecord(scanner, `record ${records.length}`, limits));
    } while (scanner.accept(','));
    scanner.expect(']', 'SenML pack');
  }
  scanner.end('SenML pack');
  return records;
}

function readRecord(scanner: Scanner, field: string, limits: JsonLimits): JsonRecord {
  const members = new Map<string, JsonScalar>();
  scanner.expect('{', field);
  if (scanner.accept('}')) return members;
  do {
    const name = scanner.string(`${field}: name`);
    const member = `${field}: ${JSON.stringify(name.slice(0, 16))}`;
    if (members.has(name)) throw scanner.error(member, 'it once');
    if (members.size === limits.maxMembers) throw scanner.error(field, `at most ${limits.maxMembers} members`);
    scanner.expect(':', member);
    members.set(name, readValue(scanner, member, limits.maxDepth));
  } while (scanner.accept(','));
  scanner.expect('}', field);
  return members;
}

function readValue(scanner: Scanner, field: string, depth: number): JsonScalar {
  if (scanner.next === '"') return scanner.string(field);
  if (scanner.next === '[' || scanner.next === '{') {
    skipNested(scanner, field, depth);
    return null;
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
