#!/usr/bin/env node
// The entry of `lwm2m`. A signal ends at once where no command has asked to be told of it, a second one always.

import { processIo } from './io.ts';
import { runCli } from './program.ts';

let signals = 0;
processIo.onInterrupt(() => {
  const isHeardElsewhere = process.listenerCount('SIGINT') > 1;
  if (++signals > 1 || !isHeardElsewhere) process.exit(130);
});
// A reader that has had enough (`| head`) is no error of ours.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1));
process.exitCode = await runCli(process.argv.slice(2), processIo);
process.exit();
