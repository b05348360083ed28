// Paths the library has accepted: a client meets the same server again and again, and the library takes some ten times
// as long as all else together. What it decides by, dates apart, is in the bytes; dates are ours to check each time.

import { toHex } from '../../bytes/index.ts';
import type { Certificate } from '../x509.ts';

/** As many as are remembered: a client has a handful of servers. Some kilobytes each. */
const MAX_PATHS = 32;

const accepted = new Set<string>();

/** Asks about a path, leaf first, unless the very same bytes were accepted lately. What `ask` throws is not remembered. */
export async function unlessAccepted(path: readonly Certificate[], ask: () => Promise<void>): Promise<void> {
  const key = path.map(({ der }) => toHex(der)).join();
  if (!accepted.has(key)) await ask();
  accepted.delete(key); // to the end again: the first one is the one not met for longest
  accepted.add(key);
  for (const oldest of accepted) {
    if (accepted.size <= MAX_PATHS) return;
    accepted.delete(oldest);
  }
}
