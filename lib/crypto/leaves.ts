// From a nested security info to its leaf sources, with the refusals that keep the union honest.

import type { SecurityInfo, SecurityInfoType } from './security-info.ts';
import { SecurityInfoError, type SecurityInfoPlace, type SecurityInfoSourceKind } from './security-info-error.ts';

/** A security info whose source is no compound, and where it was found. */
export interface SecurityInfoLeaf<T extends SecurityInfoType> extends SecurityInfoPlace {
  readonly info: SecurityInfo<T>;
}

export interface LeavesOptions {
  /** How many compounds may lie within each other. Default 16: deeper than any chain of trust in use. */
  readonly maxDepth?: number | undefined;
  /** How many elements all compounds together may have. Default 10,000: no system's trust store has a tenth of that. */
  readonly maxElements?: number | undefined;
}

export const DEFAULT_LEAVES_OPTIONS = Object.freeze({ maxDepth: 16, maxElements: 10_000 });

const SOURCES: Readonly<Record<SecurityInfoType, readonly SecurityInfoSourceKind[]>> = {
  certificateChain: ['empty', 'file', 'path', 'buffer', 'array', 'list', 'engine'],
  privateKey: ['empty', 'file', 'buffer', 'engine'],
  certificateRevocationList: ['empty', 'file', 'path', 'buffer', 'array', 'list'],
  pskIdentity: ['empty', 'file', 'buffer', 'engine'],
  pskKey: ['empty', 'file', 'buffer', 'engine'],
  rawPublicKey: ['empty', 'file', 'buffer', 'array', 'list', 'engine'],
};

interface Walk<T extends SecurityInfoType> {
  readonly type: T;
  readonly maxDepth: number;
  readonly maxElements: number;
  /** The compounds around the current place, by identity of their elements. */
  readonly around: Set<object>;
  elements: number;
}

/**
 * The leaf sources of `info`, in order. Lists are consumed only as far as the caller goes.
 * @throws SecurityInfoError EINVAL (types differ, no such kind), ENOTSUP (a source its type does not have), ELOOP,
 *   E2BIG, or EIO if a list throws
 */
export function* leaves<T extends SecurityInfoType>(
  info: SecurityInfo<T>,
  options: LeavesOptions = {},
): Generator<SecurityInfoLeaf<T>, void, undefined> {
  yield* walk(info, '', {
    type: info.type,
    maxDepth: options.maxDepth ?? DEFAULT_LEAVES_OPTIONS.maxDepth,
    maxElements: options.maxElements ?? DEFAULT_LEAVES_OPTIONS.maxElements,
    around: new Set(),
    elements: 0,
  });
}

function* walk<T extends SecurityInfoType>(
  info: SecurityInfo<T>,
  prefix: string,
  state: Walk<T>,
): Generator<SecurityInfoLeaf<T>, void, undefined> {
  const { source } = info;
  const place: SecurityInfoPlace = { type: state.type, source: source.kind, position: prefix + source.kind };
  checkPlace(info.type, place, state);
  if (source.kind !== 'array' && source.kind !== 'list') {
    yield { ...place, info };
    return;
  }
  enter(source.elements, place, state);
  let index = 0;
  for (const element of elementsOf(source.elements, place)) {
    if (++state.elements > state.maxElements) {
      throw new SecurityInfoError('E2BIG', place, `expected at most ${state.maxElements} elements, found more`);
    }
    yield* walk(element, `${place.position}[${index++}].`, state);
  }
  state.around.delete(source.elements);
}

function checkPlace(
  type: SecurityInfoType,
  place: SecurityInfoPlace,
  { type: expected }: { type: SecurityInfoType },
): void {
  if (type !== expected) {
    throw new SecurityInfoError('EINVAL', place, `expected elements of type ${expected}, found ${type}`);
  }
  const sources: readonly SecurityInfoSourceKind[] | undefined = SOURCES[type];
  if (sources === undefined) {
    throw new SecurityInfoError('EINVAL', place, `expected one of the types ${Object.keys(SOURCES).join(', ')}`);
  }
  if (sources.includes(place.source)) return;
  const detail = `expected one of the sources ${sources.join(', ')}, found ${place.source}`;
  const known = SOURCES.certificateChain.includes(place.source);
  throw new SecurityInfoError(known ? 'ENOTSUP' : 'EINVAL', place, detail);
}

function enter(elements: object, place: SecurityInfoPlace, state: Walk<SecurityInfoType>): void {
  if (state.around.has(elements)) {
    throw new SecurityInfoError('ELOOP', place, 'expected compounds that end, found one that contains itself');
  }
  if (state.around.size >= state.maxDepth) {
    throw new SecurityInfoError('E2BIG', place, `expected at most ${state.maxDepth} nested compounds, found more`);
  }
  state.around.add(elements);
}

/** The elements, with what the iterable itself throws told apart from what the walk throws. */
function* elementsOf<T>(elements: Iterable<T>, place: SecurityInfoPlace): Generator<T, void, undefined> {
  const iterator = attempt(() => elements[Symbol.iterator](), place);
  let finished = false;
  try {
    for (;;) {
      const next = attempt(
        () => iterator.next(),
        place,
        () => (finished = true),
      );
      finished ||= next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!finished) iterator.return?.();
  }
}

function attempt<R>(read: () => R, place: SecurityInfoPlace, failed?: () => void): R {
  try {
    return read();
  } catch (cause) {
    failed?.();
    throw new SecurityInfoError('EIO', place, 'the elements could not be read', cause);
  }
}
