// The one error a parser of this project may throw: what was read, what was expected, what was found.

/**
 * Malformed input. Every parser returns a value or throws this, nothing else.
 * Never carries the input itself, so that no secret leaks through an error.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code = 'EDECODE';
  /** What was being read, in the words of the specification, e.g. `cipher_suites length`. */
  readonly field: string;
  /** What a well-formed input would have had there. */
  readonly expected: string;
  /** What was there. */
  readonly found: string;
  /** Byte offset in the input where the field starts, if known. */
  readonly offset: number | undefined;

  constructor(field: string, expected: string, found: string, offset?: number) {
    super(`${field}: expected ${expected}, found ${found}${offset === undefined ? '' : ` at offset ${offset}`}`);
    this.field = field;
    this.expected = expected;
    this.found = found;
    this.offset = offset;
  }
}
