// Known answers: what every provider must give before it is trusted (an OpenSSL without CCM, a broken JIT, a bad port).

import { equalBytes, fromHex, toHex, utf8Encode } from '../../bytes/index.ts';
import type { AeadName } from './aead.ts';
import type { CbcName } from './cbc.ts';
import type { HashName } from './hash.ts';
import type { NamedGroup } from './key-agreement.ts';
import { GROUP_ANSWERS, SIGNATURE_ANSWERS, keyAgreementFault, signatureFault } from './known-answers-public-key.ts';
import { type CryptoProvider, CryptoUnsupportedError, PRIMITIVES, type Primitive } from './provider.ts';
import type { SignatureScheme } from './signatures.ts';

/** A primitive gave something else than its specification says. Nothing secret is involved. */
export class CryptoProviderError extends Error {
  override readonly name = 'CryptoProviderError';
  readonly code = 'EPROVIDER';
  /** The provider's own name. */
  readonly provider: string;
  readonly primitive: Primitive;

  constructor(provider: string, primitive: Primitive, detail: string, cause?: unknown) {
    super(
      `crypto provider '${provider}' fails its known answers: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.provider = provider;
    this.primitive = primitive;
  }
}

interface CbcAnswer {
  readonly key: string;
  readonly ciphertext: string;
}

interface HashAnswer {
  readonly source: string;
  readonly name: HashName;
  readonly message: Uint8Array;
  readonly digest: string;
}

interface HmacAnswer {
  readonly source: string;
  readonly name: HashName;
  readonly key: string;
  readonly message: Uint8Array;
  readonly mac: string;
}

interface AeadAnswer {
  readonly source: string;
  readonly key: string;
  readonly nonce: string;
  readonly additionalData: string;
  readonly plaintext: string;
  readonly sealed: string;
}

const HASH_ANSWERS: readonly HashAnswer[] = [
  {
    source: 'FIPS 180-2 appendix B.1',
    name: 'sha256',
    message: utf8Encode('abc'),
    digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  {
    source: 'FIPS 180-2 appendix B.2',
    name: 'sha256',
    message: utf8Encode('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    digest: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  },
  {
    source: 'FIPS 180-2 appendix D.1',
    name: 'sha384',
    message: utf8Encode('abc'),
    digest: 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed' + '8086072ba1e7cc2358baeca134c825a7',
  },
  {
    source: 'FIPS 180-2 appendix C.1',
    name: 'sha512',
    message: utf8Encode('abc'),
    digest:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  },
];

const HMAC_ANSWERS: readonly HmacAnswer[] = [
  {
    source: 'RFC 4231 §4.3',
    name: 'sha256',
    key: '4a656665',
    message: utf8Encode('what do ya want for nothing?'),
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    source: 'RFC 4231 §4.7 (a key longer than the block)',
    name: 'sha256',
    key: 'aa'.repeat(131),
    message: utf8Encode('Test Using Larger Than Block-Size Key - Hash Key First'),
    mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    source: 'RFC 4231 §4.3',
    name: 'sha384',
    key: '4a656665',
    message: utf8Encode('what do ya want for nothing?'),
    mac: 'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e' + '8e2240ca5e69e2c78b3239ecfab21649',
  },
  {
    source: 'RFC 4231 §4.3',
    name: 'sha512',
    key: '4a656665',
    message: utf8Encode('what do ya want for nothing?'),
    mac:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
      '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  },
];

// RFC 3610's own packet vectors have 13-byte nonces (L = 2), which TLS does not use.
const AEAD_ANSWERS: Readonly<Record<AeadName, AeadAnswer>> = {
  'aes-128-ccm-8': {
    source: 'NIST SP 800-38C appendix C.3',
    key: '404142434445464748494a4b4c4d4e4f',
    nonce: '101112131415161718191a1b',
    additionalData: '000102030405060708090a0b0c0d0e0f10111213',
    plaintext: '202122232425262728292a2b2c2d2e2f3031323334353637',
    sealed: 'e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5' + '484392fbc1b09951',
  },
  'aes-128-ccm': {
    source: 'Wycheproof aes_ccm_test tcId 13',
    key: 'd97c9b043bdccfd59491a995e78f1696',
    nonce: 'ef423240358830df915506a3',
    additionalData: '3ddba7b3ab69c8b2',
    plaintext: 'f047594a5cffda64303a80b2fa6a957169',
    sealed: 'e0caf2a9d50f70ecaa43b4a287c3b34a99' + 'cff4c61882b413b686ff35b63a3a73de',
  },
  'aes-256-ccm-8': {
    source: 'Wycheproof aes_ccm_test tcId 457',
    key: 'b967091c98bb64922430833d1b553326b8e91b6ef7141971cc8e8cc5f6ef6170',
    nonce: 'a5dd076d8a9dc3d7ec43d04f',
    additionalData: '',
    plaintext: 'c8a331b554e6c7b0783c53fee6f1618e',
    sealed: '99b5c22225e5325f9aa9599a34deec59' + 'e9c93619d33d268d',
  },
  'aes-256-ccm': {
    source: 'Wycheproof aes_ccm_test tcId 169',
    key: 'f60c6a1b625725f76c7037b48fe3577fa7f7b87b1bd5a982176d182306ffb870',
    nonce: 'f0384fb876121410633d993d',
    additionalData: '9aaf299eeea78f79',
    plaintext: '63858ca3e2ce69887b578a3c167b421c9c',
    sealed: 'f05e290bbbc61927fa65760648dcca88b0' + 'b721be96a6b95c0931fb243dd1287c70',
  },
  'aes-128-gcm': {
    source: 'The Galois/Counter Mode of Operation (McGrew, Viega), test case 4',
    key: 'feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    additionalData: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext:
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
      '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    sealed:
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e' +
      '21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091' +
      '5bc94fbc3221a5db94fae95ae7121a47',
  },
  'aes-256-gcm': {
    source: 'The Galois/Counter Mode of Operation (McGrew, Viega), test case 16',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    additionalData: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext:
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
      '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
      '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  },
  'chacha20-poly1305': {
    source: 'RFC 8439 §2.8.2',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    additionalData: '50515253c0c1c2c3c4c5c6c7',
    plaintext: toHex(
      utf8Encode(
        "Ladies and Gentlemen of the class of '99: " +
          'If I could offer you only one tip for the future, sunscreen would be it.',
      ),
    ),
    sealed:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
      '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
      '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
      '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
  },
};

// The first two blocks of each.
const CBC_SOURCE = 'NIST SP 800-38A appendix F.2';
const CBC_IV = '000102030405060708090a0b0c0d0e0f';
const CBC_PLAINTEXT = '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51';
const CBC_ANSWERS: Readonly<Record<CbcName, CbcAnswer>> = {
  'aes-128-cbc': {
    key: '2b7e151628aed2a6abf7158809cf4f3c',
    ciphertext: '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2',
  },
  'aes-256-cbc': {
    key: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    ciphertext: 'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d',
  },
};

const verified = new WeakMap<CryptoProvider, Set<Primitive>>();

/**
 * Runs the known answers of the primitives named, each once per provider; later calls return at once. A backend names
 * those of the suites it is configured for, so that what nobody uses costs no start-up time.
 * @param primitives default: all that the provider has
 * @throws CryptoProviderError naming the first primitive that fails
 * @throws CryptoUnsupportedError for one that the provider has not
 */
export function verifyProvider(provider: CryptoProvider, primitives?: Iterable<Primitive>): void {
  let good = verified.get(provider);
  if (good === undefined) verified.set(provider, (good = new Set()));
  for (const primitive of primitives ?? PRIMITIVES.filter((each) => provider.primitives.has(each))) {
    if (good.has(primitive)) continue;
    if (!provider.primitives.has(primitive)) throw new CryptoUnsupportedError(provider.name, primitive);
    verifyPrimitive(provider, primitive);
    good.add(primitive);
  }
}

function verifyPrimitive(provider: CryptoProvider, primitive: Primitive): void {
  if (primitive === 'hash') {
    for (const answer of HASH_ANSWERS) judge(provider, primitive, answer.source, () => hashFault(provider, answer));
  } else if (primitive === 'hmac') {
    for (const answer of HMAC_ANSWERS) judge(provider, primitive, answer.source, () => hmacFault(provider, answer));
  } else if (primitive in AEAD_ANSWERS) {
    const name = primitive as AeadName;
    const answer = AEAD_ANSWERS[name];
    judge(provider, name, answer.source, () => aeadFault(provider, name, answer));
  } else if (primitive in CBC_ANSWERS) {
    const name = primitive as CbcName;
    judge(provider, name, CBC_SOURCE, () => cbcFault(provider, name, CBC_ANSWERS[name]));
  } else if (primitive in GROUP_ANSWERS) {
    const group = primitive as NamedGroup;
    const answer = GROUP_ANSWERS[group];
    judge(provider, group, answer.source, () => keyAgreementFault(provider, group, answer));
  } else {
    const scheme = primitive as SignatureScheme;
    const answer = SIGNATURE_ANSWERS[scheme];
    judge(provider, scheme, answer.source, () => signatureFault(provider, scheme, answer));
  }
}

/** @param fault gives what went wrong, or undefined */
function judge(provider: CryptoProvider, primitive: Primitive, source: string, fault: () => string | undefined): void {
  let found: string | undefined;
  try {
    found = fault();
  } catch (cause) {
    throw new CryptoProviderError(provider.name, primitive, `${primitive}, ${source}: threw`, cause);
  }
  if (found !== undefined) {
    throw new CryptoProviderError(provider.name, primitive, `${primitive}, ${source}: ${found}`);
  }
}

function hashFault(provider: CryptoProvider, { name, message, digest }: HashAnswer): string | undefined {
  const expected = fromHex(digest);
  if (!equalBytes(provider.hash(name, message), expected)) return `${name} digest differs`;
  const running = provider.createHash(name);
  running.update(message.subarray(0, 2));
  running.digest();
  running.update(message.subarray(2));
  return equalBytes(running.digest(), expected) ? undefined : `${name} digest in pieces differs`;
}

function hmacFault(provider: CryptoProvider, { name, key, message, mac }: HmacAnswer): string | undefined {
  const expected = fromHex(mac);
  if (!equalBytes(provider.hmac(name, fromHex(key), message.subarray(0, 3), message.subarray(3)), expected)) {
    return `HMAC ${name} differs`;
  }
  const keyed = provider.hmacKey(name, fromHex(key));
  const twice = [keyed.mac(message), keyed.mac(message.subarray(0, 3), message.subarray(3))];
  keyed.destroy();
  return twice.every((each) => equalBytes(each, expected)) ? undefined : `HMAC ${name} with a kept key differs`;
}

function aeadFault(provider: CryptoProvider, name: AeadName, answer: AeadAnswer): string | undefined {
  const [nonce, additionalData] = [fromHex(answer.nonce), fromHex(answer.additionalData)];
  const [plaintext, sealed] = [fromHex(answer.plaintext), fromHex(answer.sealed)];
  const aead = provider.aead(name, fromHex(answer.key));
  try {
    if (!equalBytes(aead.seal(nonce, additionalData, plaintext), sealed)) return 'sealed bytes differ';
    const opened = aead.open(nonce, additionalData, sealed);
    if (opened === undefined || !equalBytes(opened, plaintext)) return 'opened bytes differ';
    for (const at of [0, sealed.length - 1]) {
      const forged = sealed.slice();
      forged[at]! ^= 0x01;
      if (aead.open(nonce, additionalData, forged) !== undefined) return 'a forgery was accepted';
    }
    if (aead.open(fromHex(answer.nonce).fill(0), additionalData, sealed) !== undefined)
      return 'a wrong nonce was accepted';
    const empty = aead.seal(nonce, additionalData, new Uint8Array(0));
    const nothing = aead.open(nonce, additionalData, empty);
    return nothing?.length === 0 ? undefined : 'an empty plaintext does not survive';
  } finally {
    aead.destroy();
  }
}

function cbcFault(provider: CryptoProvider, name: CbcName, answer: CbcAnswer): string | undefined {
  const [iv, plaintext, ciphertext] = [fromHex(CBC_IV), fromHex(CBC_PLAINTEXT), fromHex(answer.ciphertext)];
  const cbc = provider.cbc(name, fromHex(answer.key));
  try {
    if (!equalBytes(cbc.encrypt(iv, plaintext), ciphertext)) return 'encrypted bytes differ';
    const decrypted = cbc.decrypt(iv, ciphertext);
    if (decrypted === undefined || !equalBytes(decrypted, plaintext)) return 'decrypted bytes differ';
    return cbc.decrypt(iv, ciphertext.subarray(1)) === undefined ? undefined : 'part of a block was accepted';
  } finally {
    cbc.destroy();
  }
}
