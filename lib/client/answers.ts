// Values as the body of an answer.

import { type Entry, ModelError, type Path } from '../model/index.ts';
import { FormatError, encodeEntries } from '../formats/index.ts';
import type { ObjectSet } from './object-set.ts';

/** In the first of these formats that can carry the values. @throws ModelError notAcceptable if none can */
export function encodeInFirst(
  [first, ...others]: readonly [number, ...number[]],
  path: Path,
  entries: readonly Entry[],
  objects: ObjectSet,
): { readonly contentFormat: number; readonly payload: Uint8Array } {
  try {
    return { contentFormat: first, payload: encodeAcceptable(first, path, entries, objects) };
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined || !(error instanceof ModelError)) throw error;
    return encodeInFirst([next, ...rest], path, entries, objects);
  }
}

/** Encodes for an answer: what the format cannot carry is 4.06, not 4.15. */
export function encodeAcceptable(
  format: number,
  path: Path,
  entries: readonly Entry[],
  objects: ObjectSet,
): Uint8Array {
  try {
    return encodeEntries(format, path, entries, objects.shapeOf);
  } catch (error) {
    if (error instanceof FormatError) throw new ModelError('notAcceptable', error.message);
    throw error;
  }
}
