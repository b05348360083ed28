// A small public-key infrastructure for interop, made by OpenSSL for one run: root, intermediate, leaves; EC and RSA.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyKind = 'ec' | 'rsa' | 'ed25519';

const KEY_OPTIONS: Readonly<Record<KeyKind, readonly string[]>> = {
  ec: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  ed25519: ['-algorithm', 'ED25519'],
};

const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign';
const IDS = 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid';
const leaf = (usage: string, names: string): string =>
  `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${usage}\n${names}\n${IDS}`;

const CERTIFICATES = {
  root: { by: 'root', extensions: CA, days: 30 },
  inter: { by: 'root', extensions: `${CA}\n${IDS}`, days: 30 },
  server: { by: 'inter', extensions: leaf('serverAuth', 'subjectAltName=DNS:localhost,IP:127.0.0.1'), days: 30 },
  client: { by: 'inter', extensions: leaf('clientAuth', ''), days: 30 },
  'wrong-host': { by: 'inter', extensions: leaf('serverAuth', 'subjectAltName=DNS:elsewhere.example'), days: 30 },
  'wrong-eku': { by: 'inter', extensions: leaf('clientAuth', 'subjectAltName=IP:127.0.0.1'), days: 30 },
  'unknown-critical': {
    by: 'inter',
    extensions: `${leaf('serverAuth', 'subjectAltName=IP:127.0.0.1')}\n1.2.3.4.5=critical,ASN1:UTF8String:nobody knows`,
    days: 30,
  },
  expired: { by: 'inter', extensions: leaf('serverAuth', 'subjectAltName=IP:127.0.0.1'), days: -1 },
  'expired-client': { by: 'inter', extensions: leaf('clientAuth', ''), days: -1 },
  revoked: { by: 'inter', extensions: leaf('serverAuth,clientAuth', 'subjectAltName=IP:127.0.0.1'), days: 30 },
  'other-root': { by: 'other-root', extensions: CA, days: 30 },
  'other-server': { by: 'other-root', extensions: leaf('serverAuth', 'subjectAltName=IP:127.0.0.1'), days: 30 },
  'other-client': { by: 'other-root', extensions: leaf('clientAuth', ''), days: 30 },
} as const;

const RSA_TOO = ['root', 'inter', 'server', 'client'];

export type CertificateName = keyof typeof CERTIFICATES;

const REVOCATION = '[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n';

/**
 * Files in a directory of its own, removed by `remove`. Chains have depth 3: leaf, intermediate, root; `revoked` is on the
 * intermediate's list, crl.pem.
 */
export class Pki {
  readonly directory = mkdtempSync(join(tmpdir(), 'lwm2m-pki-'));

  /** RSA keys take long to make: there, no certificates that must be refused. */
  constructor(kind: KeyKind) {
    for (const name of Object.keys(CERTIFICATES) as CertificateName[]) {
      if (kind !== 'rsa' || RSA_TOO.includes(name)) this.#issue(name, kind);
    }
    writeFileSync(this.file('authorities.pem'), this.text('inter.pem') + this.text('root.pem'));
    if (kind !== 'rsa') this.#revoke('revoked');
  }

  /** Full path of one of its files: NAME.pem, NAME.key (PKCS#8), NAME.sec1 (EC), NAME.pub, NAME-chain.pem, authorities.pem, crl.pem. */
  file(name: string): string {
    return join(this.directory, name);
  }

  bytes(name: string): Uint8Array {
    return Uint8Array.from(readFileSync(this.file(name)));
  }

  text(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** A certificate as that of `like`, for another key (SubjectPublicKeyInfo, DER). @returns DER */
  certify(like: CertificateName, publicKey: Uint8Array): Uint8Array {
    writeFileSync(this.file('certified.spki'), publicKey);
    this.#openssl('pkey', '-pubin', '-inform', 'DER', '-in', 'certified.spki', '-out', 'certified.pub');
    const request = ['x509', '-req', '-in', `${like}.csr`, '-extfile', `${like}.ext`, '-days', '30'];
    const issuer = ['-CA', 'inter.pem', '-CAkey', 'inter.key', '-set_serial', '1000'];
    const form = ['-outform', 'DER', '-out', 'certified.der'];
    this.#openssl(...request, ...issuer, '-force_pubkey', 'certified.pub', ...form);
    return this.bytes('certified.der');
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #issue(name: CertificateName, kind: KeyKind): void {
    const { by, extensions, days } = CERTIFICATES[name];
    this.#openssl('genpkey', ...KEY_OPTIONS[kind], '-out', `${name}.key`);
    if (kind === 'ec') this.#openssl('ec', '-in', `${name}.key`, '-out', `${name}.sec1`);
    this.#openssl('pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`);
    writeFileSync(this.file(`${name}.ext`), `${extensions}\n`);
    this.#openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const issuer = name === by ? ['-signkey', `${name}.key`] : ['-CA', `${by}.pem`, '-CAkey', `${by}.key`];
    const serial = ['-set_serial', `${100 + Object.keys(CERTIFICATES).indexOf(name)}`];
    const request = ['x509', '-req', '-in', `${name}.csr`, '-days', `${days}`, '-extfile', `${name}.ext`];
    this.#openssl(...request, ...issuer, ...serial, '-out', `${name}.pem`);
    const chain = by === 'inter' ? this.text('inter.pem') : '';
    writeFileSync(this.file(`${name}-chain.pem`), `${this.text(`${name}.pem`)}${chain}`);
  }

  #revoke(name: CertificateName): void {
    writeFileSync(this.file('index.txt'), '');
    writeFileSync(this.file('revocation.cnf'), REVOCATION);
    const authority = ['ca', '-config', 'revocation.cnf', '-cert', 'inter.pem', '-keyfile', 'inter.key'];
    this.#openssl(...authority, '-revoke', `${name}.pem`);
    this.#openssl(...authority, '-gencrl', '-out', 'crl.pem');
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.directory, stdio: 'pipe' });
  }
}
