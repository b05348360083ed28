// ECDSA of TLS 1.2 with OpenSSL, where the hash is not the curve's (RFC 5246 §7.4.1.4.1, RFC 8422 §5.1.1); and which of
// several certificates of ours its CertificateRequest gets.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateChainFromBuffer, privateKeyFromBuffer } from '../../lib/crypto/index.ts';
import type { CertificateSecurity, ClientCertificateCredential } from '../../lib/net/index.ts';
import { QUICK, backend, environment, nextText, sendText } from './ours.ts';
import { startOpensslCertificateClient, startOpensslCertificateServer } from './peers/openssl.ts';
import { needs } from './peers/peer.ts';

const KINDS = {
  'p256-sha384': { digest: '-sha384', options: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
  'p384-sha256': { digest: '-sha256', options: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'] },
  'rsa-sha256': { digest: '-sha256', options: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] },
} as const;
type Kind = keyof typeof KINDS;

const EXTENSIONS = {
  root: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign',
  server: 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1',
  client: 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth',
} as const;

/** Flags for a peer that signs, and takes, with one algorithm. */
const only = (algorithm: string): string[] => ['-sigalgs', algorithm, '-client_sigalgs', algorithm];
const SUITE = 'ECDHE-ECDSA-AES128-GCM-SHA256';
const HASHES = { 'p256-sha384': 'ECDSA+SHA384', 'p384-sha256': 'ECDSA+SHA256' } as const;

describe('signatures beside OpenSSL', () => {
  needs('openssl');
  let directory: string;
  const file = (name: string): string => join(directory, name);
  const bytes = (name: string): Uint8Array => Uint8Array.from(readFileSync(file(name)));
  const shown = (kind: Kind, name: 'server' | 'client') => ({
    certificate: file(`${kind}-${name}.pem`),
    key: file(`${kind}-${name}.key`),
  });
  const credential = (kind: Kind, name: 'server' | 'client' = 'client'): ClientCertificateCredential => ({
    chain: certificateChainFromBuffer(bytes(`${kind}-${name}.pem`)),
    key: privateKeyFromBuffer(bytes(`${kind}-${name}.key`)),
  });
  const trusting = (kind: Kind, ...clientCredentials: ClientCertificateCredential[]): CertificateSecurity => ({
    mode: 'certificate',
    trustAnchors: certificateChainFromBuffer(bytes(`${kind}-root.pem`)),
    clientCredentials,
  });

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'lwm2m-signatures-'));
    for (const kind of Object.keys(KINDS) as Kind[]) makeCertificates(directory, kind);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** @returns what the server printed */
  async function talk(security: CertificateSecurity, kind: Kind, flags: readonly string[]): Promise<string> {
    const server = await startOpensslCertificateServer({ suite: SUITE, ...shown(kind, 'server'), flags });
    const socket = backend.createSocket({ security, ...QUICK }, environment);
    try {
      await socket.connect('127.0.0.1', server.port);
      sendText(socket, 'from our client\n');
      await server.process.waitFor(/^from our client$/m);
      return server.process.output;
    } finally {
      socket.close();
      await server.process.stop();
    }
  }

  for (const kind of ['p384-sha256', 'p256-sha384'] as const) {
    it(`our client takes and makes ${kind}: keys, certificates, CertificateVerify`, async () => {
      const required = ['-CAfile', file(`${kind}-root.pem`), '-verify_return_error', '-Verify', '1'];
      const said = await talk(trusting(kind, credential(kind)), kind, [...only(HASHES[kind]), ...required]);
      assert.match(said, new RegExp(`subject=CN ?= ?${kind}-client`));
      assert.match(said, new RegExp(`Peer signing digest: ${kind.slice(5)}`, 'i'));
      await talk(trusting(kind, credential(kind)), kind, required); // and where OpenSSL chooses
    });

    it(`our server takes and makes ${kind}`, async () => {
      const trustAnchors = certificateChainFromBuffer(bytes(`${kind}-root.pem`));
      const security = { mode: 'certificate', trustAnchors, ...credential(kind, 'server') } as const;
      const server = backend.createServer({ security, ...QUICK }, environment);
      await server.bind('127.0.0.1', 0);
      const client = startOpensslCertificateClient({
        suite: SUITE,
        ...shown(kind, 'client'),
        trusted: file(`${kind}-root.pem`),
        port: server.local!.port,
        flags: only(HASHES[kind]),
      });
      try {
        const session = await server.accept();
        client.writeLine('from openssl');
        assert.equal(await nextText(session), 'from openssl\n');
        await client.waitFor(new RegExp(`Peer signing digest: ${kind.slice(5)}`, 'i'));
      } finally {
        server.close();
        await client.stop();
      }
    });
  }

  it('our client shows that of its certificates which s_server takes', async () => {
    const all = [credential('rsa-sha256'), credential('p256-sha384'), credential('p384-sha256')];
    for (const kind of ['p384-sha256', 'rsa-sha256'] as const) {
      const named = ['-CAfile', file(`${kind}-root.pem`), '-verify_return_error', '-Verify', '1'];
      const said = await talk(trusting('p384-sha256', ...all), 'p384-sha256', named);
      assert.match(said, new RegExp(`subject=CN ?= ?${kind}-client`));
    }
    const taken = ['-client_sigalgs', 'RSA-PSS+SHA256', '-verify', '1'];
    assert.match(await talk(trusting('p384-sha256', ...all), 'p384-sha256', taken), /subject=CN ?= ?rsa-sha256-client/);
  });

  it('our client shows none where none fits', async () => {
    const named = ['-CAfile', file('p384-sha256-root.pem'), '-verify', '1'];
    const said = await talk(trusting('p384-sha256', credential('p256-sha384')), 'p384-sha256', named);
    assert.doesNotMatch(said, /subject=/);
  });
});

/** A root, and a server and a client below it. */
function makeCertificates(cwd: string, kind: Kind): void {
  const openssl = (...args: readonly string[]): unknown => execFileSync('openssl', args, { cwd, stdio: 'pipe' });
  const { digest, options } = KINDS[kind];
  for (const [serial, [name, extensions]] of Object.entries(EXTENSIONS).entries()) {
    const own = `${kind}-${name}`;
    openssl('genpkey', ...options, '-out', `${own}.key`);
    writeFileSync(join(cwd, `${own}.ext`), `${extensions}\n`);
    openssl('req', '-new', '-key', `${own}.key`, '-subj', `/CN=${own}`, '-out', `${own}.csr`);
    const issuer =
      name === 'root' ? ['-signkey', `${own}.key`] : ['-CA', `${kind}-root.pem`, '-CAkey', `${kind}-root.key`];
    const request = ['x509', '-req', '-in', `${own}.csr`, '-days', '30', '-extfile', `${own}.ext`, digest];
    openssl(...request, ...issuer, '-set_serial', `${serial + 1}`, '-out', `${own}.pem`);
  }
}
