// The private key of a file or buffer: PEM or DER, found out by looking, opened with a password where it is encrypted.

import { DecodeError, fromHex, utf8Encode } from '../bytes/index.ts';
import { type KeyDecryption, KeyDecryptionError } from './key-decryption.ts';
import { type PemBlock, looksLikePem, parsePem } from './pem.ts';
import { type DecryptionLimits, decryptPkcs8, wrongPassword } from './pkcs8-encrypted.ts';
import { type PrivateKey, parsePrivateKey, privateKeyForm } from './private-key.ts';

export interface PrivateKeyFileOptions extends DecryptionLimits {
  readonly password?: string | undefined;
  /** Without it, encrypted keys are ENOTSUP. */
  readonly keyDecryption?: KeyDecryption | undefined;
}

const LABELS: ReadonlySet<string> = new Set([
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'EC PRIVATE KEY',
  'RSA PRIVATE KEY',
]);

const CONVERT = 'convert it with: openssl pkcs8 -topk8 -in old.pem -out new.pem';

/**
 * The one private key in `bytes`. PEM blocks of other kinds (EC PARAMETERS, CERTIFICATE) may stand beside it.
 * @throws DecodeError if malformed, KeyDecryptionError if it does not open
 */
export function readPrivateKeyFile(bytes: Uint8Array, options: PrivateKeyFileOptions = {}): PrivateKey {
  if (!looksLikePem(bytes)) return readDer(bytes, options);
  const blocks = parsePem(bytes);
  try {
    const plain = withoutTraditionalEncryption(onlyKey(blocks), options);
    try {
      return readDer(plain, options);
    } finally {
      plain.fill(0);
    }
  } finally {
    for (const each of blocks) each.bytes.fill(0);
  }
}

function onlyKey(blocks: readonly PemBlock[]): PemBlock {
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new DecodeError('PEM', 'one block with a private key', `${keys.length} of ${blocks.length} blocks`);
  }
  if (LABELS.has(key.label)) return key;
  const detail = `private key: expected PKCS#8, SEC1 or PKCS#1, found '${key.label}'; ${CONVERT}`;
  throw new KeyDecryptionError('ENOTSUP', detail);
}

function readDer(der: Uint8Array, options: PrivateKeyFileOptions): PrivateKey {
  if (privateKeyForm(der) !== 'encryptedPkcs8') return parsePrivateKey(der);
  const { keyDecryption, password } = needed(options);
  const plain = withPassword(password, (bytes) => decryptPkcs8(der, bytes, keyDecryption, options));
  try {
    if (privateKeyForm(plain) !== 'pkcs8') wrongPassword();
    return parsePrivateKey(plain);
  } catch (error) {
    // Random bytes have right padding once in 256 times: then the content is what is malformed.
    if (error instanceof DecodeError && error.field.startsWith('private key')) wrongPassword();
    throw error;
  } finally {
    plain.fill(0);
  }
}

/** RFC 1421 headers as OpenSSL uses them: `Proc-Type: 4,ENCRYPTED` and `DEK-Info: cipher,iv`. A new array. */
function withoutTraditionalEncryption(block: PemBlock, options: PrivateKeyFileOptions): Uint8Array {
  if (block.headers.get('Proc-Type') !== '4,ENCRYPTED') return block.bytes.slice();
  const [cipher = '', iv = ''] = block.headers.get('DEK-Info')?.split(',') ?? [];
  const { keyDecryption, password } = needed(options);
  if (keyDecryption.decryptTraditional === undefined) {
    throw new KeyDecryptionError('ENOTSUP', `private key: traditional encryption is not read; ${CONVERT}`);
  }
  const salt = fromHex(iv, 'DEK-Info');
  if (salt.length < 8) throw new DecodeError('DEK-Info', 'at least 8 bytes', `${salt.length}`);
  const plain = withPassword(password, (bytes) => keyDecryption.decryptTraditional?.(cipher, salt, bytes, block.bytes));
  if (plain !== undefined && isKey(plain)) return plain;
  const detail = `the private key does not open: wrong password, a damaged file, or a cipher we lack; ${CONVERT}`;
  throw new KeyDecryptionError('EINVAL', detail);
}

function isKey(plain: Uint8Array): boolean {
  try {
    return privateKeyForm(plain) !== 'encryptedPkcs8';
  } catch {
    return false;
  }
}

function needed({ keyDecryption, password }: PrivateKeyFileOptions) {
  if (password === undefined)
    throw new KeyDecryptionError('ENODATA', 'the private key is encrypted: expected a password');
  if (keyDecryption === undefined) {
    const detail = `the private key is encrypted, and there is nothing to decrypt it (option keyDecryption); ${CONVERT}`;
    throw new KeyDecryptionError('ENOTSUP', detail);
  }
  return { keyDecryption, password };
}

function withPassword<T>(password: string, use: (bytes: Uint8Array) => T): T {
  const bytes = utf8Encode(password);
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
