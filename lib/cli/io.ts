// What a command takes from the process: streams, environment variables, signals. Specs hand in their own.

import { createInterface } from 'node:readline';

/** The world as a command sees it. */
export interface CliIo {
  /** One line of output. */
  out(line: string): void;
  /** One line for people: problems, progress, the log. */
  error(line: string): void;
  /** The first line of standard input. */
  readLine(): Promise<string>;
  /** The lines of standard input, as they come, until `signal` aborts. */
  lines(signal: AbortSignal): AsyncIterable<string>;
  readonly environmentVariables: Readonly<Record<string, string | undefined>>;
  /** Calls `interrupted` for each SIGINT or SIGTERM. @returns takes it back */
  onInterrupt(interrupted: () => void): () => void;
}

/** The process itself. */
export const processIo: CliIo = {
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
  readLine,
  lines: (signal) => createInterface({ input: process.stdin, terminal: false, signal }),
  environmentVariables: process.env,
  onInterrupt(interrupted) {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    for (const signal of signals) process.on(signal, interrupted);
    return () => {
      for (const signal of signals) process.off(signal, interrupted);
    };
  },
};

const LONGEST_LINE = 65_536; // characters; keys are at most 128

async function readLine(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > LONGEST_LINE) break;
  }
  return text.split('\n', 1)[0] ?? '';
}
