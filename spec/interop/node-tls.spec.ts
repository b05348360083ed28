// Our TLS clients on node:tls beside OpenSSL's s_server and gnutls-serv: who gets in where, what is said to whom is refused,
// and sessions that outlive the process.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fromHex } from '../../lib/bytes/index.ts';
import {
  certificateChainFromBuffer,
  certificateRevocationListFromBuffer,
  pskKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import { type CertificateSecurity, TlsAlertError } from '../../lib/net/index.ts';
import { clientSecurity } from './ours-certificates.ts';
import { ADDRESS, PSK, PSK_CLIENT, client, refusal, talk } from './ours-tls.ts';
import { type OpensslTls, startTlsServer } from './peers/openssl-tls.ts';
import { needs, smoke } from './peers/peer.ts';
import { type CertificateName, Pki } from './peers/pki.ts';
import { type PeerProcess, freeTcpPort, run, startPeer } from './peers/process.ts';

const VERSIONS = ['TLS1.2', 'TLS1.3'] as const;
const PSK_SUITES = {
  'PSK-AES128-CCM8': 0xc0a8,
  'PSK-AES128-GCM-SHA256': 0x00a8,
  'PSK-AES128-CCM': 0xc0a4,
  'PSK-AES256-GCM-SHA384': 0x00a9,
  'ECDHE-PSK-CHACHA20-POLY1305': 0xccac,
  'PSK-AES128-CBC-SHA256': 0x00ae,
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  TLS_AES_128_CCM_SHA256: 0x1304,
  TLS_AES_128_CCM_8_SHA256: 0x1305,
};

describe('node-tls: clients beside OpenSSL', () => {
  needs('openssl');
  let pki: Pki;
  let peer: PeerProcess | undefined;
  before(() => (pki = new Pki('ec')));
  after(() => pki.remove());
  afterEach(() => peer?.stop());

  const serving = async (options: OpensslTls): Promise<number> => {
    const started = await startTlsServer(options);
    peer = started.process;
    return started.port;
  };
  const shown = (name: CertificateName): NonNullable<OpensslTls['own']> => ({
    certificate: pki.file(`${name}.pem`),
    key: pki.file(`${name}.key`),
    chain: pki.file('inter.pem'),
  });

  for (const [suite, id] of Object.entries(PSK_SUITES)) {
    const version = suite.startsWith('TLS_') ? 'TLS1.3' : 'TLS1.2';
    it(`${version} with a pre-shared key and ${suite}`, async () => {
      const port = await serving({ version, suite, psk: PSK });
      const socket = client(PSK_CLIENT, { versions: [version], ciphersuites: [id] });
      await socket.connect(ADDRESS, port);
      assert.equal(await talk(socket, 'hello'), 'olleh');
      assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
      assert.equal(socket.getOption('sessionResumed'), false);
      await socket.shutdown();
      socket.close();
    });
  }

  for (const version of VERSIONS) {
    const versions = [version];

    it(`${version}: certificates of both sides`, async () => {
      const port = await serving({ version, own: shown('server'), trusted: pki.file('root.pem') });
      const socket = client(clientSecurity(pki, 'client'), { versions });
      await socket.connect(ADDRESS, port);
      assert.equal(await talk(socket, 'hello'), 'olleh');
      assert.equal(socket.getOption('negotiated')?.peerCertificates?.length, 2);
      socket.close();
    });

    it(`${version}: a server that is not to be trusted is told why, and gets neither Finished nor certificate`, async () => {
      const revocationLists = certificateRevocationListFromBuffer(pki.bytes('crl.pem'));
      const trusting = clientSecurity(pki, 'client');
      const otherRoot = certificateChainFromBuffer(pki.bytes('other-root.pem'));
      const cases: readonly [CertificateName, Partial<CertificateSecurity>, RegExp, alert: string][] = [
        ['server', { trustAnchors: otherRoot }, /unknown-issuer/, 'unknown CA'],
        ['wrong-host', {}, /wrong-host/, 'bad certificate'],
        ['expired', {}, /expired/, 'certificate expired'],
        ['wrong-eku', {}, /wrong-purpose/, 'unsupported certificate'],
        ['unknown-critical', {}, /unknown-critical-extension/, 'unsupported certificate'],
        ['revoked', { revocationLists }, /revoked/, 'certificate revoked'],
        ['other-server', {}, /unknown-issuer|bad-signature/, 'unknown CA'],
      ];
      for (const [name, trust, reason, alert] of cases) {
        const port = await serving({ version, own: shown(name), flags: ['-state'] });
        const error = await refusal(client({ ...trusting, ...trust }, { versions }), port);
        assert.ok(error instanceof TlsAlertError && error.direction === 'sent', `${name}: ${error.message}`);
        assert.match(error.message, reason);
        await peer!.waitFor(new RegExp(`alert read:fatal:${alert}`), 5_000);
        assert.doesNotMatch(peer!.output, /SSL_accept:SSL negotiation finished/);
        await peer!.stop();
      }
    });

    it(`${version}: the server's alerts are told as received`, async () => {
      const wrongKey = { ...PSK_CLIENT, mode: 'psk', key: pskKeyFromBuffer(fromHex('ff'.repeat(16))) } as const;
      const port = await serving({ version, psk: PSK });
      const wrong = await refusal(client(wrongKey as typeof PSK_CLIENT, { versions }), port);
      assert.ok(wrong instanceof TlsAlertError && wrong.direction === 'received', wrong.message);
      await peer!.stop();
      const requiring = await serving({ version, own: shown('server'), trusted: pki.file('root.pem') });
      const nobody = await refusal(client(clientSecurity(pki), { versions }), requiring);
      assert.ok(nobody instanceof TlsAlertError && nobody.direction === 'received', nobody.message);
      assert.equal(nobody.description, version === 'TLS1.2' ? 40 : 116);
    });

    it(`${version}: a configuration of one kind completes no handshake of the other`, async () => {
      const port = await serving({ version, own: shown('server') });
      const error = await refusal(client(PSK_CLIENT, { versions }), port);
      assert.ok(['ETLSALERT', 'ETLS'].includes(error.code), error.message);
      await peer!.stop();
      const keyed = await serving({ version, psk: PSK });
      assert.ok(['ETLSALERT', 'ETLS'].includes((await refusal(client(clientSecurity(pki), { versions }), keyed)).code));
    });

    it(`${version}: ALPN`, async () => {
      const port = await serving({ version, own: shown('server'), flags: ['-alpn', 'coap'] });
      const socket = client(clientSecurity(pki), { versions, alpn: ['coap'] });
      await socket.connect(ADDRESS, port);
      await talk(socket, 'x');
      assert.equal(socket.getOption('negotiated')?.alpn, 'coap');
      socket.close();
      const other = await refusal(client(clientSecurity(pki), { versions, alpn: ['other'] }), port);
      assert.ok(other instanceof TlsAlertError && other.description === 120, other.message);
    });

    it(`${version}: an end without close_notify is noticed`, async () => {
      const port = await serving({ version, own: shown('server') });
      const socket = client(clientSecurity(pki), { versions });
      await socket.connect(ADDRESS, port);
      await talk(socket, 'x');
      const over = new Promise<unknown>((resolve) => {
        socket.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
      });
      peer!.signal('SIGKILL'); // the host says FIN, TLS says nothing
      const cause = await over;
      assert.ok(cause instanceof Error && /EOF|ECONNRESET/.test(cause.message), String(cause));
    });

    for (const kind of ['psk', 'certificate'] as const) {
      it(`${version}: ${kind}: the next process resumes, a server that started anew does not`, async () => {
        const directory = mkdtempSync(path.join(os.tmpdir(), 'lwm2m-tls-sessions-'));
        try {
          const options: OpensslTls = { version, ...(kind === 'psk' ? { psk: PSK } : { own: shown('server') }) };
          const { port, process: first } = await startTlsServer(options);
          peer = first;
          const visit = async (): Promise<string> => {
            const anchors = kind === 'psk' ? 'psk' : pki.file('root.pem');
            const script = path.join(import.meta.dirname, 'node-tls-visit.ts');
            const args = ['--import', 'tsx', script, `${port}`, version, directory, anchors];
            const { code, output } = await run(process.execPath, args, {
              cwd: path.join(import.meta.dirname, '../..'),
            });
            assert.equal(code, 0, output);
            return output.trim();
          };
          assert.equal(await visit(), 'resumed false');
          assert.equal(await visit(), 'resumed true');
          await first.stop();
          peer = (await startTlsServer({ ...options, port })).process;
          assert.equal(await visit(), 'resumed false');
        } finally {
          rmSync(directory, { recursive: true });
        }
      });
    }
  }
});

describe('node-tls: clients with RSA beside OpenSSL', () => {
  needs('openssl');
  const suites = {
    'ECDHE-RSA-AES128-GCM-SHA256': 0xc02f,
    'ECDHE-RSA-CHACHA20-POLY1305': 0xcca8,
    'ECDHE-RSA-AES256-GCM-SHA384': 0xc030,
    'ECDHE-RSA-AES128-SHA256': 0xc027,
    TLS_AES_256_GCM_SHA384: 0x1302,
  };

  it('with every suite, certificates of both sides', async function () {
    if (smoke) this.skip();
    const pki = new Pki('rsa');
    try {
      for (const [suite, id] of Object.entries(suites)) {
        const version = suite.startsWith('TLS_') ? 'TLS1.3' : 'TLS1.2';
        const own = { certificate: pki.file('server.pem'), key: pki.file('server.key'), chain: pki.file('inter.pem') };
        const { port, process: peer } = await startTlsServer({ version, suite, own, trusted: pki.file('root.pem') });
        const socket = client(clientSecurity(pki, 'client'), { versions: [version], ciphersuites: [id] });
        await socket.connect(ADDRESS, port);
        assert.equal(await talk(socket, 'hello'), 'olleh');
        assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
        socket.close();
        await peer.stop();
      }
    } finally {
      pki.remove();
    }
  });
});

describe('node-tls: clients beside GnuTLS', () => {
  needs('gnutls', 'openssl');
  let pki: Pki;
  before(() => (pki = new Pki('ec')));
  after(() => pki.remove());

  for (const version of VERSIONS) {
    it(`${version}: certificates of both sides, and a server that is told why it is refused`, async () => {
      const port = await freeTcpPort();
      const files = ['--x509certfile', pki.file('server-chain.pem'), '--x509keyfile', pki.file('server.key')];
      const trust = ['--x509cafile', pki.file('root.pem'), '--require-client-cert', '--verify-client-cert'];
      const priority = `NORMAL:-VERS-ALL:+VERS-${version.replace('TLS', 'TLS')}`;
      const args = ['-p', `${port}`, '--echo', ...files, ...trust, '--priority', priority];
      const peer = await startPeer('gnutls-serv', args, /listening on IPv4.*done/);
      try {
        const socket = client(clientSecurity(pki, 'client'), { versions: [version] });
        await socket.connect(ADDRESS, port);
        assert.equal(await talk(socket, 'hello'), 'hello');
        assert.equal(socket.getOption('negotiated')?.version, version);
        await socket.shutdown();
        socket.close();
        const other = {
          ...clientSecurity(pki, 'client'),
          trustAnchors: certificateChainFromBuffer(pki.bytes('other-root.pem')),
        };
        const error = await refusal(client(other, { versions: [version] }), port);
        assert.ok(error instanceof TlsAlertError && error.direction === 'sent', error.message);
      } finally {
        await peer.stop();
      }
    });
  }
});
