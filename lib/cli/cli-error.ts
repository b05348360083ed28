// A mistake on the command line, or an end with a reason: a message for people, and the exit code.

/** Printed as it is, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A wrong flag: names it, says what was expected and found (never a key), and shows a right one. */
export function wrongFlag(flag: string, problem: string, example: string): CliError {
  return new CliError(`${flag}: ${problem}\nExample: ${example}`, 2);
}
