// One DtlsEndpoint on one socket, client and server at once, with pre-shared keys, certificates and raw public keys,
// beside OpenSSL and GnuTLS.

import assert from 'node:assert/strict';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { CredentialPool } from '../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../security-backends/native/endpoint.ts';
import type { EndpointSession } from '../../security-backends/native/endpoint-session.ts';
import { QUICK, environment } from './ours.ts';
import { GNUTLS_SUITES, type GnutlsSuite, startGnutlsClient, startGnutlsEcho } from './peers/gnutls-certificates.ts';
import { startOpensslCertificateClient, startOpensslClient, startOpensslServer } from './peers/openssl.ts';
import { needs } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';
import type { PeerProcess } from './peers/process.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'Client_identity';
const LOOPBACK = '127.0.0.1';
const RAW_SUITE: GnutlsSuite = GNUTLS_SUITES.find(({ id }) => id === 0xc02b)!;

describe('one endpoint beside OpenSSL and GnuTLS', () => {
  needs('openssl', 'gnutls');
  let pki: Pki | undefined;
  const stops: (() => unknown)[] = [];

  before(() => {
    pki = new Pki('ec');
  });
  after(() => pki?.remove());
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  it('is client of two and server of three at once, each with its kind of credential', async () => {
    const endpoint = await endpointOf(pki!);
    const s_server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
    const gnutlsServer = await startGnutlsEcho({ suite: RAW_SUITE, raw: true, flags: [...raw('server'), '-r'] });
    stops.push(
      () => s_server.process.stop(),
      () => gnutlsServer.process.stop(),
    );
    const ours = {
      psk: await endpoint.connect({ address: LOOPBACK, port: s_server.port }, { credential: 'psk' }),
      raw: await endpoint.connect({ address: LOOPBACK, port: gnutlsServer.port }, { credential: 'rawPublicKey' }),
    };
    const { port } = endpoint.socket.local!;
    const known = new Set<EndpointSession>(Object.values(ours));
    const theirs = {
      psk: await met(
        endpoint,
        known,
        startOpensslClient({ suite: 'PSK-AES128-GCM-SHA256', key: KEY, port, identity: IDENTITY }),
      ),
      certificate: await met(
        endpoint,
        known,
        startOpensslCertificateClient({
          suite: 'ECDHE-ECDSA-AES128-GCM-SHA256',
          certificate: pki!.file('client.pem'),
          key: pki!.file('client.key'),
          chain: pki!.file('inter.pem'),
          trusted: pki!.file('root.pem'),
          port,
        }),
      ),
      raw: await met(
        endpoint,
        known,
        startGnutlsClient({ suite: RAW_SUITE, raw: true, flags: [...raw('client'), '--insecure'], port }),
      ),
    };
    assert.deepEqual(
      Object.values(theirs).map(({ session }) => [session.role, session.credential]),
      [
        ['server', 'psk'],
        ['server', 'certificate'],
        ['server', 'rawPublicKey'],
      ],
    );
    assert.deepEqual(endpoint.load, { handshakes: 0, sessions: 5 });

    for (const { session, process } of Object.values(theirs)) {
      process.writeLine('from a client');
      assert.equal(await nextText(endpoint, session), 'from a client\n');
      session.sendNow([utf8Encode('hello '), utf8Encode('from our endpoint\n')]);
      await process.waitFor(/^hello from our endpoint$/m);
    }
    ours.psk.sendNow([utf8Encode('from '), utf8Encode('our client\n')]);
    await s_server.process.waitFor(/^from our client$/m);
    s_server.process.writeLine('hello from openssl');
    assert.equal(await nextText(endpoint, ours.psk), 'hello from openssl\n');
    ours.raw.sendNow(utf8Encode('echo\n'));
    assert.equal(await nextText(endpoint, ours.raw), 'echo\n');

    theirs.psk.process.writeLine('Q'); // s_client's command: close_notify, then leave
    await theirs.psk.process.exited;
    ours.psk.close();
    await s_server.process.waitFor(/^DONE$/m);
    assert.ok(!([...endpoint.sessions()] as unknown[]).includes(theirs.psk.session));
  });

  it('a renewal that its server does not answer leaves the session (OpenSSL takes no new hello in a session)', async () => {
    const endpoint = await endpointOf(pki!);
    const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
    stops.push(() => server.process.stop());
    const session = await endpoint.connect({ address: LOOPBACK, port: server.port }, { credential: 'psk' });
    await assert.rejects(session.renew({ timeout: seconds(2) }), { code: 'ETIMEDOUT' });
    session.sendNow(utf8Encode('still here\n'));
    await server.process.waitFor(/^still here$/m);
  });

  function raw(role: 'server' | 'client'): readonly string[] {
    return ['--rawpkkeyfile', pki!.file(`${role}.key`), '--rawpkfile', pki!.file(`${role}.pub`)];
  }

  async function endpointOf(files: Pki): Promise<DtlsEndpoint> {
    const credentials = new CredentialPool({}, environment);
    const key = privateKeyFromBuffer(files.bytes('server.key'));
    credentials.add(1, {
      type: 'psk',
      identity: pskIdentityFromBuffer(utf8Encode(IDENTITY)),
      key: pskKeyFromBuffer(fromHex(KEY)),
      hint: utf8Encode('a hint'),
    });
    credentials.add(2, {
      type: 'certificate',
      chain: certificateChainFromBuffer(files.bytes('server-chain.pem')),
      key,
      trustAnchors: certificateChainFromBuffer(files.bytes('root.pem')),
    });
    credentials.add(3, { type: 'rawKey', privateKey: key });
    credentials.add(3, { type: 'peerKeys', keys: rawPublicKeyFromBuffer(files.bytes('client.pub')) });
    credentials.add(4, { type: 'peerKeys', keys: rawPublicKeyFromBuffer(files.bytes('server.pub')) });
    const datagramSocket = (): ReturnType<typeof udpSocket> => udpSocket({}, environment);
    const endpoint = new DtlsEndpoint({ credentials, tags: [1, 2, 3, 4], datagramSocket, ...QUICK }, environment);
    stops.push(() => endpoint.close());
    await endpoint.bind(LOOPBACK, 0);
    return endpoint;
  }

  /** The session of a client that has just been started. */
  async function met(
    endpoint: DtlsEndpoint,
    known: Set<EndpointSession>,
    process: PeerProcess,
  ): Promise<{ readonly session: EndpointSession; readonly process: PeerProcess }> {
    stops.push(() => process.stop());
    for (;;) {
      const { kind, session } = await Promise.race([
        endpoint.receive(),
        process.exited.then(() => Promise.reject(new Error(`the client ended: ${process.output}`))),
      ]);
      if (kind !== 'connected' || known.has(session)) continue;
      known.add(session);
      await process.waitFor(/Handshake was completed|Verify return code|Cipher\s*:/);
      return { session, process };
    }
  }
});

async function nextText(endpoint: DtlsEndpoint, session: EndpointSession): Promise<string> {
  for (;;) {
    const received = await endpoint.receive({ timeout: seconds(10) });
    if (received.kind !== 'data' || received.session !== session) continue;
    return received.segments.map((segment) => new TextDecoder().decode(segment)).join('');
  }
}
