import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { DecodeError, concatBytes, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import { KeyDecryptionError } from '../../lib/crypto/key-decryption.ts';
import { nodeKeyDecryption } from '../../lib/crypto/node/index.ts';
import { parsePem } from '../../lib/crypto/pem.ts';
import { parsePrivateKey } from '../../lib/crypto/private-key.ts';
import { type PrivateKeyFileOptions, readPrivateKeyFile } from '../../lib/crypto/private-key-file.ts';
import { certificateDer, keyPassword, keyPem, toPem } from './fixtures/fixtures.ts';

const options = (name: string): PrivateKeyFileOptions => ({
  password: keyPassword(name),
  keyDecryption: nodeKeyDecryption,
});
const pemDer = (name: string): Uint8Array => parsePem(keyPem(name)).at(-1)!.bytes;

/** What node:crypto makes of the same file. */
function oracle(name: string): { jwk: unknown; spki: string } {
  const key = createPrivateKey({ key: Buffer.from(keyPem(name)), passphrase: keyPassword(name) });
  return jwkAndSpki(key);
}

function jwkAndSpki(key: ReturnType<typeof createPrivateKey>): { jwk: unknown; spki: string } {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('hex');
  return { jwk: key.export({ format: 'jwk' }), spki };
}

function refused(read: () => unknown, message: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof DecodeError || error instanceof KeyDecryptionError, `${error}`);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('s3cret'));
    return true;
  });
}

const PLAIN = ['p256 pkcs8', 'p256 sec1', 'p256 sec1 with parameters', 'p256 sec1 without public key', 'p384 pkcs8'];
const OTHERS = ['ed25519 pkcs8', 'rsa pkcs8', 'rsa pkcs1'];
const ENCRYPTED = [
  'p256 encrypted sha256 aes256',
  'p256 encrypted sha1 aes128',
  'p256 encrypted sha384 aes256',
  'p256 encrypted sha512 aes128',
  'p256 traditional aes128',
  'p256 traditional des3',
  'rsa traditional aes256',
];

describe('private keys', () => {
  for (const name of [...PLAIN, ...OTHERS, ...ENCRYPTED]) {
    it(`are normalised to PKCS#8: ${name}`, () => {
      const key = readPrivateKeyFile(keyPem(name), options(name));
      const expected = oracle(name);
      const ours = jwkAndSpki(createPrivateKey({ key: Buffer.from(key.pkcs8.bytes), format: 'der', type: 'pkcs8' }));
      assert.deepEqual(ours, expected);
      if (key.statedPublicKey !== undefined) assert.equal(toHex(key.statedPublicKey), expected.spki);
    });
  }

  it('have the same bytes whatever form they came in', () => {
    const normal = toHex(readPrivateKeyFile(keyPem('p256 pkcs8')).pkcs8.bytes);
    for (const name of ['p256 sec1', 'p256 sec1 without public key', ...ENCRYPTED.slice(0, 6)]) {
      assert.equal(toHex(readPrivateKeyFile(keyPem(name), options(name)).pkcs8.bytes), normal, name);
    }
    assert.equal(
      toHex(readPrivateKeyFile(keyPem('rsa pkcs1')).pkcs8.bytes),
      toHex(readPrivateKeyFile(keyPem('rsa pkcs8')).pkcs8.bytes),
    );
  });

  it('come as DER too, and beside certificates', () => {
    for (const name of [...PLAIN, ...OTHERS, 'p256 encrypted sha256 aes256']) {
      const der = readPrivateKeyFile(pemDer(name), options(name)).pkcs8.bytes;
      assert.deepEqual(der, readPrivateKeyFile(keyPem(name), options(name)).pkcs8.bytes);
    }
    const both = concatBytes(utf8Encode(toPem('CERTIFICATE', certificateDer('server'))), keyPem('p256 sec1'));
    assert.deepEqual(readPrivateKeyFile(both).algorithm, { name: 'ec-p256' });
  });

  it('say their algorithm', () => {
    const algorithm = (name: string): unknown => readPrivateKeyFile(keyPem(name)).algorithm;
    assert.deepEqual(algorithm('p384 pkcs8'), { name: 'ec-p384' });
    assert.deepEqual(algorithm('ed25519 pkcs8'), { name: 'ed25519' });
    assert.deepEqual(algorithm('rsa pkcs1'), { name: 'rsa', modulusBits: 2048 });
  });

  it('are refused where they cannot sign or are not ours to read', () => {
    refused(() => readPrivateKeyFile(keyPem('x25519 pkcs8')), /found an x25519 key, which cannot sign/);
    refused(() => readPrivateKeyFile(keyPem('p521 pkcs8')), /expected ECDSA on P-256 or P-384/);
    refused(() => readPrivateKeyFile(keyPem('p256 explicit parameters')), /expected a named curve, found other/);
    refused(() => readPrivateKeyFile(keyPem('p256 public')), /one block with a private key, found 0 of 1 blocks/);
    const two = concatBytes(keyPem('p256 sec1'), keyPem('rsa pkcs1'));
    refused(() => readPrivateKeyFile(two), /one block with a private key, found 2 of 2/);
    refused(
      () => readPrivateKeyFile(utf8Encode(toPem('OPENSSH PRIVATE KEY', new Uint8Array(9)))),
      /openssl pkcs8 -topk8/,
    );
  });

  it('stay shut without the password, and say what is missing', () => {
    for (const name of ENCRYPTED) {
      refused(() => readPrivateKeyFile(keyPem(name)), /is encrypted: expected a password/);
      refused(
        () => readPrivateKeyFile(keyPem(name), { password: 's3cret' }),
        /option keyDecryption.*openssl pkcs8 -topk8/,
      );
      refused(() => readPrivateKeyFile(keyPem(name), { ...options(name), password: 'wrong' }), /wrong password/);
    }
    const less = { ...nodeKeyDecryption, decryptTraditional: undefined };
    const traditional = { password: 's3cret', keyDecryption: less };
    refused(
      () => readPrivateKeyFile(keyPem('p256 traditional des3'), traditional),
      /not read; convert it with: openssl/,
    );
    for (const name of ['p256 encrypted scrypt', 'p256 encrypted des3']) {
      refused(() => readPrivateKeyFile(keyPem(name), options(name)), /convert it with: openssl pkcs8 -topk8 -v2/);
    }
  });

  it('cost no more iterations than allowed', () => {
    const name = 'p256 encrypted sha256 aes256';
    refused(
      () => readPrivateKeyFile(keyPem(name), { ...options(name), maxIterations: 2047 }),
      /PBKDF2: expected at most 2047 iterations, found 2048/,
    );
    readPrivateKeyFile(keyPem(name), { ...options(name), maxIterations: 2048 });
  });

  it('give a key or a DecodeError when bytes are changed', () => {
    const names = fc.constantFrom(...PLAIN, ...OTHERS);
    fc.assert(
      fc.property(names, fc.nat(), fc.nat({ max: 255 }), (name, at, byte) => {
        const der = pemDer(name).slice();
        der[at % der.length] = byte;
        try {
          parsePrivateKey(der).pkcs8.close();
        } catch (error) {
          assert.ok(error instanceof DecodeError, `${error}`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('give a key or an error of ours when encrypted bytes are changed', () => {
    const name = 'p256 encrypted sha1 aes128';
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 255 }), (at, byte) => {
        const der = pemDer(name).slice();
        der[at % der.length] = byte;
        try {
          readPrivateKeyFile(der, { ...options(name), maxIterations: 5000 });
        } catch (error) {
          assert.ok(error instanceof DecodeError || error instanceof KeyDecryptionError, `${error}`);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
