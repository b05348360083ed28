// What is fuzzed.

import { DecodeError } from '../../lib/bytes/index.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Longest input, in bytes. */
  readonly maxBytes: number;
  /** Inputs to begin with: honest ones. */
  seeds(): readonly Uint8Array[];
  /** Pieces worth trying anywhere. */
  readonly dictionary?: readonly Uint8Array[];
  /** Whether this input is cared for. @throws anything: a finding */
  run(input: Uint8Array): void;
}

/** A promise that the code broke. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

export function promise(kept: boolean, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

/** The value, or undefined for bytes that were refused as all parsers refuse them. @throws any other error */
export function orDecodeError<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
