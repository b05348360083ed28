// The process as a command sees it, made of arrays.

import type { CliIo } from '../../lib/cli/io.ts';

/** Collects lines, and interrupts when told. */
export class FakeIo implements CliIo {
  readonly outLines: string[] = [];
  readonly errorLines: string[] = [];
  environmentVariables: Record<string, string | undefined> = {};
  input = '';
  readonly #typed: string[] = [];
  #awaited: () => void = () => undefined;
  readonly #interrupted = new Set<() => void>();
  readonly #waiting: { readonly pattern: RegExp; readonly resolve: (line: string) => void }[] = [];

  out(line: string): void {
    this.outLines.push(line);
    for (const waiter of [...this.#waiting]) {
      if (!waiter.pattern.test(line)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(line);
    }
  }

  error(line: string): void {
    this.errorLines.push(line);
  }

  async readLine(): Promise<string> {
    return this.input;
  }

  /** Whatever `type` is given, from now on. */
  async *lines(signal: AbortSignal): AsyncGenerator<string> {
    signal.addEventListener('abort', () => this.#awaited());
    while (!signal.aborted) {
      const line = this.#typed.shift();
      if (line !== undefined) yield line;
      else await new Promise<void>((resolve) => (this.#awaited = resolve));
    }
  }

  /** A line of standard input. */
  type(line: string): void {
    this.#typed.push(line);
    this.#awaited();
  }

  onInterrupt(interrupted: () => void): () => void {
    this.#interrupted.add(interrupted);
    return () => void this.#interrupted.delete(interrupted);
  }

  interrupt(): void {
    for (const interrupted of [...this.#interrupted]) interrupted();
  }

  /** The next line of output that matches; one that is there already counts. */
  line(pattern: RegExp): Promise<string> {
    const found = this.outLines.find((line) => pattern.test(line));
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }

  get everything(): string {
    return [...this.outLines, ...this.errorLines].join('\n');
  }
}
