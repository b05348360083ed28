// The file `--key-log` appends TLS secrets to: a regular file that only its owner can read.

import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import { wrongFlag } from './cli-error.ts';
import type { CliIo } from './io.ts';

export interface KeyLogFile {
  /** Never throws: a full disk is told once, and the device goes on. */
  write(line: string): void;
  close(): void;
}

const EXAMPLE = '--key-log keys.log';
// Not through a symbolic link that somebody else put there, and without waiting for the reader of a pipe.
const FLAGS =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);
const OTHERS = 0o077;

/** Opens or makes it, and takes other users' rights away from one that was there. @throws CliError naming the flag */
export function openKeyLog(file: string, io: CliIo): KeyLogFile {
  const fd = opened(file);
  let failed = false;
  return {
    write(line) {
      try {
        writeSync(fd, `${line}\n`);
      } catch (error) {
        if (!failed) io.error(`warning: --key-log: cannot write ${file} (${codeOf(error)})`);
        failed = true;
      }
    },
    close: () => closeSync(fd),
  };
}

function opened(file: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS, 0o600);
    const status = fstatSync(fd);
    if (!status.isFile())
      throw wrongFlag('--key-log', `expected a regular file, found something else at ${file}`, EXAMPLE);
    if ((status.mode & OTHERS) !== 0) fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    const code = codeOf(error);
    throw code === undefined ? error : wrongFlag('--key-log', `cannot keep secrets in ${file} (${code})`, EXAMPLE);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
