// Encrypted PKCS#8: EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2): PBKDF2, then AES-CBC.

import { DecodeError } from '../bytes/index.ts';
import { DER_TAG, type DerReader, derWhole } from './der.ts';
import { type KeyDecryption, KeyDecryptionError } from './key-decryption.ts';
import { OID } from './oids.ts';

export interface DecryptionLimits {
  /** Most PBKDF2 iterations. Default 10,000,000. */
  readonly maxIterations?: number | undefined;
}

/** OWASP advises 600,000 to 1,300,000 (Password Storage, 2023); this is some seconds on one core. */
export const DEFAULT_DECRYPTION_LIMITS = Object.freeze({ maxIterations: 10_000_000 });

const PRFS: Readonly<Record<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'>> = {
  [OID.hmacWithSha1]: 'sha1',
  [OID.hmacWithSha256]: 'sha256',
  [OID.hmacWithSha384]: 'sha384',
  [OID.hmacWithSha512]: 'sha512',
};

const CIPHERS: Readonly<Record<string, number>> = { [OID.aes128Cbc]: 16, [OID.aes256Cbc]: 32 };

const MAX_SALT = 1024; // bytes: OpenSSL writes 8 or 16

interface Pbes2 {
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly keyLength: number;
  readonly iv: Uint8Array;
}

/**
 * The plain PKCS#8 inside, as a new array to be zeroed by the caller.
 * @throws DecodeError if malformed, KeyDecryptionError for a wrong password, an unknown scheme or too many iterations
 */
export function decryptPkcs8(
  der: Uint8Array,
  password: Uint8Array,
  decryption: KeyDecryption,
  limits: DecryptionLimits = {},
): Uint8Array {
  const inside = derWhole(der, DER_TAG.sequence, 'EncryptedPrivateKeyInfo');
  const scheme = readPbes2(inside.sequence('encryptionAlgorithm'));
  const ciphertext = inside.octetString('encryptedData');
  inside.end('EncryptedPrivateKeyInfo');
  const most = limits.maxIterations ?? DEFAULT_DECRYPTION_LIMITS.maxIterations;
  if (scheme.iterations > most) {
    throw new KeyDecryptionError('E2BIG', `PBKDF2: expected at most ${most} iterations, found ${scheme.iterations}`);
  }
  if (ciphertext.length === 0 || ciphertext.length % 16 !== 0) {
    throw new DecodeError('encryptedData', 'whole blocks of 16 bytes', `${ciphertext.length} bytes`);
  }
  const key = decryption.pbkdf2(scheme.hash, password, scheme.salt, scheme.iterations, scheme.keyLength);
  try {
    return decryption.decryptAesCbc(key, scheme.iv, ciphertext) ?? wrongPassword();
  } finally {
    key.fill(0);
  }
}

/** Wrong padding and wrong content look the same from here. */
export function wrongPassword(): never {
  throw new KeyDecryptionError('EINVAL', 'the private key does not open: wrong password, or a damaged file');
}

function readPbes2(algorithm: DerReader): Pbes2 {
  const oid = algorithm.oid('encryptionAlgorithm');
  if (oid !== OID.pbes2) notSupported('encryption scheme PBES2', oid);
  const parameters = algorithm.sequence('PBES2-params');
  algorithm.end('encryptionAlgorithm');
  const derivation = readPbkdf2(parameters.sequence('keyDerivationFunc'));
  const encryption = parameters.sequence('encryptionScheme');
  parameters.end('PBES2-params');
  const cipher = encryption.oid('encryptionScheme');
  const keyLength = CIPHERS[cipher] ?? notSupported('AES-128-CBC or AES-256-CBC', cipher);
  const iv = encryption.octetString('aes-CBC iv');
  encryption.end('encryptionScheme');
  if (iv.length !== 16) throw new DecodeError('aes-CBC iv', '16 bytes', `${iv.length}`);
  if (derivation.keyLength !== undefined && derivation.keyLength !== keyLength) {
    throw new DecodeError('PBKDF2 keyLength', `${keyLength}`, `${derivation.keyLength}`);
  }
  return { ...derivation, keyLength, iv };
}

function readPbkdf2(algorithm: DerReader) {
  const oid = algorithm.oid('keyDerivationFunc');
  if (oid !== OID.pbkdf2) notSupported('key derivation PBKDF2', oid);
  const parameters = algorithm.sequence('PBKDF2-params');
  algorithm.end('keyDerivationFunc');
  const salt = parameters.octetString('PBKDF2 salt');
  if (salt.length > MAX_SALT) throw new DecodeError('PBKDF2 salt', `at most ${MAX_SALT} bytes`, `${salt.length}`);
  const iterations = parameters.number('PBKDF2 iterationCount', 2 ** 32);
  if (iterations === 0) throw new DecodeError('PBKDF2 iterationCount', 'at least 1', '0');
  const keyLength = parameters.peek() === DER_TAG.integer ? parameters.number('PBKDF2 keyLength', 64) : undefined;
  const prf = parameters.enterOptional(DER_TAG.sequence, 'PBKDF2 prf');
  parameters.end('PBKDF2-params');
  return { salt, iterations, keyLength, hash: prf === undefined ? ('sha1' as const) : readPrf(prf) }; // RFC 8018 A.2
}

function readPrf(prf: DerReader): Pbes2['hash'] {
  const oid = prf.oid('PBKDF2 prf');
  const hash = PRFS[oid] ?? notSupported('HMAC with SHA-1, SHA-256, SHA-384 or SHA-512', oid);
  prf.null('PBKDF2 prf parameters');
  prf.end('PBKDF2 prf');
  return hash;
}

function notSupported(expected: string, found: string): never {
  const convert = 'convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem';
  throw new KeyDecryptionError('ENOTSUP', `private key: expected ${expected}, found ${found}; ${convert}`);
}
