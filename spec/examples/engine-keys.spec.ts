// The example of keys that stay outside, with the key that every Node has: one of WebCrypto. PKCS#11 is in spec/interop.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { generateKey, webCryptoEngine } from '../../examples/engine-keys/webcrypto-engine.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join(COMPILED ? 'dist' : '.', 'examples', 'engine-keys');

describe('examples/engine-keys', () => {
  it('registers with a key of WebCrypto, as its README shows', async () => {
    const file = path.join(FOLDER, `main${COMPILED ? '.js' : '.ts'}`);
    const args = [...(COMPILED ? [] : ['--import', 'tsx']), file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    assert.equal(stderr, '');
    const readme = readFileSync(path.join(ROOT, 'examples', 'engine-keys', 'README.md'), 'utf8');
    assert.equal(stdout, /```text\n(.*?)```/s.exec(readme)![1]!);
  });

  it('keeps its key, and knows no other by another name', async () => {
    const { key, publicKey } = await generateKey();
    await assert.rejects(crypto.subtle.exportKey('pkcs8', key), /not extractable/);
    assert.equal(webCryptoEngine('device', key, publicKey).privateKey('another'), undefined);
  });
});
