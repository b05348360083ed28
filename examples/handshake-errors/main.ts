// Runs every failure and prints what each side says: `node --import tsx examples/handshake-errors/main.ts`.

import { failures } from './failures.ts';

for (const failure of failures) {
  console.log(`### ${failure.title}\n`);
  for (const line of await failure.run()) console.log(line);
  console.log();
}
