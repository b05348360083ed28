#!/usr/bin/env node
// The entry of `lwm2m`. A second signal ends at once.

import { processIo } from './io.ts';
import { runCli } from './program.ts';

let signals = 0;
processIo.onInterrupt(() => {
  if (++signals > 1) process.exit(130);
});
// A reader that has had enough (`| head`) is no error of ours.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1));
process.exitCode = await runCli(process.argv.slice(2), processIo);
process.exit();
