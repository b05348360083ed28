#!/usr/bin/env node
// The entry of `lwm2m`. A second signal ends at once.

import { processIo } from './io.ts';
import { runCli } from './program.ts';

let signals = 0;
processIo.onInterrupt(() => {
  if (++signals > 1) process.exit(130);
});
process.exitCode = await runCli(process.argv.slice(2), processIo);
process.exit();
