// CoRE link format (RFC 6690): the payload of Register and Discover.

import { DecodeError } from '../bytes/index.ts';

export interface CoreLink {
  /** The path or URI between `<` and `>`. */
  readonly target: string;
  /** In order. Strings are quoted on the wire, numbers are not; `true` is an attribute without value. */
  readonly attributes: Readonly<Record<string, string | number | true>>;
}

/** Bounds of what one payload may hold. */
export interface LinkLimits {
  readonly maxLinks: number;
  readonly maxAttributes: number;
}

// RFC 6690 names no bounds: these are far above a device with every object of the registry.
const DEFAULT_LIMITS: LinkLimits = Object.freeze({ maxLinks: 10_000, maxAttributes: 64 });

const NAME = /[!#$&+\-.^_`|~0-9A-Za-z]+\*?/y; // RFC 5987 §3.2.1 parmname, as RFC 6690 §2 refers to
const TOKEN = /[!#$%&'()*+\-./:<=>?@[\]^_`{|}~0-9A-Za-z]+/y; // ptoken, RFC 6690 §2
const SPACE = /[ \t\r\n]*/y; // LwM2M's own examples put spaces after commas
const UNQUOTED = new Set(['ver']); // LwM2M Core §6.4: object versions are written as ver=1.1, and are no number (1.10)

const NO_ATTRIBUTES: CoreLink['attributes'] = Object.freeze({}); // most links have none

/** `</3/0>;pmin=10,</3/0/1>`. @throws RangeError naming the attribute or target that the format cannot carry */
export function encodeLinks(links: readonly CoreLink[]): string {
  return links.map(encodeLink).join(',');
}

function encodeLink({ target, attributes }: CoreLink): string {
  if (/[<>\s]/.test(target)) throw new RangeError('a link target has no spaces, < or >');
  const parts = Object.entries(attributes).map(([name, value]) => {
    if (match(NAME, name, 0) !== name) throw new RangeError(`${JSON.stringify(name)} is no attribute name`);
    if (value === true) return name;
    if (typeof value === 'number') return `${name}=${checkedNumber(name, value)}`;
    return UNQUOTED.has(name) && value !== '' && match(TOKEN, value, 0) === value
      ? `${name}=${value}`
      : `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
  });
  return [`<${target}>`, ...parts].join(';');
}

function checkedNumber(name: string, value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`attribute ${name}: expected a finite number, found ${value}`);
  return String(value);
}

/** Unquoted decimal values become numbers, except versions. @throws DecodeError */
export function decodeLinks(text: string, limits: LinkLimits = DEFAULT_LIMITS): readonly CoreLink[] {
  const scanner = new Scanner(text);
  const links: CoreLink[] = [];
  scanner.skipSpace();
  if (scanner.atEnd) return links;
  do {
    if (links.length === limits.maxLinks) throw new DecodeError('links', `at most ${limits.maxLinks}`, 'more');
    links.push(readLink(scanner, limits));
  } while (scanner.accept(','));
  if (!scanner.atEnd) throw scanner.error('link', ', or ; or the end');
  return links;
}

function readLink(scanner: Scanner, limits: LinkLimits): CoreLink {
  scanner.skipSpace();
  const target = scanner.between('<', '>', 'link target');
  const attributes = new Map<string, string | number | true>();
  scanner.skipSpace();
  while (scanner.accept(';')) {
    scanner.skipSpace();
    const name = scanner.token(NAME, 'link attribute name');
    if (attributes.has(name)) throw scanner.error(`link attribute ${name}`, 'it once');
    if (attributes.size === limits.maxAttributes) {
      throw scanner.error('link attributes', `at most ${limits.maxAttributes}`);
    }
    attributes.set(name, scanner.accept('=') ? readValue(scanner, name) : true);
    scanner.skipSpace();
  }
  return { target, attributes: attributes.size === 0 ? NO_ATTRIBUTES : Object.fromEntries(attributes) };
}

function readValue(scanner: Scanner, name: string): string | number {
  if (scanner.next === '"') return scanner.quoted(`link attribute ${name}`);
  const token = scanner.token(TOKEN, `link attribute ${name}`);
  const number = /^-?\d+(\.\d+)?$/.test(token) && !UNQUOTED.has(name) ? Number(token) : Number.NaN;
  return Number.isFinite(number) ? number : token;
}

/** The match of a sticky `pattern` at `at`, or the empty string. */
function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get next(): string | undefined {
    return this.#text[this.#at];
  }

  accept(character: string): boolean {
    if (this.next !== character) return false;
    this.#at++;
    return true;
  }

  skipSpace(): void {
    this.#at += match(SPACE, this.#text, this.#at).length;
  }

  token(pattern: RegExp, field: string): string {
    const found = match(pattern, this.#text, this.#at);
    if (found === '') throw this.error(field, 'a token');
    this.#at += found.length;
    return found;
  }

  between(open: string, close: string, field: string): string {
    if (!this.accept(open)) throw this.error(field, open);
    const end = this.#text.indexOf(close, this.#at);
    if (end < 0) throw this.error(field, `${close} at its end`);
    const found = this.#text.slice(this.#at, end);
    if (/[<\s]/.test(found)) throw this.error(field, 'no spaces and no <');
    this.#at = end + 1;
    return found;
  }

  quoted(field: string): string {
    let text = '';
    this.#at++;
    while (!this.accept('"')) {
      if (this.accept('\\') && this.atEnd) throw this.error(field, 'a character after \\');
      if (this.atEnd) throw this.error(field, '" at its end');
      text += this.#text[this.#at++];
    }
    return text;
  }

  error(field: string, expected: string): DecodeError {
    return new DecodeError(field, expected, this.atEnd ? 'the end' : JSON.stringify(this.next), this.#at);
  }
}
