// Our DTLS against Scandium's, both roles: the ECDHE_PSK suites that neither OpenSSL nor GnuTLS has, and what LwM2M servers
// built on Californium ask for.

import assert from 'node:assert/strict';
import { fromHex } from '../../lib/bytes/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import type { Security, ServerSecurity } from '../../lib/net/index.ts';
import { QUICK, backend, environment, nextText, psk, sendText } from './ours.ts';
import { clientSecurity, rawClient, rawServer, serverSecurity } from './ours-certificates.ts';
import { needs, smoke } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';
import { UdpRelay } from './peers/relay.ts';
import { startScandiumClient, startScandiumServer } from './peers/scandium.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'device';
type CredentialName = 'psk' | 'certificate' | 'rawPublicKey';

interface Case {
  readonly suite: string;
  readonly id: number;
  readonly credential: CredentialName;
}

const CASES: readonly Case[] = [
  { suite: 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', id: 0xd001, credential: 'psk' },
  { suite: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', id: 0xd003, credential: 'psk' },
  { suite: 'TLS_PSK_WITH_AES_128_CCM_8', id: 0xc0a8, credential: 'psk' },
  { suite: 'TLS_PSK_WITH_AES_128_CCM', id: 0xc0a4, credential: 'psk' },
  { suite: 'TLS_PSK_WITH_AES_256_CCM_8', id: 0xc0a9, credential: 'psk' },
  { suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256', id: 0x00a8, credential: 'psk' },
  { suite: 'TLS_PSK_WITH_AES_256_GCM_SHA384', id: 0x00a9, credential: 'psk' },
  { suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', id: 0xc0ae, credential: 'certificate' },
  { suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', id: 0xc02b, credential: 'certificate' },
  { suite: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', id: 0xc02c, credential: 'certificate' },
  { suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', id: 0xc0ae, credential: 'rawPublicKey' },
];

describe('DTLS beside Scandium', () => {
  needs('leshan', 'openssl');
  let pki: Pki;
  before(() => (pki = new Pki('ec')));
  after(() => pki?.remove());

  const theirs = (credential: CredentialName, role: 'server' | 'client'): readonly string[] => {
    if (credential === 'psk') return ['-i', IDENTITY, '-k', KEY];
    const own = ['-key', pki.file(`${role}.key`), '-chain', pki.file(`${role}-chain.pem`)];
    const other = role === 'server' ? 'client' : 'server';
    return credential === 'certificate'
      ? [...own, '-ca', pki.file('root.pem')]
      : [...own, '-trust', pki.file(`${other}.pem`)];
  };
  const ourClient: Readonly<Record<CredentialName, () => Security>> = {
    psk: () => psk(IDENTITY, fromHex(KEY)),
    certificate: () => clientSecurity(pki, 'client'),
    rawPublicKey: () => rawClient(pki),
  };
  const ourServer: Readonly<Record<CredentialName, () => ServerSecurity>> = {
    psk: () => ({ mode: 'psk', lookup: () => pskKeyFromBuffer(fromHex(KEY)) }),
    certificate: () => serverSecurity(pki),
    rawPublicKey: () => rawServer(pki),
  };

  for (const { suite, id, credential } of smoke ? CASES.slice(0, 1) : CASES) {
    it(`${suite}, ${credential}: our client`, async () => {
      const server = await startScandiumServer({ suite, credential: theirs(credential, 'server') });
      const socket = backend.createSocket(
        { security: ourClient[credential](), ciphersuites: [id], ...QUICK },
        environment,
      );
      try {
        await socket.connect('127.0.0.1', server.port);
        assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
        for (const line of ['first\n', 'second\n']) {
          sendText(socket, line);
          assert.equal(await nextText(socket), line);
        }
        await server.process.waitFor(new RegExp(`^cipher ${suite}`, 'm'));
      } catch (error) {
        throw new Error(`${String(error)}\n${server.process.output}`, { cause: error });
      } finally {
        socket.close();
        await server.process.stop();
      }
    });

    it(`${suite}, ${credential}: our server`, async () => {
      const server = backend.createServer(
        { security: ourServer[credential](), ciphersuites: [id], ...QUICK },
        environment,
      );
      await server.bind('127.0.0.1', 0);
      const port = server.local!.port;
      const client = await startScandiumClient({ suite, credential: theirs(credential, 'client'), port });
      try {
        client.writeLine('from scandium');
        const failed = client.waitFor(/^(failed|alert).*$/m).then(([line]) => Promise.reject(new Error(line)));
        failed.catch(() => undefined);
        const session = await Promise.race([server.accept(), failed]);
        assert.equal(session.getOption('negotiated')?.ciphersuite, id);
        assert.equal(await nextText(session), 'from scandium\n');
        sendText(session, 'hello from our server\n');
        await client.waitFor(/^hello from our server$/m);
      } finally {
        server.close();
        await client.stop();
      }
    });
  }

  describe('with connection ids', () => {
    const suite = 'TLS_PSK_WITH_AES_128_CCM_8';
    for (const [name, ours, length] of smoke
      ? ([['to the server alone', true, 6]] as const)
      : ([
          ['to the server alone', true, 6],
          ['both ways', { length: 4 }, 6],
          ['to our side alone', { length: 5 }, 0],
        ] as const)) {
      it(`${name}: our client goes on from another port`, async () => {
        const server = await startScandiumServer({ suite, credential: theirs('psk', 'server'), connectionId: length });
        const relay = await UdpRelay.start({ target: server.port });
        const socket = backend.createSocket(
          { security: ourClient.psk(), connectionId: ours, ciphersuites: [0xc0a8], ...QUICK },
          environment,
        );
        try {
          await socket.connect('127.0.0.1', relay.port);
          const { connectionId } = socket.getOption('negotiated')!;
          assert.equal(connectionId?.peer.length, length);
          sendText(socket, 'first\n');
          assert.equal(await nextText(socket), 'first\n');
          if (length === 0) return;
          relay.rebind();
          sendText(socket, 'second\n');
          assert.equal(await nextText(socket), 'second\n');
        } catch (error) {
          throw new Error(`${String(error)}\n${server.process.output}`, { cause: error });
        } finally {
          socket.close();
          relay.close();
          await server.process.stop();
        }
      });

      it(`${name}: our server follows Scandium's client to another port`, async () => {
        const server = backend.createServer(
          { security: ourServer.psk(), connectionId: { length }, ciphersuites: [0xc0a8], ...QUICK },
          environment,
        );
        await server.bind('127.0.0.1', 0);
        const relay = await UdpRelay.start({ target: server.local!.port });
        const connectionId = ours === true ? 0 : ours.length;
        const options = { suite, credential: theirs('psk', 'client'), port: relay.port, connectionId };
        const client = await startScandiumClient(options);
        try {
          client.writeLine('from scandium');
          const session = await server.accept();
          assert.deepEqual(session.getOption('negotiated')?.connectionId?.own.length, length);
          assert.equal(await nextText(session), 'from scandium\n');
          const before = session.remote!.port;
          if (length > 0) {
            relay.rebind();
            client.writeLine('from elsewhere');
            assert.equal(await nextText(session), 'from elsewhere\n');
            assert.notEqual(session.remote!.port, before);
          }
          sendText(session, 'hello from our server\n');
          await client.waitFor(/^hello from our server$/m);
        } finally {
          server.close();
          relay.close();
          await client.stop();
        }
      });
    }
  });

  if (smoke) return;

  it('block chaining without encrypt-then-MAC, which Scandium lacks, is refused by both our roles', async () => {
    const options = { suite: 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256', credential: theirs('psk', 'server') };
    const scandium = await startScandiumServer(options);
    const common = { ciphersuites: [0xc037], ...QUICK };
    const socket = backend.createSocket({ security: ourClient.psk(), ...common }, environment);
    const server = backend.createServer({ security: ourServer.psk(), ...common }, environment);
    await server.bind('127.0.0.1', 0);
    const client = await startScandiumClient({ ...options, port: server.local!.port });
    try {
      await assert.rejects(socket.connect('127.0.0.1', scandium.port), /handshake_failure .*sent: encrypt_then_mac/);
      client.writeLine('from scandium');
      await client.waitFor(/HANDSHAKE_FAILURE|handshake.failure/i);
      assert.equal(server.counters?.sessionsEstablished, 0);
    } finally {
      socket.close();
      server.close();
      await Promise.all([scandium.process.stop(), client.stop()]);
    }
  });
});
