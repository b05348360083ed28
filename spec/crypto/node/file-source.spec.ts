import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadPskKey, pskKeyFromFile } from '../../../lib/crypto/index.ts';
import { nodeFileSource } from '../../../lib/crypto/node/index.ts';

describe('nodeFileSource', () => {
  let baseDirectory: string;
  before(() => {
    baseDirectory = mkdtempSync(path.join(tmpdir(), 'file-source-'));
    for (const size of [0, 1, 4096, 4097, 4098, 20_000]) {
      writeFileSync(path.join(baseDirectory, `${size}`), new Uint8Array(size).fill(size & 0x7f));
    }
    writeFileSync(path.join(baseDirectory, 'key'), '000102030405060708090a0b0c0d0e0f\n', { mode: 0o600 });
    mkdirSync(path.join(baseDirectory, 'sub'));
  });
  after(() => rmSync(baseDirectory, { recursive: true }));

  it('reads files of every size up to its limit, and no further', () => {
    const files = nodeFileSource({ baseDirectory, maxFileSize: 20_000 });
    for (const size of [0, 1, 4096, 4097, 4098, 20_000]) {
      const bytes = files.read(`${size}`);
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
      assert.deepEqual(bytes, new Uint8Array(size).fill(size & 0x7f));
    }
    const less = nodeFileSource({ baseDirectory, maxFileSize: 4096 });
    assert.equal(less.read('4096').length, 4096);
    assert.throws(() => less.read('4097'), /at most 4096 bytes/);
    assert.throws(() => nodeFileSource({ baseDirectory, maxFileSize: 0 }).read('1'), /at most 0 bytes/);
  });

  it('passes on why a file cannot be read', () => {
    const files = nodeFileSource({ baseDirectory });
    assert.throws(() => files.read('nowhere'), { code: 'ENOENT' });
    assert.throws(() => files.read('sub'), { code: 'EISDIR' });
    assert.throws(() => files.list('nowhere'), { code: 'ENOENT' });
  });

  it('lists the regular files of a directory in order, up to its limit', () => {
    const listed = nodeFileSource({ baseDirectory }).list('.');
    assert.deepEqual(listed, ['0', '1', '20000', '4096', '4097', '4098', 'key']);
    const less = nodeFileSource({ baseDirectory, maxDirectoryEntries: 7 });
    assert.throws(() => less.list('.'), /at most 7 directory entries, found 8/);
  });

  it('serves the loaders', () => {
    const secret = loadPskKey(pskKeyFromFile('key'), { files: nodeFileSource({ baseDirectory }) });
    assert.deepEqual(
      secret?.bytes,
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
  });
});
