// Packages that benchmarks compare with, kept out of the project's own dependencies.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const PREFIX = path.resolve(import.meta.dirname, '../../.peers/npm');

/** The folder of a package, installed at this version on first use. @throws Error if npm cannot have it */
export function npmPeer(name: string, version: string): string {
  const folder = path.join(PREFIX, 'node_modules', name);
  if (!existsSync(folder)) {
    execFileSync('npm', ['install', '--silent', '--prefix', PREFIX, `${name}@${version}`], { timeout: 60_000 });
  }
  return folder;
}
