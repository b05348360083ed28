// Paths name what operations work on: /Object/Instance/Resource/ResourceInstance, each part an id (LwM2M Core §7.2).

import { DecodeError } from '../bytes/index.ts';

/** The largest id an object, instance or resource may have: 65535 is reserved (LwM2M Core §7.2). */
export const MAX_ID = 65_534;

const SLASH = 0x2f;

/** An immutable path of 0 (the root) to 4 ids. */
export class Path {
  static readonly root: Path = new Path([]);
  readonly ids: readonly number[];
  #text: string | undefined;

  private constructor(ids: readonly number[]) {
    this.ids = ids;
  }

  /** @throws RangeError if there are more than four ids or one is out of range */
  static of(...ids: readonly number[]): Path {
    if (ids.length > 4) throw new RangeError(`a path has at most 4 ids, not ${ids.length}`);
    for (const id of ids) {
      if (!isId(id)) throw new RangeError(`an id is 0 to ${MAX_ID}, not ${id}`);
    }
    return ids.length === 0 ? Path.root : new Path([...ids]);
  }

  /** Parses `/3/0/1`, `3/0/1` and `/`. @throws DecodeError naming `field` */
  static parse(text: string, field = 'path'): Path {
    const start = text.startsWith('/') ? 1 : 0;
    if (text.length === start) return Path.root;
    const ids = scanIds(text, start, []);
    if (ids === undefined) return Path.fromSegments(text.slice(start).split('/'), field); // which says what is wrong
    const path = new Path(ids);
    if (start === 1) path.#text = text;
    return path;
  }

  /** From Uri-Path segments. @throws DecodeError naming `field` */
  static fromSegments(segments: readonly string[], field = 'path'): Path {
    if (segments.length > 4) throw new DecodeError(field, 'at most 4 ids', `${segments.length}`);
    const ids = segments.map((segment) => {
      if (!/^(0|[1-9][0-9]{0,4})$/.test(segment) || Number(segment) > MAX_ID) {
        throw new DecodeError(field, `ids from 0 to ${MAX_ID}`, JSON.stringify(segment.slice(0, 32)));
      }
      return Number(segment);
    });
    return ids.length === 0 ? Path.root : new Path(ids);
  }

  get object(): number | undefined {
    return this.ids[0];
  }

  get instance(): number | undefined {
    return this.ids[1];
  }

  get resource(): number | undefined {
    return this.ids[2];
  }

  get resourceInstance(): number | undefined {
    return this.ids[3];
  }

  get level(): 'root' | 'object' | 'instance' | 'resource' | 'resourceInstance' {
    return (['root', 'object', 'instance', 'resource', 'resourceInstance'] as const)[this.ids.length]!;
  }

  /** The path one level below. */
  child(id: number): Path {
    if (this.ids.length === 4) throw new RangeError('a path has at most 4 ids, not 5');
    if (!isId(id)) throw new RangeError(`an id is 0 to ${MAX_ID}, not ${id}`);
    return new Path(extended(this.ids, id));
  }

  /** The path of `6/1` below this one, or undefined if that is none. */
  resolve(text: string): Path | undefined {
    const id = scanId(text);
    if (id !== undefined && this.ids.length < 4) return new Path(extended(this.ids, id));
    const ids = scanIds(text, 0, [...this.ids]);
    return ids && new Path(ids);
  }

  /** The path of the first `length` ids. */
  prefix(length: number): Path {
    if (length >= this.ids.length) return this;
    return length === 0 ? Path.root : new Path(this.ids.slice(0, length));
  }

  /** True for the path itself and everything below it. */
  contains(other: Path): boolean {
    if (other.ids.length < this.ids.length) return false;
    for (let i = 0; i < this.ids.length; i++) if (other.ids[i] !== this.ids[i]) return false;
    return true;
  }

  equals(other: Path): boolean {
    return this.ids.length === other.ids.length && this.contains(other);
  }

  /** `/3/0/1`; the root is `/`. */
  toString(): string {
    return (this.#text ??= joined(this.ids));
  }
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= MAX_ID;
}

function joined(ids: readonly number[]): string {
  let text = '';
  for (const id of ids) text += `/${id}`;
  return text === '' ? '/' : text;
}

/** `ids` and one more: literals of each length take half of the time and memory of spreading. */
function extended(ids: readonly number[], id: number): readonly number[] {
  switch (ids.length) {
    case 0:
      return [id];
    case 1:
      return [ids[0]!, id];
    case 2:
      return [ids[0]!, ids[1]!, id];
    default:
      return [...ids, id];
  }
}

/** The one id that `text` is, or undefined. */
function scanId(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > 5 || (length > 1 && text.charCodeAt(0) === 0x30)) return undefined;
  let id = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    id = id * 10 + digit;
  }
  return id > MAX_ID ? undefined : id;
}

/** `ids`, and those of `3/0/1` from `start` on, or undefined if that is no path. Every record of a SenML pack has one. */
function scanIds(text: string, start: number, ids: number[]): readonly number[] | undefined {
  let id = 0;
  let digits = 0;
  for (let i = start; i <= text.length; i++) {
    const code = i === text.length ? SLASH : text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if ((digits > 0 && id === 0) || ++digits > 5) return undefined;
      id = id * 10 + code - 0x30;
    } else {
      if (code !== SLASH || digits === 0 || id > MAX_ID || ids.length === 4) return undefined;
      ids.push(id);
      id = 0;
      digits = 0;
    }
  }
  return ids;
}
