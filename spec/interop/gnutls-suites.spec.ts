// Every suite GnuTLS shares with us, both roles: pre-shared keys, certificates both ways, and raw public keys (RFC 7250).

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { fromHex } from '../../lib/bytes/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import type { Security, ServerSecurity } from '../../lib/net/index.ts';
import { QUICK, backend, environment, nextText, psk, sendText } from './ours.ts';
import { clientSecurity, rawClient, rawServer, serverSecurity } from './ours-certificates.ts';
import {
  GNUTLS_SUITES,
  type GnutlsOptions,
  type GnutlsSuite,
  startGnutlsClient,
  startGnutlsEcho,
} from './peers/gnutls-certificates.ts';
import { needs, smoke } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const usesPsk = ({ keyExchange }: GnutlsSuite): boolean => keyExchange.endsWith('PSK');

if (!smoke) {
  describe('every suite beside GnuTLS', () => {
    needs('gnutls');
    const pkis: Partial<Record<'ec' | 'rsa', Pki>> = {};
    before(() => {
      pkis.ec = new Pki('ec');
      pkis.rsa = new Pki('rsa');
      writeFileSync(pkis.ec.file('psk.txt'), `someone:${KEY}\n`, { mode: 0o600 });
    });
    after(() => {
      pkis.ec?.remove();
      pkis.rsa?.remove();
    });
    const pkiOf = ({ keyExchange }: GnutlsSuite): Pki => (keyExchange === 'ECDHE-RSA' ? pkis.rsa! : pkis.ec!);

    for (const suite of GNUTLS_SUITES.filter(usesPsk)) {
      const name = `${suite.keyExchange} ${suite.cipher}`;
      it(`${name}: our client`, () =>
        asClient({ suite, flags: ['--pskpasswd', pkis.ec!.file('psk.txt')] }, psk('someone', fromHex(KEY))));
      it(`${name}: our server`, () =>
        asServer(
          { suite, flags: ['--pskusername', 'someone', '--pskkey', KEY] },
          { mode: 'psk', lookup: () => pskKeyFromBuffer(fromHex(KEY)) },
        ));
    }

    for (const suite of GNUTLS_SUITES.filter((each) => !usesPsk(each))) {
      const name = `${suite.keyExchange} ${suite.cipher}`;
      const x509 = (role: 'server' | 'client'): readonly string[] => {
        const pki = pkiOf(suite);
        const files = ['--x509certfile', pki.file(`${role}-chain.pem`), '--x509keyfile', pki.file(`${role}.key`)];
        return [...files, '--x509cafile', pki.file('root.pem')];
      };
      it(`${name}: our client, certificates both ways`, () =>
        asClient(
          { suite, flags: [...x509('server'), '-r', '--verify-client-cert'] },
          clientSecurity(pkiOf(suite), 'client'),
        ));
      it(`${name}: our server, certificates both ways`, () =>
        asServer({ suite, flags: x509('client') }, serverSecurity(pkiOf(suite))));
      if (suite.cipher.includes('CBC')) continue;
      const rawFlags = (role: 'server' | 'client'): readonly string[] => {
        const pki = pkiOf(suite);
        return ['--rawpkkeyfile', pki.file(`${role}.key`), '--rawpkfile', pki.file(`${role}.pub`)];
      };
      it(`${name}: our client, raw public keys both ways`, () =>
        asClient({ suite, raw: true, flags: [...rawFlags('server'), '-r'] }, rawClient(pkiOf(suite))));
      it(`${name}: our server, raw public keys both ways`, () =>
        asServer({ suite, raw: true, flags: [...rawFlags('client'), '--insecure'] }, rawServer(pkiOf(suite))));
    }

    it('our client refuses a raw public key that it does not know', async () => {
      const suite = GNUTLS_SUITES.find(({ id }) => id === 0xc02b)!;
      const pki = pkis.ec!;
      const flags = ['--rawpkkeyfile', pki.file('client.key'), '--rawpkfile', pki.file('client.pub')];
      await assert.rejects(asClient({ suite, raw: true, flags }, rawClient(pki)), /one of those configured/);
    });
  });
}

async function asClient(options: GnutlsOptions, security: Security): Promise<void> {
  const { port, process } = await startGnutlsEcho(options);
  const { id } = options.suite;
  const socket = backend.createSocket({ security, ciphersuites: [id], ...QUICK }, environment);
  try {
    await socket.connect('127.0.0.1', port);
    assert.equal(socket.getOption('negotiated')?.ciphersuite, id);
    for (const line of ['first\n', 'second\n']) {
      sendText(socket, line);
      assert.equal(await nextText(socket), line);
    }
  } catch (error) {
    throw new Error(`${String(error)}\n${process.output}`, { cause: error });
  } finally {
    socket.close();
    await process.stop();
  }
}

async function asServer(options: GnutlsOptions, security: ServerSecurity): Promise<void> {
  const { id } = options.suite;
  const server = backend.createServer({ security, ciphersuites: [id], ...QUICK }, environment);
  await server.bind('127.0.0.1', 0);
  const client = startGnutlsClient({ ...options, port: server.local!.port });
  try {
    const session = await Promise.race([
      server.accept(),
      client.exited.then(() => Promise.reject(new Error(`gnutls-cli ended: ${client.output}`))),
    ]);
    assert.equal(session.getOption('negotiated')?.ciphersuite, id);
    // gnutls-cli 3.7.9 dies (SIGSEGV) when it is to print what ECDHE_PSK agreed on: its Finished has verified by then.
    if (options.suite.keyExchange === 'ECDHE-PSK') return;
    await client.waitFor(/Handshake was completed/);
    client.writeLine('from gnutls');
    assert.equal(await nextText(session), 'from gnutls\n');
    sendText(session, 'hello from our server\n');
    await client.waitFor(/^hello from our server$/m);
  } finally {
    server.close();
    await client.stop();
  }
}
