// This project's own command line as a process, the way a user runs it.

import { fileURLToPath } from 'node:url';
import { PeerProcess } from './process.ts';

const MAIN = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** `lwm2m device` with these arguments. */
export function startOurDevice(args: readonly string[]): PeerProcess {
  return new PeerProcess(process.execPath, ['--import', 'tsx', MAIN, 'device', ...args], { cwd: ROOT });
}
