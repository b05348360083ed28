// What is wrong with an object definition, and where.

const LONGEST_PROBLEM = 300; // characters: the parser quotes what it found, and that may be a whole document

/** A definition that cannot be used. Names the file and line. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly code = 'EDEFINITION';
  /** As `loadObjectDefinitions` was told. */
  readonly source: string;
  /** From 1 on; undefined if it is about the file as a whole. */
  readonly line: number | undefined;

  constructor(source: string, line: number | undefined, problem: string, options?: ErrorOptions) {
    super(`${source}${line === undefined ? '' : `:${line}`}: ${problem.slice(0, LONGEST_PROBLEM)}`, options);
    this.source = source;
    this.line = line;
  }
}
