// Every applicable vector of Project Wycheproof for the primitives in use, against each provider.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { concatBytes, equalSecrets, fromHex, toHex } from '../../lib/bytes/index.ts';
import {
  AEAD_NAMES,
  AEAD_PARAMETERS,
  type AeadName,
  type CryptoProvider,
  type HashName,
  defaultProvider,
  nobleProvider,
  nodeProvider,
} from '../../lib/crypto/index.ts';

interface AeadTest {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface HmacTest {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface Vectors<Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly keySize: number;
    readonly ivSize?: number;
    readonly tagSize: number;
    readonly tests: readonly Test[];
  }[];
}

const directory = vectorDirectory();
const providers = [nobleProvider, nodeProvider, defaultProvider()];

/** Beside the repository, whether this runs from the sources or from the compiled output. */
function vectorDirectory(): string | undefined {
  for (let at = path.dirname(fileURLToPath(import.meta.url)); at !== path.dirname(at); at = path.dirname(at)) {
    if (!existsSync(path.join(at, 'package.json'))) continue;
    const candidate = path.resolve(at, '../shared/wycheproof');
    return existsSync(candidate) ? candidate : undefined;
  }
  return undefined;
}

function vectors<Test>(file: string): Vectors<Test> {
  assert.ok(directory !== undefined);
  return JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as Vectors<Test>;
}

function checkAead(provider: CryptoProvider, name: AeadName, test: AeadTest): void {
  const label = `${name} tcId ${test.tcId} ${test.comment}`;
  const aead = provider.aead(name, fromHex(test.key));
  const [nonce, aad, plaintext] = [fromHex(test.iv), fromHex(test.aad), fromHex(test.msg)];
  const sealed = fromHex(test.ct + test.tag);
  const opened = aead.open(nonce, aad, sealed);
  if (test.result === 'valid') {
    assert.equal(toHex(aead.seal(nonce, aad, plaintext)), toHex(sealed), label);
    assert.ok(opened !== undefined, label);
    assert.equal(toHex(opened), test.msg, label);
  } else {
    assert.equal(opened, undefined, label);
    assert.notEqual(toHex(aead.seal(nonce, aad, plaintext)), toHex(sealed), label);
  }
}

function aeadSpecs(file: string, mode: 'ccm' | 'gcm'): void {
  for (const provider of providers) {
    it(`${file} with ${provider.name}`, () => {
      let ran = 0;
      const { testGroups, numberOfTests } = vectors<AeadTest>(file);
      for (const group of testGroups) {
        const name = AEAD_NAMES.find((each) => {
          const { keyLength, tagLength, mode: itsMode } = AEAD_PARAMETERS[each];
          return itsMode === mode && 8 * keyLength === group.keySize && 8 * tagLength === group.tagSize;
        });
        if (name === undefined || group.ivSize !== 96) continue;
        for (const test of group.tests) checkAead(provider, name, test);
        ran += group.tests.length;
      }
      console.log(
        `    ${file} ${provider.name}: ${ran} ran, ${numberOfTests - ran} not applicable (key, nonce or tag size)`,
      );
      assert.ok(ran > 0, 'some vectors apply');
    });
  }
}

function checkHmac(provider: CryptoProvider, name: HashName, tagLength: number, test: HmacTest): void {
  const [key, message] = [fromHex(test.key), fromHex(test.msg)];
  const keyed = provider.hmacKey(name, key);
  for (const mac of [provider.hmac(name, key, message), keyed.mac(message), keyed.mac(concatBytes(), message)]) {
    const matches = equalSecrets(mac.subarray(0, tagLength), fromHex(test.tag));
    assert.equal(matches, test.result === 'valid', `${name} tcId ${test.tcId} ${test.comment}`);
  }
}

function hmacSpecs(file: string, name: HashName): void {
  for (const provider of providers) {
    it(`${file} with ${provider.name}`, () => {
      let ran = 0;
      const { testGroups, numberOfTests } = vectors<HmacTest>(file);
      for (const group of testGroups) {
        for (const test of group.tests) checkHmac(provider, name, group.tagSize / 8, test);
        ran += group.tests.length;
      }
      console.log(`    ${file} ${provider.name}: ${ran} ran, ${numberOfTests - ran} not applicable`);
      assert.equal(ran, numberOfTests);
    });
  }
}

describe('wycheproof', () => {
  if (directory === undefined) {
    it('is not there', () => console.log('    not run: wycheproof (not there)'));
    return;
  }
  aeadSpecs('aes_ccm_test.json', 'ccm');
  aeadSpecs('aes_gcm_test.json', 'gcm');
  hmacSpecs('hmac_sha256_test.json', 'sha256');
  hmacSpecs('hmac_sha384_test.json', 'sha384');
});
