// What package.json and the lock promise: every entry has its source, and `npm ci` finds what it needs on every platform.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '..' : '../..');
const read = <T>(file: string): T => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8')) as T;
const manifest = read<Manifest>('package.json');

/** `./dist/lib/x.js` is made from `lib/x.ts`. */
function sourceOf(target: string): string {
  return path.join(ROOT, target.replace(/^\.\/dist\//, '').replace(/(\.d\.ts|\.js)$/, '.ts'));
}

describe('package', () => {
  it('exports entries that have a source, with types beside the code', () => {
    for (const [name, entry] of Object.entries(manifest.exports)) {
      if (typeof entry === 'string') continue;
      assert.ok(existsSync(sourceOf(entry.default)), `${name} → ${entry.default}`);
      assert.equal(sourceOf(entry.types), sourceOf(entry.default), name);
    }
  });

  it('has a program that says how it is run', () => {
    for (const target of Object.values(manifest.bin)) {
      assert.match(readFileSync(sourceOf(target), 'utf8'), /^#!\/usr\/bin\/env node\n/);
    }
  });

  it('ships everything the code imports from elsewhere', () => {
    const declared = new Set(Object.keys(manifest.dependencies));
    assert.ok(declared.has('@noble/ciphers') && declared.has('commander'));
    assert.match(manifest.dependencies['@noble/ciphers']!, /^\d/, 'pinned: its block functions may change at any time');
  });

  it('locks the optional packages of every platform, so that npm ci works on all of them', () => {
    const { packages } = read<Lock>('package-lock.json');
    for (const [name, { optionalDependencies = {} }] of Object.entries(packages)) {
      for (const [optional, version] of Object.entries(optionalDependencies)) {
        const exact = /^\d/.test(version);
        if (exact)
          assert.ok(`node_modules/${optional}` in packages, `${name} needs ${optional}@${version} in the lock`);
      }
    }
  });

  it('locks no registry address', () => {
    assert.ok(!readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8').includes('"resolved"'));
  });
});
