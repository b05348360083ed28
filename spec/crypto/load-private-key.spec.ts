import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { concatBytes, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type Engine,
  type LoadOptions,
  SecurityInfoError,
  type SecurityInfoErrorCode,
  type SignatureScheme,
  checkKeyMatches,
  loadPrivateKey,
  loadRawPublicKeys,
  nodeProvider,
  privateKeyEmpty,
  privateKeyFromBuffer,
  privateKeyFromEngine,
  privateKeyFromFile,
  rawPublicKeyFromArray,
  rawPublicKeyFromBuffer,
  rawPublicKeyFromEngine,
} from '../../lib/crypto/index.ts';
import { isKnownKey } from '../../lib/crypto/load-raw-public-keys.ts';
import { derElement, derSequence, derUnsigned } from '../../lib/crypto/der-write.ts';
import { nodeKeyDecryption } from '../../lib/crypto/node/index.ts';
import { parsePem } from '../../lib/crypto/pem.ts';
import { parseCertificate } from '../../lib/crypto/x509.ts';
import { KEY_NAMES, certificateDer, keyPassword, keyPem } from './fixtures/fixtures.ts';

const MESSAGE = utf8Encode('to be signed');
const OPTIONS: LoadOptions = { provider: nodeProvider, keyDecryption: nodeKeyDecryption };
const fixture = (name: string) => privateKeyFromBuffer(keyPem(name), keyPassword(name));
const spki = (name: string): Uint8Array => parsePem(keyPem(name))[0]!.bytes;

function refused(load: () => unknown, code: SecurityInfoErrorCode, message: RegExp): void {
  assert.throws(load, (error) => {
    assert.ok(error instanceof SecurityInfoError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** A WebCrypto key that cannot be extracted: what a hardware token or a key management service looks like from here. */
async function webCryptoEngine(): Promise<Engine & { readonly spki: Uint8Array }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { privateKey, publicKey } = await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const exported = new Uint8Array(await webcrypto.subtle.exportKey('spki', publicKey));
  await assert.rejects(webcrypto.subtle.exportKey('pkcs8', privateKey), /not extractable/);
  const key = {
    publicKey: exported,
    async sign(_scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
      const hashing = { name: 'ECDSA', hash: 'SHA-256' };
      const raw = new Uint8Array(await webcrypto.subtle.sign(hashing, privateKey, message));
      return derSequence(derUnsigned(raw.subarray(0, 32)), derUnsigned(raw.subarray(32)));
    },
  };
  return { spki: exported, privateKey: (query) => (query === 'webcrypto:1' ? key : undefined) };
}

describe('private keys from security infos', () => {
  for (const name of ['p256 sec1', 'p384 pkcs8', 'ed25519 pkcs8', 'rsa pkcs1', 'p256 encrypted sha256 aes256']) {
    it(`sign what their public key verifies: ${name}`, async () => {
      const key = loadPrivateKey(fixture(name), OPTIONS)!;
      assert.equal(toHex(key.publicKey), toHex(spki(`${name.split(' ')[0]} public`)));
      assert.ok(key.schemes.length > 0);
      for (const scheme of key.schemes) {
        const signature = await key.sign(scheme, MESSAGE);
        assert.ok(nodeProvider.verify(scheme, key.publicKey, MESSAGE, signature), scheme);
      }
      key.close();
      assert.throws(() => key.sign(key.schemes[0]!, MESSAGE), /destroyed/);
    });
  }

  it('stay in their engine, which may sign later', async () => {
    const engine = await webCryptoEngine();
    const key = loadPrivateKey(privateKeyFromEngine('webcrypto:1'), { engine })!;
    assert.deepEqual(key.algorithm, { name: 'ec-p256' });
    assert.deepEqual(key.schemes, ['ecdsa_secp256r1_sha256'], 'what only TLS 1.2 has, an engine names or has not');
    const signature = key.sign('ecdsa_secp256r1_sha256', MESSAGE);
    assert.ok(signature instanceof Promise);
    assert.ok(nodeProvider.verify('ecdsa_secp256r1_sha256', engine.spki, MESSAGE, await signature));
    assert.throws(() => key.sign('ed25519', MESSAGE), RangeError);
    key.close();
    assert.throws(() => key.sign('ecdsa_secp256r1_sha256', MESSAGE), /closed/);
    const [raw] = loadRawPublicKeys(rawPublicKeyFromEngine('webcrypto:1'), { engine });
    assert.deepEqual(raw!.spki, engine.spki);
    refused(() => loadPrivateKey(privateKeyFromEngine('x'), { engine }), 'ENODATA', /the engine has no such key/);
    refused(() => loadPrivateKey(privateKeyFromEngine('x')), 'ENOTSUP', /expected an engine, found none/);
    const exchange = { privateKey: () => ({ publicKey: xOnly(), sign: () => MESSAGE }) };
    refused(
      () => loadPrivateKey(privateKeyFromEngine('x'), { engine: exchange }),
      'EINVAL',
      /expected a key for ECDSA/,
    );
  });

  it('say where and why they cannot be loaded', () => {
    assert.equal(loadPrivateKey(privateKeyEmpty()), undefined);
    refused(() => loadPrivateKey(fixture('p256 sec1')), 'ENOTSUP', /expected a crypto provider/);
    refused(() => loadPrivateKey(fixture('x25519 pkcs8'), OPTIONS), 'EINVAL', /x25519 key, which cannot sign/);
    refused(
      () => loadPrivateKey(privateKeyFromBuffer(keyPem('p256 encrypted scrypt'), 'x'), OPTIONS),
      'ENOTSUP',
      /-topk8/,
    );
    refused(
      () => loadPrivateKey(privateKeyFromBuffer(keyPem('p256 traditional des3')), OPTIONS),
      'ENODATA',
      /password/,
    );
    refused(
      () => loadPrivateKey(privateKeyFromBuffer(keyPem('p256 traditional des3'), 'no'), OPTIONS),
      'EINVAL',
      /wrong password/,
    );
    const limited = { ...OPTIONS, maxIterations: 10 };
    refused(() => loadPrivateKey(fixture('p256 encrypted sha256 aes256'), limited), 'E2BIG', /at most 10 iterations/);
    refused(() => loadPrivateKey(privateKeyFromFile('k'), OPTIONS), 'ENOTSUP', /expected a file source/);
  });

  it('must have the public key they say they have', () => {
    const der = parsePem(keyPem('p256 sec1'))[0]!.bytes;
    const publicKey = loadPrivateKey(fixture('p256 sec1 with parameters'), OPTIONS)!.publicKey.subarray(-65);
    der.set(publicKey, der.length - 65);
    refused(
      () => loadPrivateKey(privateKeyFromBuffer(der), OPTIONS),
      'EINVAL',
      /belongs to the private, found another/,
    );
  });

  it('must belong to the certificate', () => {
    const info = fixture('server certificate key');
    const key = loadPrivateKey(info, OPTIONS)!;
    checkKeyMatches(parseCertificate(certificateDer('server')), key, info);
    refused(() => checkKeyMatches(parseCertificate(certificateDer('client')), key, info), 'EINVAL', /found another/);
  });

  it('show nothing when printed', () => {
    const key = loadPrivateKey(fixture('p256 sec1'), OPTIONS)!;
    const scalar = toHex(parsePem(keyPem('p256 sec1'))[0]!.bytes.subarray(7, 39));
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
    assert.ok(!shown.includes(scalar) && !toHex(utf8Encode(shown)).includes(scalar));
  });

  it('give a key or a SecurityInfoError for any file', () => {
    const one = fc.constantFrom(...KEY_NAMES.filter((name) => !name.includes('encrypted')));
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(one, fc.array(change, { maxLength: 2 }), (name, changes) => {
        const bytes = keyPem(name);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          loadPrivateKey(privateKeyFromBuffer(bytes, keyPassword(name)), OPTIONS)?.close();
        } catch (error) {
          assert.ok(error instanceof SecurityInfoError, `${error}`);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('raw public keys from security infos', () => {
  it('are DER or PEM, one or several, and compared exactly', () => {
    const both = rawPublicKeyFromArray([
      rawPublicKeyFromBuffer(spki('p256 public')),
      rawPublicKeyFromBuffer(concatBytes(keyPem('ed25519 public'), keyPem('rsa public'))),
    ]);
    const keys = loadRawPublicKeys(both);
    assert.deepEqual(
      keys.map(({ algorithm }) => algorithm.name),
      ['ec-p256', 'ed25519', 'rsa'],
    );
    assert.equal(isKnownKey(spki('ed25519 public'), keys), true);
    assert.equal(isKnownKey(spki('p384 public'), keys), false);
    assert.equal(isKnownKey(spki('p256 public').subarray(1), keys), false);
  });

  it('are refused where nothing could be verified with them', () => {
    refused(
      () => loadRawPublicKeys(rawPublicKeyFromBuffer(xOnly())),
      'EINVAL',
      /^rawPublicKey from buffer: .*found another/,
    );
    refused(() => loadRawPublicKeys(rawPublicKeyFromBuffer(keyPem('p256 sec1'))), 'EINVAL', /a block PUBLIC KEY/);
    const compressed = spki('p256 public').slice();
    compressed[compressed.length - 65] = 2;
    refused(() => loadRawPublicKeys(rawPublicKeyFromBuffer(compressed)), 'EINVAL', /an uncompressed point/);
  });

  it('give keys or a SecurityInfoError for any bytes', () => {
    const some = fc.oneof(fc.uint8Array({ maxLength: 60 }), changed(spki('p256 public')), changed(spki('rsa public')));
    fc.assert(
      fc.property(some, (bytes) => {
        try {
          loadRawPublicKeys(rawPublicKeyFromBuffer(bytes));
        } catch (error) {
          assert.ok(error instanceof SecurityInfoError, `${error}`);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** A SubjectPublicKeyInfo for X25519 (RFC 8410 §4). */
function xOnly(): Uint8Array {
  const identifier = derSequence(Uint8Array.of(6, 3, 0x2b, 0x65, 0x6e));
  return derSequence(identifier, derElement(3, new Uint8Array(33)));
}

const changed = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => bytes.with(at, byte));
