// What is said where koffi or OpenSSL is not there, and that the entry itself loads neither.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { describeOpenSsl } from './available.ts';

const MAIN = pathToFileURL(path.resolve(import.meta.dirname, '../../../lib/index')).href;
const BACKEND = pathToFileURL(path.resolve(import.meta.dirname, '../../../security-backends/openssl/index')).href;
const EXTENSION = path.extname(import.meta.filename);

describeOpenSsl('OpenSSL: the library', () => {
  for (const make of [opensslDtls, opensslTls]) {
    it(`${make.name} names what to install where libcrypto is not there`, () => {
      const libraries = { libssl: 'libssl.so.3', libcrypto: 'libnobody.so.3' };
      assert.throws(
        () => make({ libraries }),
        /ENOTSUP: openssl: libnobody\.so\.3 cannot be loaded: install OpenSSL 3/,
      );
    });

    it(`${make.name} names what is wrong with a library that is another`, () => {
      const libraries = { libssl: 'libssl.so.3', libcrypto: 'libc.so.6' };
      assert.throws(() => make({ libraries }), /ENOTSUP: openssl: libc\.so\.6 has no \w+: OpenSSL 3 is needed/);
    });

    it(`${make.name} says which library it is, and offers no more than that has`, () => {
      const { version, capabilities } = make();
      assert.match(version, /^OpenSSL 3\./);
      assert.equal(capabilities.clock, 'system');
      assert.equal(capabilities.connectionId, false);
      assert.ok(capabilities.ciphersuites.includes(0xc0a8));
      assert.ok(!capabilities.ciphersuites.includes(0xd001), 'a suite that OpenSSL 3.0 has not');
    });
  }

  it('says what to install where koffi is not there, when a backend is made and not before', () => {
    const program = `import { Module } from 'node:module';
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (name !== 'koffi') return resolve(name, ...rest);
        throw Object.assign(new Error('Cannot find module koffi'), { code: 'MODULE_NOT_FOUND' });
      };
      const { opensslDtls, opensslTls } = await import(${JSON.stringify(BACKEND + EXTENSION)});
      for (const make of [opensslDtls, opensslTls]) {
        try { make(); } catch ({ code, message }) { console.log(code, message); }
      }`;
    const loader = EXTENSION === '.ts' ? ['--import', 'tsx'] : [];
    const printed = execFileSync(process.execPath, [...loader, '--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    const line = 'ENOTSUP ENOTSUP: openssl: the package koffi is not here: npm install koffi';
    assert.deepEqual(printed.trim().split('\n'), [line, line]);
  });

  it('the main entry loads neither', () => {
    const program = `await import(${JSON.stringify(MAIN + EXTENSION)});
      const maps = (await import('node:fs')).readFileSync('/proc/self/maps', 'utf8');
      process.exit(/koffi|libssl\\.so/.test(maps) ? 1 : 0);`;
    const loader = EXTENSION === '.ts' ? ['--import', 'tsx'] : [];
    if (process.platform === 'linux') execFileSync(process.execPath, [...loader, '--input-type=module', '-e', program]);
  });
});
