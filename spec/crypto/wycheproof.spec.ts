// Every applicable vector of Project Wycheproof for the primitives in use, against each provider. What it calls
// `acceptable` is decided here, flag by flag; a vector with a flag nobody decided on fails.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { concatBytes, equalSecrets, fromHex, toHex } from '../../lib/bytes/index.ts';
import {
  AEAD_NAMES,
  AEAD_PARAMETERS,
  type AeadName,
  type CryptoProvider,
  GROUP_PARAMETERS,
  type HashName,
  type NamedGroup,
  type SignatureScheme,
  defaultProvider,
  loadNobleProvider,
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

interface KeyAgreementTest {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly public: string;
  readonly private: string;
  readonly shared: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface SignatureTest {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface Vectors<Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly keySize: number;
    readonly ivSize?: number;
    readonly tagSize: number;
    readonly publicKeyDer?: string;
    readonly tests: readonly Test[];
  }[];
}

const directory = vectorDirectory();
const asymmetric = [await loadNobleProvider(), nodeProvider]; // the default one has node's
const providers = [...asymmetric, defaultProvider()];

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

function aeadSpecs(file: string, mode: 'ccm' | 'gcm' | 'chacha20-poly1305'): void {
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

/** What we do with `acceptable` vectors that have one of these flags; the first that fits decides. */
const POLICY: readonly (readonly [flag: string, verdict: 'valid' | 'invalid', why: string])[] = [
  ['CompressedPoint', 'invalid', 'RFC 8422 §5.4.1: uncompressed points only'],
  ['ZeroSharedSecret', 'invalid', 'RFC 8422 §5.11: an all-zero x25519 secret ends the handshake'],
  ['MissingNull', 'invalid', 'RFC 8017 appendix A.2.4: the hash has NULL parameters'],
  ['Twist', 'valid', 'RFC 7748 §5: every u-coordinate is taken'],
  ['SpecialPublicKey', 'valid', 'RFC 7748 §5'],
  ['SmallPublicKey', 'valid', 'RFC 7748 §5'],
  ['NonCanonicalPublic', 'valid', 'RFC 7748 §5: reduced modulo 2^255 - 19'],
];

function verdictOn({ result, flags, tcId }: KeyAgreementTest | SignatureTest): 'valid' | 'invalid' {
  if (result !== 'acceptable') return result;
  const decided = POLICY.find(([flag]) => flags.includes(flag));
  assert.ok(decided !== undefined, `tcId ${tcId}: no policy for ${flags.join(', ')}`);
  return decided[1];
}

/** The number as so many bytes: the vectors write them as DER integers, with a sign byte or without leading zeros. */
function fixedLength(hex: string, length: number): Uint8Array {
  const digits = hex.replace(/^0+/, '');
  return fromHex(digits.padStart(2 * length, '0'));
}

function checkKeyAgreement(provider: CryptoProvider, group: NamedGroup, test: KeyAgreementTest): void {
  const label = `${group} tcId ${test.tcId} ${test.comment}`;
  const { privateKeyLength } = GROUP_PARAMETERS[group];
  const privateKey = group === 'x25519' ? fromHex(test.private) : fixedLength(test.private, privateKeyLength);
  const share = provider.keyAgreement(group).generate({ bytes: () => privateKey });
  const secret = share.agree(fromHex(test.public));
  share.destroy();
  assert.equal(secret && toHex(secret), verdictOn(test) === 'valid' ? test.shared : undefined, label);
}

function keyAgreementSpecs(file: string, group: NamedGroup): void {
  for (const provider of asymmetric) {
    it(`${file} with ${provider.name}`, () => {
      const { testGroups, numberOfTests } = vectors<KeyAgreementTest>(file);
      const tests = testGroups.flatMap((each) => each.tests);
      for (const test of tests) checkKeyAgreement(provider, group, test);
      report(file, provider, tests, numberOfTests);
    });
  }
}

function signatureSpecs(file: string, scheme: SignatureScheme): void {
  for (const provider of asymmetric) {
    if (!provider.primitives.has(scheme)) {
      it(`${file} with ${provider.name}`, () => console.log(`    ${file} ${provider.name}: not applicable (no RSA)`));
      continue;
    }
    it(`${file} with ${provider.name}`, () => {
      const { testGroups, numberOfTests } = vectors<SignatureTest>(file);
      for (const { publicKeyDer, tests } of testGroups) {
        const spki = fromHex(publicKeyDer!);
        for (const test of tests) {
          const good = provider.verify(scheme, spki, fromHex(test.msg), fromHex(test.sig));
          assert.equal(good, verdictOn(test) === 'valid', `${scheme} tcId ${test.tcId} ${test.comment}`);
        }
      }
      report(
        file,
        provider,
        testGroups.flatMap((each) => each.tests),
        numberOfTests,
      );
    });
  }
}

function report(
  file: string,
  provider: CryptoProvider,
  tests: readonly (KeyAgreementTest | SignatureTest)[],
  numberOfTests: number,
): void {
  const acceptable = tests.filter(({ result }) => result === 'acceptable');
  const refused = acceptable.filter((test) => verdictOn(test) === 'invalid').length;
  const detail = `of ${acceptable.length} acceptable ones ${refused} refused by policy`;
  console.log(`    ${file} ${provider.name}: ${tests.length} ran, ${detail}`);
  assert.equal(tests.length, numberOfTests);
}

describe('wycheproof', () => {
  if (directory === undefined) {
    it('is not there', () => console.log('    not run: wycheproof (not there)'));
    return;
  }
  aeadSpecs('aes_ccm_test.json', 'ccm');
  aeadSpecs('aes_gcm_test.json', 'gcm');
  aeadSpecs('chacha20_poly1305_test.json', 'chacha20-poly1305');
  hmacSpecs('hmac_sha256_test.json', 'sha256');
  hmacSpecs('hmac_sha384_test.json', 'sha384');
  keyAgreementSpecs('x25519_test.json', 'x25519');
  keyAgreementSpecs('ecdh_secp256r1_ecpoint_test.json', 'secp256r1');
  keyAgreementSpecs('ecdh_secp384r1_ecpoint_test.json', 'secp384r1');
  signatureSpecs('ecdsa_secp256r1_sha256_test.json', 'ecdsa_secp256r1_sha256');
  signatureSpecs('ecdsa_secp384r1_sha384_test.json', 'ecdsa_secp384r1_sha384');
  signatureSpecs('ed25519_test.json', 'ed25519');
  signatureSpecs('rsa_pss_2048_sha256_mgf1_32_test.json', 'rsa_pss_rsae_sha256');
  signatureSpecs('rsa_signature_2048_sha256_test.json', 'rsa_pkcs1_sha256');
  it('leaves HKDF for DTLS 1.3', () => {
    for (const file of ['hkdf_sha256_test.json', 'hkdf_sha384_test.json']) {
      console.log(`    ${file}: ${vectors(file).numberOfTests} not applicable (no HKDF before DTLS 1.3)`);
    }
  });
  it('has no other file', () => {
    const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
    assert.equal(files.length, 15, 'every file is named above');
  });
});
