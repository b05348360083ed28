// Our clients on the system's OpenSSL beside stacks of others: OpenSSL's own s_server, GnuTLS, libcoap, and our native server.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { RESPONSE_CODES, UdpCoapConnection } from '../../lib/coap/index.ts';
import { certificateChainFromBuffer, certificateRevocationListFromBuffer } from '../../lib/crypto/index.ts';
import {
  type CertificateSecurity,
  type DatagramSocket,
  type SslConfiguration,
  TlsAlertError,
} from '../../lib/net/index.ts';
import { memoryStore } from '../../lib/net/conformance/backend/life-cases.ts';
import { opensslDtls, opensslTls } from '../../security-backends/openssl/index.ts';
import { QUICK, environment, listening, nextText, psk, sendText } from './ours.ts';
import { clientSecurity } from './ours-certificates.ts';
import { talk } from './ours-tls.ts';
import { startGnutlsServer } from './peers/gnutls.ts';
import { startCoapServer } from './peers/libcoap.ts';
import { OPENSSL_SUITES, startOpensslCertificateServer, startOpensslServer } from './peers/openssl.ts';
import { type OpensslTls, startTlsServer } from './peers/openssl-tls.ts';
import { needs, smoke } from './peers/peer.ts';
import { type CertificateName, Pki } from './peers/pki.ts';
import type { PeerProcess } from './peers/process.ts';
import { UdpRelay } from './peers/relay.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const ADDRESS = '127.0.0.1';
const HEADER_BYTES = 13;

describe('the OpenSSL backend beside other stacks', () => {
  needs('openssl', 'gnutls', 'libcoap');
  let pki: Pki;
  let peer: Pick<PeerProcess, 'stop'> | undefined;
  before(() => (pki = new Pki('ec')));
  after(() => pki.remove());
  afterEach(async () => {
    await peer?.stop();
    peer = undefined;
  });

  type More = Omit<Partial<SslConfiguration>, 'security'>;
  const dtls = (security: SslConfiguration['security'], more: More = {}) =>
    opensslDtls().createSocket({ security, ...QUICK, ...more }, environment);
  const tls = (security: SslConfiguration['security'], more: More = {}) =>
    opensslTls().createSocket({ security, ...more }, environment);
  const PSK = psk('device', fromHex(KEY));

  describe('DTLS', () => {
    for (const [suite, id] of Object.entries({ 'PSK-AES128-CCM8': 0xc0a8, ...OPENSSL_SUITES })) {
      if (suite.includes('RSA') || (smoke && id !== 0xc0a8 && id !== 0xc0ae)) continue;
      it(`s_server with ${suite}: lines both ways, inner MTU exact, the end told`, async () => {
        const byKey = suite.includes('PSK');
        const flags = { suite: suite as keyof typeof OPENSSL_SUITES };
        const own = { certificate: pki.file('server.pem'), key: pki.file('server.key'), chain: pki.file('inter.pem') };
        const server = byKey
          ? await startOpensslServer({ ...flags, key: KEY })
          : await startOpensslCertificateServer({ ...flags, ...own, trusted: pki.file('root.pem') });
        peer = server.process;
        const relay = await UdpRelay.start({ target: server.port });
        const socket = dtls(byKey ? PSK : clientSecurity(pki, 'client'), { ciphersuites: [id] });
        try {
          await socket.connect(ADDRESS, relay.port);
          assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
          await linesBothWays(socket, server.process);
          const most = socket.getOption('innerMtu');
          socket.send(new Uint8Array(most).fill(0x61));
          assert.throws(() => socket.send(new Uint8Array(most + 1)), /EMSGSIZE/);
          await server.process.waitFor(/a{500}/);
          const largest = Math.max(...relay.passed.map(({ bytes }) => bytes.length));
          const room = 1280 - 28;
          const block = suite.includes('SHA256') && !suite.includes('GCM') ? 16 : 1;
          assert.ok(largest <= room && largest > room - block, `${largest} of ${room} bytes`);
          await socket.shutdown();
        } finally {
          socket.close();
          relay.close();
        }
      });
    }

    it('a forced MTU of 300 bytes: every datagram of a mutual handshake fits and holds whole records', async () => {
      const server = await startOpensslCertificateServer({
        suite: 'ECDHE-ECDSA-AES128-GCM-SHA256',
        certificate: pki.file('server.pem'),
        key: pki.file('server.key'),
        chain: pki.file('inter.pem'),
        trusted: pki.file('root.pem'),
        flags: ['-mtu', '272'],
      });
      peer = server.process;
      const relay = await UdpRelay.start({ target: server.port });
      const socket = dtls(clientSecurity(pki, 'client'), { socket: { forcedMtu: 300 } });
      try {
        await socket.connect(ADDRESS, relay.port);
        const sent = relay.passed.filter(({ direction }) => direction === 'toServer');
        for (const { bytes } of sent) {
          assert.ok(bytes.length <= 272, `${bytes.length} bytes`);
          assert.equal(endOfRecords(bytes), bytes.length);
        }
        await linesBothWays(socket, server.process);
      } finally {
        socket.close();
        relay.close();
      }
    });

    it('what is lost is sent again', async () => {
      const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
      peer = server.process;
      const hazard = ({ bytes, index, direction }: { bytes: Uint8Array; index: number; direction: string }) =>
        direction === 'toServer' && index % 2 === 0 ? [] : [bytes];
      const relay = await UdpRelay.start({ target: server.port, hazard });
      const socket = dtls(PSK);
      try {
        await socket.connect(ADDRESS, relay.port);
        assert.ok(relay.passed.length > 6, 'more than an undisturbed handshake');
      } finally {
        socket.close();
        relay.close();
      }
    });

    it('resumes at s_server, and says so', async () => {
      const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
      peer = server.process;
      const sessionStore = memoryStore();
      const resumed: boolean[] = [];
      for (let turn = 0; turn < 3; turn++) {
        const socket = dtls(PSK, { sessionStore });
        await socket.connect(ADDRESS, server.port);
        await linesBothWays(socket, server.process);
        resumed.push(socket.getOption('sessionResumed'));
        socket.close();
      }
      assert.deepEqual(resumed, [false, true, true]);
    });

    it('servers that are not to be trusted are told why', async () => {
      const revocationLists = certificateRevocationListFromBuffer(pki.bytes('crl.pem'));
      const cases: readonly [CertificateName, Partial<CertificateSecurity>, RegExp, number][] = [
        ['wrong-host', {}, /wrong-host/, 42],
        ['expired', {}, /expired/, 45],
        ['revoked', { revocationLists }, /revoked/, 44],
        ['other-server', {}, /unknown-issuer|bad-signature/, 48],
      ];
      for (const [name, trust, reason, description] of cases) {
        const server = await startOpensslCertificateServer({
          suite: 'ECDHE-ECDSA-AES128-CCM8',
          certificate: pki.file(`${name}.pem`),
          key: pki.file(`${name}.key`),
          chain: pki.file('inter.pem'),
          flags: ['-state'],
        });
        peer = server.process;
        const error = await refusal(dtls({ ...clientSecurity(pki), ...trust }), server.port);
        assert.ok(error instanceof TlsAlertError && error.direction === 'sent', `${name}: ${error.message}`);
        assert.match(error.message, reason);
        assert.equal(error.description, description);
        await server.process.waitFor(/alert read:fatal/, 5_000);
        await server.process.stop();
      }
    });

    it('a server that requires a certificate we have not is heard', async () => {
      const server = await startOpensslCertificateServer({
        suite: 'ECDHE-ECDSA-AES128-CCM8',
        certificate: pki.file('server.pem'),
        key: pki.file('server.key'),
        chain: pki.file('inter.pem'),
        trusted: pki.file('root.pem'),
      });
      peer = server.process;
      const error = await refusal(dtls(clientSecurity(pki)), server.port);
      assert.ok(error instanceof TlsAlertError && error.direction === 'received', error.message);
      assert.equal(error.description, 40);
    });

    it("the key log's lines are those of s_server", async () => {
      const keyLogFile = pki.file('keys.log');
      const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY, keyLogFile });
      peer = server.process;
      const lines: string[] = [];
      const socket = dtls(PSK, { dangerKeyLog: (line) => lines.push(line) });
      await socket.connect(ADDRESS, server.port);
      socket.close();
      await server.process.stop();
      const theirs = readFileSync(keyLogFile, 'utf8').split('\n');
      assert.equal(lines.length, 1);
      assert.ok(theirs.includes(lines[0]!));
    });

    for (const [cipher, id] of [
      ['AES-128-CCM-8', 0xc0a8],
      ['AES-128-GCM', 0x00a8],
    ] as const) {
      it(`gnutls-serv with ${cipher}: lines come back`, async () => {
        const server = await startGnutlsServer({ cipher, identity: 'device', key: KEY });
        peer = server;
        const socket = dtls(PSK);
        await socket.connect(ADDRESS, server.port);
        assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
        for (const line of ['first\n', 'second\n']) {
          sendText(socket, line);
          assert.equal(await nextText(socket), line);
        }
        socket.close();
      });
    }

    for (const flavour of ['openssl', 'gnutls'] as const) {
      it(`coap-server-${flavour}: a request over it is answered`, async () => {
        const key = 'secretPSK0123456';
        const server = await startCoapServer(key, [], flavour);
        peer = server.process;
        const socket = dtls(psk('device', utf8Encode(key)));
        await socket.connect(ADDRESS, server.securePort);
        const coap = new UdpCoapConnection(socket, environment);
        const { code } = await coap.request({ method: 'GET', path: ['time'] });
        assert.equal(code, RESPONSE_CODES.content);
        socket.close();
      });
    }

    it('our native server: the identity of 128 bytes and the key of 64 that RFC 4279 asks for', async () => {
      const [identity, key] = ['i'.repeat(128), new Uint8Array(64).fill(0x5a)];
      const { server, port } = await listening({ [identity]: key });
      const socket = dtls(psk(identity, key));
      await socket.connect(ADDRESS, port);
      const session = await server.accept();
      assert.equal(session.getOption('negotiated')?.pskIdentity?.length, 128);
      socket.close();
      server.close();
    });
  });

  describe('TLS', () => {
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
    const theirPsk = { identity: 'device', key: KEY };

    for (const version of ['TLS1.2', 'TLS1.3'] as const) {
      const versions = [version];

      it(`${version} with a pre-shared key, resumed by ticket`, async () => {
        const port = await serving({ version, psk: theirPsk });
        const sessionStore = memoryStore();
        const resumed: boolean[] = [];
        for (let turn = 0; turn < 2; turn++) {
          const socket = tls(PSK, { versions, sessionStore });
          await socket.connect(ADDRESS, port);
          assert.equal(await talk(socket, 'hello'), 'olleh');
          assert.equal(socket.getOption('negotiated')?.version, version);
          resumed.push(socket.getOption('sessionResumed'));
          await socket.shutdown();
          socket.close();
        }
        assert.deepEqual(resumed, [false, true]);
      });

      it(`${version} with certificates of both sides, resumed by ticket`, async () => {
        const port = await serving({ version, own: shown('server'), trusted: pki.file('root.pem') });
        const sessionStore = memoryStore();
        for (const resumed of [false, true]) {
          const socket = tls(clientSecurity(pki, 'client'), { versions, sessionStore });
          await socket.connect(ADDRESS, port);
          assert.equal(await talk(socket, 'hello'), 'olleh');
          assert.equal(socket.getOption('sessionResumed'), resumed);
          assert.equal(socket.getOption('negotiated')?.peerCertificates?.length, 2);
          socket.close();
        }
      });

      it(`${version}: who is not to be trusted is told why, and gets no Finished`, async () => {
        const otherRoot = certificateChainFromBuffer(pki.bytes('other-root.pem'));
        const cases: readonly [CertificateName, Partial<CertificateSecurity>, RegExp, string][] = [
          ['server', { trustAnchors: otherRoot }, /unknown-issuer/, 'unknown ca'],
          ['wrong-host', {}, /wrong-host/, 'bad certificate'],
          ['unknown-critical', {}, /unknown-critical-extension/, 'unsupported certificate'],
        ];
        for (const [name, trust, reason, alert] of cases) {
          const started = await startTlsServer({ version, own: shown(name), flags: ['-state'] });
          peer = started.process;
          const error = await refusal(tls({ ...clientSecurity(pki, 'client'), ...trust }, { versions }), started.port);
          assert.ok(error instanceof TlsAlertError && error.direction === 'sent', `${name}: ${error.message}`);
          assert.match(error.message, reason);
          await started.process.waitFor(new RegExp(`alert read:fatal:${alert}`, 'i'), 5_000);
          assert.doesNotMatch(started.process.output, /SSL_accept:SSL negotiation finished/);
          await started.process.stop();
        }
      });

      it(`${version}: a key and a certificate never stand in for each other`, async () => {
        const certified = await serving({ version, own: shown('server') });
        const byKey = await refusal(tls(PSK, { versions }), certified);
        assert.ok(byKey instanceof TlsAlertError, byKey.message);
        await peer!.stop();
        const keyed = await serving({ version, psk: theirPsk });
        const byCertificate = await refusal(tls(clientSecurity(pki), { versions }), keyed);
        assert.ok(byCertificate instanceof TlsAlertError, byCertificate.message);
      });

      it(`${version}: a wrong key is told by an alert`, async () => {
        const port = await serving({ version, psk: theirPsk });
        const error = await refusal(tls(psk('device', new Uint8Array(16).fill(0xff)), { versions }), port);
        assert.ok(error instanceof TlsAlertError && error.direction === 'received', error.message);
      });
    }

    it('ALPN: the protocol the server chose', async () => {
      const port = await serving({ version: 'TLS1.3', psk: theirPsk, flags: ['-alpn', 'coap'] });
      const socket = tls(PSK, { alpn: ['h2', 'coap'] });
      await socket.connect(ADDRESS, port);
      assert.equal(socket.getOption('negotiated')?.alpn, 'coap');
      socket.close();
    });
  });
});

/** s_server prints what it hears, and sends what it is told. */
async function linesBothWays(socket: DatagramSocket, server: PeerProcess): Promise<void> {
  sendText(socket, 'hello\n');
  await server.waitFor(/hello/);
  server.writeLine('and back');
  assert.equal(await nextText(socket), 'and back\n');
}

/** How a connect fails. */
async function refusal(
  socket: { connect(host: string, port: number): Promise<void>; close(): void },
  port: number,
): Promise<Error> {
  try {
    await socket.connect(ADDRESS, port);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  } finally {
    socket.close();
  }
  throw new Error('expected the connect to fail');
}

/** Where the last whole record ends. */
function endOfRecords(bytes: Uint8Array): number {
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + ((bytes[at + 11]! << 8) | bytes[at + 12]!);
    if (end > bytes.length) break;
    at = end;
  }
  return at;
}
