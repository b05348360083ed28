// What is wrong with an object definition, and where.

/** A definition that cannot be used. Names the file and line. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly code = 'EDEFINITION';
  /** As `loadObjectDefinitions` was told. */
  readonly source: string;
  /** From 1 on; undefined if it is about the file as a whole. */
  readonly line: number | undefined;

  constructor(source: string, line: number | undefined, problem: string, options?: ErrorOptions) {
    super(`${source}${line === undefined ? '' : `:${line}`}: ${problem}`, options);
    this.source = source;
    this.line = line;
  }
}
