// The file `--key-log` appends TLS secrets to: a regular file that only its owner can read.

import { closeSync, writeSync } from 'node:fs';
import { PrivateFileError, nodeErrorCode, openPrivateFile } from '../net/node/index.ts';
import { wrongFlag } from './cli-error.ts';
import type { CliIo } from './io.ts';

export interface KeyLogFile {
  /** Never throws: a full disk is told once, and the device goes on. */
  write(line: string): void;
  close(): void;
}

const EXAMPLE = '--key-log keys.log';

/** Opens or makes it, and takes other users' rights away from one that was there. @throws CliError naming the flag */
export function openKeyLog(file: string, io: CliIo): KeyLogFile {
  const fd = opened(file);
  let failed = false;
  return {
    write(line) {
      try {
        writeSync(fd, `${line}\n`);
      } catch (error) {
        if (!failed) io.error(`warning: --key-log: cannot write ${file} (${nodeErrorCode(error)})`);
        failed = true;
      }
    },
    close: () => closeSync(fd),
  };
}

function opened(file: string): number {
  try {
    return openPrivateFile(file);
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error;
    throw wrongFlag('--key-log', error.message, EXAMPLE);
  }
}
