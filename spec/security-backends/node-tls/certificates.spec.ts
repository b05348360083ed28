// TLS on node:tls with certificates: whom clients and servers trust by our own policy, what they show, what they say to whom
// they refuse, and what a configuration of one kind never completes.

import assert from 'node:assert/strict';
import type { ConnectionOptions } from 'node:tls';
import {
  type CertificateChainInfo,
  type CertificateRevocationListInfo,
  certificateChainFromBuffer,
  certificateRevocationListFromArray,
  certificateRevocationListFromBuffer,
  nodeProvider,
  parseCertificate,
  privateKeyEmpty,
  privateKeyFromBuffer,
  privateKeyFromEngine,
} from '../../../lib/crypto/index.ts';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import {
  type CertificateSecurity,
  type CertificateServerSecurity,
  type Security,
  type SocketError,
  TlsAlertError,
} from '../../../lib/net/index.ts';
import { FIXTURE_TIME, certificateDer, keyPem, revocationListDer, toPem } from '../../crypto/fixtures/fixtures.ts';
import { nodeTls } from '../../../security-backends/node-tls/index.ts';
import { ADDRESS, HOST, PSK, PSK_SERVER, SERVER, SHOWING, TLS_VERSIONS, TRUSTING, World, chainOf } from './sockets.ts';

const ANYBODY: CertificateServerSecurity = { ...SERVER, clientCertificate: 'none' };
const spkiOf = (name: string): Uint8Array => parseCertificate(certificateDer(name)).publicKey.spki;
const der = (name: string): Uint8Array => certificateDer(name);

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

function assertSaid(error: SocketError, reason: RegExp, alert: number): void {
  assert.ok(error instanceof TlsAlertError && error.direction === 'sent', error.message);
  assert.match(error.message, reason);
  assert.equal(error.description, alert);
}

for (const version of TLS_VERSIONS) {
  const versions = [version];
  const refusal = async (security: Security, host = HOST, more = {}): Promise<SocketError> => {
    const server = await world.server(ANYBODY, { versions });
    return world.refused(world.client(security, { versions, ...more }), server, host);
  };
  const joins = async (security: Security, host = HOST, more = {}): Promise<void> => {
    const server = await world.server(ANYBODY, { versions });
    await world.join(world.client(security, { versions, ...more }), server, host);
  };

  describe(`node-tls: certificates in ${version}`, () => {
    it('connect, both sides known to each other', async () => {
      const server = await world.server(SERVER, { versions });
      const client = world.client(SHOWING, { versions });
      const session = await world.join(client, server);
      const agreed = client.getOption('negotiated');
      assert.deepEqual(agreed?.peerCertificates, [der('server'), der('inter')]);
      assert.deepEqual(agreed?.peerPublicKey, spkiOf('server'));
      assert.equal(agreed?.version, version);
      assert.equal(agreed?.ciphersuite, version === 'TLS1.2' ? 0xc0ae : 0x1301, 'the first of ours');
      assert.equal(agreed?.group, 'x25519');
      const known = session.getOption('negotiated');
      assert.deepEqual(known?.peerPublicKey, spkiOf('client'));
      assert.deepEqual(known?.peerCertificates, [der('client'), der('inter')]);
      assert.equal(known?.ciphersuite, agreed?.ciphersuite);
    });

    it('take PEM, several blocks and an encrypted key', async () => {
      const pem = utf8Encode(['server', 'inter'].map((name) => toPem('CERTIFICATE', der(name))).join(''));
      const chain: CertificateChainInfo = certificateChainFromBuffer(pem);
      const server = await world.server({ ...ANYBODY, chain }, { versions });
      await world.join(world.client(TRUSTING, { versions }), server);
    });

    it('refuse, and say so to the server: nothing configured, another CA, a date, another host', async () => {
      assertSaid(await refusal({ mode: 'certificate' }), /nothing-configured/, 48);
      assertSaid(await refusal({ ...TRUSTING, trustAnchors: chainOf('other-root') }), /unknown-issuer/, 48);
      assertSaid(await refusal(TRUSTING, HOST, { serverName: 'other.example' }), /wrong-host/, 42);
      assertSaid(await refusal(TRUSTING, '127.0.0.1'), /wrong-host.*127\.0\.0\.1/, 42);
      world.wallTime += 80 * 365 * 86_400_000;
      assertSaid(await refusal(TRUSTING), /expired/, 45);
    });

    it('never complete a handshake with whom they refuse: the server hears the alert and has no session', async () => {
      await refusal({ ...SHOWING, trustAnchors: chainOf('other-root') });
      const [heard] = await world.logs(/a TLS handshake failed/);
      assert.match(heard!, /unknown_ca \(48\) received/);
    });

    it('check an address by its own kind of name, and send no SNI for it', async () => {
      const names: (string | undefined)[] = [];
      const seen = (native: unknown): void => void names.push((native as ConnectionOptions).servername);
      await joins(TRUSTING, '127.0.0.1', { serverName: '192.0.2.1', additionalConfiguration: seen });
      await joins(TRUSTING, HOST, { additionalConfiguration: seen });
      await joins({ ...TRUSTING }, '127.0.0.1', { serverName: HOST, additionalConfiguration: seen });
      assert.deepEqual(names, [undefined, HOST, HOST]);
    });

    it('without a clock ask the hook that is given, and refuse if it says no', async () => {
      const windows: { readonly notAfter: number }[] = [];
      await joins({ ...TRUSTING, withoutClock: (window) => windows.push(window) > 0 });
      assert.ok(windows[0]!.notAfter > FIXTURE_TIME);
      assertSaid(await refusal({ ...TRUSTING, withoutClock: () => false }), /unknown-time/, 46);
    });

    it('compare with a certificate by usages 0 to 3', async () => {
      const by = (usage: 0 | 1 | 2 | 3, name: string): CertificateSecurity['serverCertificate'] =>
        ({ usage, selector: 'certificate', matching: 'exact', data: der(name) }) as const;
      for (const [usage, name] of [
        [0, 'inter'],
        [1, 'server'],
      ] as const) {
        await joins({ ...TRUSTING, serverCertificate: by(usage, name) });
        assertSaid(await refusal({ ...TRUSTING, serverCertificate: by(usage, 'client') }), /no-match/, 42);
      }
      await joins({ mode: 'certificate', serverCertificate: by(2, 'inter') });
      assertSaid(await refusal({ mode: 'certificate', serverCertificate: by(2, 'other-root') }), /unknown-issuer/, 48);
      await joins({ mode: 'certificate', serverCertificate: by(3, 'server') }, HOST, { serverName: 'other.example' });
      assertSaid(await refusal({ mode: 'certificate', serverCertificate: by(3, 'client') }), /no-match/, 42);
    });

    it('go by revocation lists, on both sides', async () => {
      const lists = (...names: readonly string[]): CertificateRevocationListInfo =>
        certificateRevocationListFromArray(
          names.map((name) => certificateRevocationListFromBuffer(revocationListDer(name))),
        );
      const [none, ofIntermediate] = [lists('inter-crl', 'root-crl'), lists('inter-crl', 'root-crl-inter')];
      await joins({ ...TRUSTING, revocationLists: none });
      assertSaid(await refusal({ ...TRUSTING, revocationLists: ofIntermediate }), /revoked/, 44);
      const lenient = await world.server({ ...SERVER, revocationLists: none }, { versions });
      await world.join(world.client(SHOWING, { versions }), lenient);
      const strict = await world.server({ ...SERVER, revocationLists: ofIntermediate }, { versions });
      await world.refused(world.client(SHOWING, { versions }), strict);
      await world.logs(/a TLS handshake failed[^]*revoked/);
    });

    it('trust what the operating system does, if told to, and only then', async () => {
      const server = await world.server(ANYBODY, { versions });
      const trusting = nodeTls({ systemTrustStore: { certificates: () => [der('root')] } });
      const connect = async (security: Security): Promise<void> => {
        const client = world.keep(trusting.createSocket({ security, versions, serverName: HOST }, world.environment));
        await client.connect(ADDRESS, server.local?.port ?? 0);
      };
      await connect({ mode: 'certificate', systemTrustStore: true });
      await assert.rejects(connect({ mode: 'certificate' }), /nothing-configured/);
      assert.throws(() => world.client({ mode: 'certificate', systemTrustStore: true }), /systemTrustStore/);
    });

    it('take DANE records given before connect', async () => {
      const associationData = nodeProvider.hash('sha256', spkiOf('server'));
      const record = { usage: 3, selector: 1, matchingType: 1, associationData } as const;
      const dane: CertificateSecurity = { mode: 'certificate', dane: true };
      await joins(dane, HOST, { daneTlsaRecords: [record] });
      const wrong = { ...record, associationData: new Uint8Array(32) };
      assertSaid(await refusal(dane, HOST, { daneTlsaRecords: [wrong] }), /no-match/, 42);
      assert.throws(() => world.client(TRUSTING, { daneTlsaRecords: [record] }), { code: 'ENOTSUP' });
    });

    it('accept anybody only by a name that says danger', async () => {
      await joins({ mode: 'certificate', dangerSkipPeerValidation: true });
    });

    it('keep clients out that show no certificate, one for servers, one of another CA', async () => {
      const server = await world.server(SERVER, { versions });
      const wrongPurpose = { ...SHOWING, clientChain: chainOf('server', 'inter'), clientKey: SERVER.key };
      for (const security of [TRUSTING, wrongPurpose]) {
        const error = await world.refused(world.client(security, { versions }), server);
        // In TLS 1.3 a server hears of its client when it has said its Finished: it can only hang up.
        if (version === 'TLS1.2') assert.ok(error instanceof TlsAlertError && error.direction === 'received');
        else assert.ok(['ECONNRESET', 'EOF', 'EPIPE'].includes(error.code), error.message);
      }
      const strict = await world.server({ ...SERVER, trustAnchors: chainOf('other-root') }, { versions });
      await world.refused(world.client(SHOWING, { versions }), strict);
      const failed = await world.logs(/a TLS handshake failed/, 3);
      assert.match(failed.join('\n'), /showed no certificate[^]*wrong-purpose[^]*unknown-issuer/);
    });

    it('complete their chain from the trust anchors, if asked to', async () => {
      const server = await world.server(SERVER, { versions });
      const leafAlone = { ...SHOWING, clientChain: chainOf('client') };
      await world.refused(world.client(leafAlone, { versions }), server);
      const rebuilt = { ...leafAlone, trustAnchors: chainOf('root', 'inter'), rebuildClientChain: true };
      const session = await world.join(world.client(rebuilt, { versions }), server);
      assert.deepEqual(session.getOption('negotiated')?.peerCertificates, [der('client'), der('inter')]);
    });

    it('never complete a handshake of the other kind, whatever suites are named', async () => {
      const { ciphersuites } = world.backend.capabilities;
      for (const [client, security] of [
        [PSK, ANYBODY],
        [SHOWING, PSK_SERVER],
        [PSK, SERVER],
      ] as const) {
        const server = await world.server(security, { versions, ciphersuites });
        const error = await world.refused(world.client(client, { versions, ciphersuites }), server);
        assert.ok(['ETLSALERT', 'ETLS', 'ECONNRESET'].includes(error.code), error.message);
      }
    });

    it('agree on a protocol by ALPN, and end where there is none in common', async () => {
      const server = await world.server(ANYBODY, { versions, alpn: ['coap'] });
      const client = world.client(TRUSTING, { versions, alpn: ['other', 'coap'] });
      const session = await world.join(client, server);
      assert.equal(client.getOption('negotiated')?.alpn, 'coap');
      assert.equal(session.getOption('negotiated')?.alpn, 'coap');
      const error = await world.refused(world.client(TRUSTING, { versions, alpn: ['other'] }), server);
      assert.ok(error instanceof TlsAlertError && error.direction === 'received');
      assert.equal(error.description, 120);
      assert.match(error.message, /application protocols other/);
    });
  });
}

describe('node-tls: certificates', () => {
  it('say what was offered where version or suite are not shared', async () => {
    const server = await world.server(ANYBODY, { versions: ['TLS1.3'] });
    const version = await world.refused(world.client(TRUSTING, { versions: ['TLS1.2'] }), server);
    assert.ok(version instanceof TlsAlertError && version.description === 70, version.message);
    assert.match(version.message, /ours: TLS1\.2/);
    const narrow = await world.server(ANYBODY, { versions: ['TLS1.2'], ciphersuites: [0xc02b] });
    const suite = await world.refused(world.client(TRUSTING, { versions: ['TLS1.2'], ciphersuites: [0xc0ae] }), narrow);
    assert.ok(suite instanceof TlsAlertError && suite.description === 40, suite.message);
    assert.match(suite.message, /cipher suites 0xC0AE/);
    await world.logs(/no shared cipher/i);
  });

  it('take the suites asked for, in that order, every one there is', async () => {
    for (const id of world.backend.capabilities.ciphersuites) {
      const version = id >> 8 === 0x13 ? 'TLS1.3' : 'TLS1.2';
      for (const [client, security] of [
        [PSK, PSK_SERVER],
        [TRUSTING, ANYBODY],
      ] as const) {
        const configuration = { versions: [version], ciphersuites: [id] } as const;
        const attempt = (): unknown =>
          world.backend.createSocket({ security: client, ...configuration }, world.environment);
        try {
          attempt();
        } catch {
          continue; // not of this credential
        }
        if (RSA_SUITES.has(id)) continue; // the fixtures have no RSA key: spec/interop has
        const socket = world.client(client, configuration);
        await world.join(socket, await world.server(security, configuration));
        assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
      }
    }
    const server = await world.server(ANYBODY, { ciphersuites: [0x1304, 0x1301] });
    const socket = world.client(TRUSTING, { ciphersuites: [0x1301, 0x1304] });
    await world.join(socket, server);
    assert.equal(socket.getOption('negotiated')?.ciphersuite, 0x1304, "the server's order decides");
  });

  it('are refused when they are made: another key, half an identity, nobody to let in, an engine, more than one', async () => {
    const refused = (security: Security, expected: object): void =>
      assert.throws(() => world.client(security), expected);
    refused({ ...SHOWING, clientKey: SERVER.key }, { code: 'EINVAL' });
    refused({ ...SHOWING, clientKey: privateKeyEmpty() }, { code: 'ENODATA' });
    refused({ ...SHOWING, clientKey: privateKeyFromEngine('client') }, { code: 'ENOTSUP', message: /engine/ });
    const another = { chain: SERVER.chain, key: SERVER.key };
    refused({ ...SHOWING, clientCredentials: [another] }, { code: 'ENOTSUP', message: /clientCredentials/ });
    const unjudging = { ...SERVER, trustAnchors: undefined };
    await assert.rejects(world.server(unjudging), { code: 'ENOTSUP', message: /trustAnchors/ });
    await assert.rejects(world.server({ ...SERVER, key: privateKeyEmpty() }), { code: 'ENODATA' });
    for (const option of [{ connectionId: true }, { recordSizeLimit: 512 }, { maxFragmentLength: 512 }]) {
      assert.throws(() => world.client(TRUSTING, option), { code: 'ENOTSUP' }, Object.keys(option)[0]);
    }
  });

  it('tell of the own certificate when the socket is made, and zero the key when it is disposed', async () => {
    const told: Uint8Array[] = [];
    const client = world.client(SHOWING, { onOwnCertificate: (leaf) => told.push(leaf) });
    assert.deepEqual(told, [der('client')]);
    await client[Symbol.asyncDispose]();
    await assert.rejects(client.connect(HOST, 1), { code: 'EBADF' });
  });

  it('open an encrypted key, and say what is wrong with a password', async () => {
    const name = 'p256 encrypted sha256 aes256';
    const key = (password: string) => privateKeyFromBuffer(keyPem(name), password);
    assert.throws(() => world.client({ ...SHOWING, clientKey: key('no') }), { code: 'EINVAL', message: /password/ });
  });
});

const RSA_SUITES: ReadonlySet<number> = new Set([0xc02f, 0xcca8, 0xc030, 0xc027]);
