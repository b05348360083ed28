// Peers as child processes: each in a process group of its own, in a scratch directory, and always ended by its id.

import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEFAULT_WAIT_MS = 30_000;
const running = new Set<PeerProcess>();

process.on('exit', () => {
  for (const peer of running) peer.abandon();
});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

export interface StartOptions {
  /** Added to this process' own environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default: a new directory under the system's temporary one, removed when the peer ends. */
  readonly cwd?: string | undefined;
}

/** A program that runs beside the specs. Its standard input stays open until `endInput` or `stop`. */
export class PeerProcess {
  readonly exited: Promise<number | null>;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #label: string;
  readonly #scratch: string | undefined;
  readonly #waiting = new Set<() => void>();
  #output = '';
  #ended = false;

  constructor(command: string, args: readonly string[], options: StartOptions = {}) {
    this.#scratch = options.cwd === undefined ? mkdtempSync(join(tmpdir(), 'lwm2m-peer-')) : undefined;
    this.directory = options.cwd ?? this.#scratch ?? '';
    this.#label = command;
    this.#child = spawn(command, args, {
      cwd: this.directory,
      detached: true, // its own process group, so that what it starts ends with it
      stdio: 'pipe',
      env: { ...process.env, ...options.env },
    });
    running.add(this);
    const heard = (chunk: Uint8Array): void => {
      this.#output += new TextDecoder().decode(chunk);
      this.#wake();
    };
    this.#child.stdout?.on('data', heard);
    this.#child.stderr?.on('data', heard);
    this.#child.stdin?.on('error', () => undefined); // EPIPE of a peer that has gone; `exited` tells
    this.exited = new Promise((resolve) => {
      const end = (code: number | null): void => {
        if (this.#ended) return;
        this.#ended = true;
        running.delete(this);
        if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
        this.#wake();
        resolve(code);
      };
      this.#child.on('close', end);
      this.#child.on('error', (error) => {
        this.#output += String(error);
        end(null);
      });
    });
  }

  /** Everything it printed so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once the output matches. @throws Error with the output if the peer ends or `limit` (ms) passes before */
  async waitFor(pattern: RegExp, limit = DEFAULT_WAIT_MS): Promise<RegExpExecArray> {
    const deadline = Date.now() + limit;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      const left = deadline - Date.now();
      if (this.#ended || left <= 0) {
        const why = this.#ended ? 'ended' : `printed in ${limit} ms nothing that matches`;
        throw new Error(`${this.#label} ${why} ${pattern}; its output:\n${this.#output}`);
      }
      await this.#change(left);
    }
  }

  writeLine(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends a signal to the peer alone, as a terminal's Ctrl-C would to a lone program. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the whole group at once. */
  kill(): void {
    if (this.#ended || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL'); // the group is gone already
    }
  }

  /** Ends it when nobody can wait any more. */
  abandon(): void {
    this.kill();
    if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    this.kill();
    await this.exited;
  }

  #change(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, limit);
      const waiting = this.#waiting;
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** Starts a peer and waits until its output says that it is ready; if it never is, nothing stays behind. */
export async function startPeer(
  command: string,
  args: readonly string[],
  ready: RegExp,
  limit?: number,
): Promise<PeerProcess> {
  const peer = new PeerProcess(command, args);
  try {
    await peer.waitFor(ready, limit);
  } catch (error) {
    await peer.stop();
    throw error;
  }
  return peer;
}

export interface RunResult {
  /** Null if it was ended by the time limit or could not start. */
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, with nothing more on its standard input than `input`. `limit` is in ms. */
export async function run(
  command: string,
  args: readonly string[],
  options: StartOptions & { readonly limit?: number; readonly input?: string } = {},
): Promise<RunResult> {
  const peer = new PeerProcess(command, args, options);
  if (options.input !== undefined) peer.writeLine(options.input);
  peer.endInput();
  const timer = setTimeout(() => peer.kill(), options.limit ?? DEFAULT_WAIT_MS);
  const code = await peer.exited;
  clearTimeout(timer);
  return { code, output: peer.output };
}

/** A UDP port of 127.0.0.1 that nobody holds now. */
export function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/** A TCP port of 127.0.0.1 that nobody holds now. */
export function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Whether nobody holds a TCP port of 127.0.0.1 now. */
export function isFreeTcpPort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
