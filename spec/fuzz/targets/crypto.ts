// Certificates, revocation lists, keys and their containers: what comes from peers, files and LwM2M's Security object.

import { concatBytes, equalBytes, utf8Encode } from '../../../lib/bytes/index.ts';
import { parseRevocationList } from '../../../lib/crypto/crl.ts';
import {
  type KeyDecryption,
  SecurityInfoError,
  certificateChainFromBuffer,
  certificateRevocationListFromBuffer,
  loadCertificateChain,
  loadCertificateRevocationLists,
  loadPrivateKey,
  loadRawPublicKeys,
  privateKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import { KeyDecryptionError } from '../../../lib/crypto/key-decryption.ts';
import { parsePem } from '../../../lib/crypto/pem.ts';
import { readPrivateKeyFile } from '../../../lib/crypto/private-key-file.ts';
import { parsePrivateKey } from '../../../lib/crypto/private-key.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { parsePublicKey } from '../../../lib/crypto/public-key.ts';
import { checkHostName } from '../../../lib/crypto/trust/host-name.ts';
import { checkPathPolicy } from '../../../lib/crypto/trust/path-policy.ts';
import { CertificateRefusedError } from '../../../lib/crypto/trust/refusal.ts';
import { nameText } from '../../../lib/crypto/x509-name.ts';
import { type Certificate, parseCertificate } from '../../../lib/crypto/x509.ts';
import {
  CERTIFICATE_NAMES,
  FIXTURE_TIME,
  KEY_NAMES,
  certificateDer,
  keyPem,
  revocationListDer,
  toPem,
} from '../../crypto/fixtures/fixtures.ts';
import { toyProvider } from '../toy-provider.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';

const OIDS = [
  ...['551d13', '551d0f', '551d25', '551d11', '551d1e', '551d20', '551d23', '551d0e', '551d14', '551d15', '551d1c'],
  ...['2a8648ce3d0201', '2a8648ce3d030107', '2b81040022', '2b6570', '2b656e', '2a864886f70d010101', '550403', '550406'],
  ...['2a8648ce3d040302', '2a8648ce3d040303', '2a864886f70d01010b', '2a864886f70d01010a', '2b06010505070301'],
].map((hex) => Uint8Array.from(Buffer.from(`06${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`, 'hex')));
const PIECES = ['0101ff', '0500', '3000', '3003010100', 'a003020102', '170d', '180f', '0c02', '1303', '040530030101ff'];
const DER = [...OIDS, ...PIECES.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))];

const CERTIFICATES = ['root', 'server', 'constrained', 'nc-mixed', 'unknown-critical', 'rsa-server', 'pss-server'];
const SMALL = [...CERTIFICATES, 'ed-server', 'p384-server', 'by-too-deep', 'cn-only', 'p521-root'];
const issuer = parseCertificate(certificateDer('constrained'));

/** Nothing but a refusal, or none. */
function orRefusal(judge: () => void): void {
  try {
    judge();
  } catch (error) {
    if (!(error instanceof CertificateRefusedError)) throw error;
  }
}

function judged(certificate: Certificate): void {
  promise(nameText(certificate.subject).length < 100_000, 'a name can be told');
  for (const host of ['server.example', '192.0.2.1', '2001:db8::1']) {
    orRefusal(() => checkHostName(certificate, host, { dangerMatchCommonName: true }));
  }
  const policy = { purpose: 'serverAuth', time: FIXTURE_TIME } as const;
  orRefusal(() => checkPathPolicy([certificate, issuer], policy));
  orRefusal(() => checkPathPolicy([issuer, certificate], policy));
}

export const x509: FuzzTarget = {
  name: 'x509',
  maxBytes: 2_048,
  dictionary: DER,
  seeds: () => SMALL.filter((name) => CERTIFICATE_NAMES.includes(name)).map(certificateDer),
  run(input) {
    const before = input.slice();
    const certificate = orDecodeError(() => parseCertificate(input));
    promise(equalBytes(before, input), 'parsing leaves its input as it is');
    if (certificate === undefined) return;
    promise(equalBytes(certificate.der, input), 'a certificate is all of its bytes');
    promise(certificate.notBefore === certificate.notBefore, 'notBefore is a time');
    promise(Number.isFinite(certificate.notAfter), 'notAfter is a time');
    judged(certificate);
  },
};

export const crl: FuzzTarget = {
  name: 'crl',
  maxBytes: 2_048,
  dictionary: DER,
  seeds: () => ['inter-crl', 'inter-crl-outdated', 'root-crl', 'root-crl-inter'].map(revocationListDer),
  run(input) {
    const list = orDecodeError(() => parseRevocationList(input));
    if (list === undefined) return;
    promise(Number.isFinite(list.thisUpdate), 'thisUpdate is a time');
    promise([...list.revoked.values()].every(Number.isFinite), 'every revocation has a time');
  },
};

export const spki: FuzzTarget = {
  name: 'spki',
  maxBytes: 1_024,
  dictionary: DER,
  seeds: () => CERTIFICATES.map((name) => parseCertificate(certificateDer(name)).publicKey.spki.slice()),
  run(input) {
    const key = orDecodeError(() => parsePublicKey(input));
    if (key !== undefined) promise(equalBytes(key.spki, input), 'a public key is all of its bytes');
  },
};

const PASSWORD = 'secret';
// Deriving keys takes long by design: not what is looked at here. What "decrypts" is the ciphertext itself.
const toyDecryption: KeyDecryption = {
  pbkdf2: (_hash, _password, _salt, _iterations, length) => new Uint8Array(length),
  decryptAesCbc: (_key, _iv, ciphertext) => ciphertext.slice(),
  decryptTraditional: (cipher, _iv, _password, ciphertext) =>
    cipher.startsWith('AES') ? ciphertext.slice() : undefined,
};

function keyFile(input: Uint8Array): ReturnType<typeof readPrivateKeyFile> | undefined {
  try {
    return readPrivateKeyFile(input, { password: PASSWORD, keyDecryption: toyDecryption });
  } catch (error) {
    if (error instanceof KeyDecryptionError) return undefined;
    return orDecodeError(() => {
      throw error;
    });
  }
}

export const privateKey: FuzzTarget = {
  name: 'private-key',
  maxBytes: 2_560,
  dictionary: DER,
  seeds: () => [
    ...KEY_NAMES.filter((name) => !name.includes('public')).map((name) => parsePem(keyPem(name))[0]!.bytes),
    ...['p256 pkcs8', 'p256 sec1', 'rsa traditional aes256', 'p256 encrypted sha256 aes256'].map(keyPem),
  ],
  run(input) {
    const key = keyFile(input.slice());
    if (key === undefined) return;
    // Whatever form it came in, what comes out is a form that we read to the same end.
    const again = parsePrivateKey(key.pkcs8.bytes);
    promise(equalBytes(again.pkcs8.bytes, key.pkcs8.bytes), 'PKCS#8 of ours is read as it was written');
    promise(again.algorithm.name === key.algorithm.name, 'and is the same kind of key');
  },
};

function load(input: Uint8Array): void {
  // node:crypto checks a key for a millisecond or more: one in sixteen is enough to see that it throws what we expect.
  const provider = input.length % 16 === 0 ? nodeProvider : toyProvider;
  const options = { provider, keyDecryption: toyDecryption };
  const kinds = [
    () => loadCertificateChain(certificateChainFromBuffer(input), options),
    () => loadCertificateRevocationLists(certificateRevocationListFromBuffer(input), options),
    () => loadRawPublicKeys(rawPublicKeyFromBuffer(input), options),
    () => loadPrivateKey(privateKeyFromBuffer(input, PASSWORD), options)?.close(),
  ];
  for (const kind of kinds) {
    try {
      kind();
    } catch (error) {
      if (!(error instanceof SecurityInfoError)) throw error;
    }
  }
}

/** Security infos of every type from one buffer, PEM or DER. */
export const loading: FuzzTarget = {
  name: 'loading',
  maxBytes: 4_096,
  dictionary: [
    ...['-----BEGIN ', '-----END ', '-----\n', 'CERTIFICATE', 'X509 CRL', 'PRIVATE KEY', 'PUBLIC KEY', '\r\n', '=='],
    ...['Proc-Type: 4,ENCRYPTED\n', 'DEK-Info: AES-128-CBC,', 'ENCRYPTED ', 'EC PARAMETERS', ': ', 'MII'],
  ].map(utf8Encode),
  seeds: () => [
    utf8Encode(toPem('CERTIFICATE', certificateDer('server'))),
    utf8Encode(toPem('CERTIFICATE', certificateDer('server')) + toPem('CERTIFICATE', certificateDer('inter'))),
    utf8Encode(toPem('X509 CRL', revocationListDer('inter-crl'))),
    ...['p256 pkcs8', 'p256 sec1 with parameters', 'p256 traditional aes128', 'ed25519 pkcs8', 'p256 public'].map(
      keyPem,
    ),
    concatBytes(keyPem('p256 pkcs8'), utf8Encode(toPem('CERTIFICATE', certificateDer('client')))),
  ],
  run: load,
};
