// The file `--capture` records a session to, keys included; made only where the flag is given.

import { CaptureFile, PrivateFileError } from '../net/node/index.ts';
import type { CliIo } from './io.ts';
import type { Clock } from '../runtime/index.ts';
import { wrongFlag } from './cli-error.ts';

/** Says what the flag does in every command that has it. */
export const CAPTURE_HELP =
  'record the datagrams to this pcapng file (mode 0600) with the TLS secrets in it: whoever reads it can decrypt all';

/** A recording that fails is told once, and the session goes on. @throws CliError naming the flag */
export function openCapture(file: string, clock: Clock, io: CliIo): CaptureFile {
  try {
    return new CaptureFile(file, { clock, onError: ({ message }) => io.error(`warning: --capture: ${message}`) });
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error;
    throw wrongFlag('--capture', error.message, '--capture session.pcapng');
  }
}
