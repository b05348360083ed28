// Secrets leave the process only where the application asks for it: never because of a variable in the environment.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '..' : '../..');

describe('the key log', () => {
  const sources = ['lib', 'security-backends'].flatMap((top) =>
    readdirSync(path.join(ROOT, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${top}/${name.replaceAll(path.sep, '/')}`),
  );
  const containing = (text: string): string[] =>
    sources.filter((file) => readFileSync(path.join(ROOT, file), 'utf8').includes(text));

  it('is nowhere taken from SSLKEYLOGFILE', () => {
    assert.ok(sources.length > 100, 'the walk found the sources');
    assert.deepEqual(containing('SSLKEYLOGFILE'), []);
  });

  it('nor from the environment by another way: only the command line reads it', () => {
    assert.deepEqual(containing('process.env'), ['lib/cli/io.ts']);
  });
});
