// Every suite OpenSSL shares with us, both roles: pre-shared keys, and certificates in chains of depth 3 with client
// authentication; and the certificates that must be refused.

import assert from 'node:assert/strict';
import { fromHex } from '../../lib/bytes/index.ts';
import { certificateChainFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { type DatagramSocket, type Security, TlsAlertError } from '../../lib/net/index.ts';
import { QUICK, backend, environment, nextText, psk, sendText } from './ours.ts';
import { clientSecurity, serverSecurity } from './ours-certificates.ts';
import {
  OPENSSL_SUITES,
  startOpensslCertificateClient,
  startOpensslCertificateServer,
  startOpensslClient,
  startOpensslServer,
} from './peers/openssl.ts';
import type { PeerProcess } from './peers/process.ts';
import { needs, smoke } from './peers/peer.ts';
import { type CertificateName, Pki } from './peers/pki.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'Client_identity';
type Suite = keyof typeof OPENSSL_SUITES;
const SMOKE: readonly Suite[] = ['PSK-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-CCM8', 'ECDHE-RSA-AES128-GCM-SHA256'];
const all = Object.keys(OPENSSL_SUITES) as Suite[];
const suites = smoke ? SMOKE : all;

describe('every suite beside OpenSSL', () => {
  needs('openssl');
  const pkis: Partial<Record<'ec' | 'rsa', Pki>> = {};
  before(() => {
    pkis.ec = new Pki('ec');
    pkis.rsa = new Pki('rsa');
  });
  after(() => {
    pkis.ec?.remove();
    pkis.rsa?.remove();
  });
  const pkiOf = (suite: Suite): Pki => (suite.includes('RSA') ? pkis.rsa! : pkis.ec!);

  for (const suite of suites.filter((each) => each.includes('PSK'))) {
    it(`${suite}: our client`, async () => {
      const server = await startOpensslServer({ suite, key: KEY });
      await talkAsClient(server, suite, psk(IDENTITY, fromHex(KEY)));
    });

    it(`${suite}: our server`, async () => {
      const security = { mode: 'psk', lookup: () => pskKeyFromBuffer(fromHex(KEY)) } as const;
      await talkAsServer(suite, security, (port) => startOpensslClient({ suite, key: KEY, port, identity: IDENTITY }));
    });
  }

  for (const suite of suites.filter((each) => !each.includes('PSK'))) {
    it(`${suite}: our client with a certificate, the chain of depth 3 checked both ways`, async () => {
      const pki = pkiOf(suite);
      const server = await startOpensslCertificateServer({
        suite,
        ...shownBy(pki, 'server'),
        trusted: pki.file('root.pem'),
      });
      await talkAsClient(server, suite, clientSecurity(pki, 'client'));
    });

    it(`${suite}: our client without a certificate`, async () => {
      const pki = pkiOf(suite);
      await talkAsClient(
        await startOpensslCertificateServer({ suite, ...shownBy(pki, 'server') }),
        suite,
        clientSecurity(pki),
      );
    });

    it(`${suite}: our server, which requires a certificate`, async () => {
      const pki = pkiOf(suite);
      await talkAsServer(suite, serverSecurity(pki, 'require'), (port) =>
        startOpensslCertificateClient({ suite, ...shownBy(pki, 'client'), trusted: pki.file('root.pem'), port }),
      );
    });

    it(`${suite}: our server, which asks for none`, async () => {
      const pki = pkiOf(suite);
      await talkAsServer(suite, serverSecurity(pki, 'none'), (port) =>
        startOpensslCertificateClient({ suite, trusted: pki.file('root.pem'), port }),
      );
    });
  }

  for (const [name, expected] of [
    ['wrong-host', /wrong-host/],
    ['wrong-eku', /wrong-purpose/],
    ['expired', /expired/],
  ] as const satisfies readonly (readonly [CertificateName, RegExp])[]) {
    it(`our client refuses s_server's certificate: ${name}`, async () => {
      const pki = pkis.ec!;
      await refused(pki, name, clientSecurity(pki), expected);
    });
  }

  it('our client refuses a server under another root, and any server if nothing is configured', async () => {
    const pki = pkis.ec!;
    const trustAnchors = certificateChainFromBuffer(pki.bytes('other-root.pem'));
    await refused(pki, 'server', { mode: 'certificate', trustAnchors }, /unknown-issuer/);
    await refused(pki, 'server', { mode: 'certificate' }, /nothing-configured/);
  });

  it('s_client without a certificate does not get into our server that requires one', async () => {
    const suite = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    const server = backend.createServer({ security: serverSecurity(pkis.ec!, 'require'), ...QUICK }, environment);
    await server.bind('127.0.0.1', 0);
    const client = startOpensslCertificateClient({ suite, port: server.local!.port });
    try {
      await client.waitFor(/alert handshake failure/i);
      assert.equal(server.counters?.sessionsEstablished, 0);
    } finally {
      server.close();
      await client.stop();
    }
  });

  if (smoke) return;

  for (const group of ['X25519', 'P-256', 'P-384']) {
    it(`s_server that has ${group} alone`, async () => {
      const suite = 'ECDHE-ECDSA-AES128-GCM-SHA256';
      const pki = pkis.ec!;
      const flags = ['-groups', group];
      const server = await startOpensslCertificateServer({ suite, ...shownBy(pki, 'server'), flags });
      await talkAsClient(server, suite, clientSecurity(pki));
    });

    it(`s_client that has ${group} alone`, async () => {
      const suite = 'ECDHE-RSA-AES128-GCM-SHA256';
      const pki = pkis.rsa!;
      const options = { suite, trusted: pki.file('root.pem'), flags: ['-groups', group] };
      await talkAsServer(suite, serverSecurity(pki, 'none'), (port) =>
        startOpensslCertificateClient({ ...options, port }),
      );
    });
  }

  it('fragments a flight with certificates at an mtu of 256 on both sides', async () => {
    const suite = 'ECDHE-ECDSA-AES128-CCM8';
    const pki = pkis.ec!;
    const flags = ['-mtu', '256'];
    const trusted = pki.file('root.pem');
    const server = await startOpensslCertificateServer({ suite, ...shownBy(pki, 'server'), trusted, flags });
    await talkAsClient(server, suite, clientSecurity(pki, 'client'), 256);
  });
});

function shownBy(pki: Pki, name: CertificateName): { certificate: string; key: string; chain: string } {
  return { certificate: pki.file(`${name}.pem`), key: pki.file(`${name}.key`), chain: pki.file('inter.pem') };
}

async function talkAsClient(
  server: { readonly port: number; readonly process: PeerProcess },
  suite: Suite,
  security: Security,
  mtu?: number,
): Promise<void> {
  const ciphersuites = [OPENSSL_SUITES[suite]];
  const socket = backend.createSocket(
    { security, ciphersuites, ...QUICK, ...(mtu === undefined ? {} : { socket: { mtu } }) },
    environment,
  );
  try {
    await socket.connect('127.0.0.1', server.port);
    assert.equal(socket.getOption('negotiated')?.ciphersuite, OPENSSL_SUITES[suite]);
    sendText(socket, 'from our client\n');
    await server.process.waitFor(/^from our client$/m);
    server.process.writeLine('hello from openssl');
    assert.equal(await nextText(socket), 'hello from openssl\n');
    await socket.shutdown();
    socket.close();
    await server.process.waitFor(/^DONE$/m);
  } finally {
    socket.close();
    await server.process.stop();
  }
}

async function talkAsServer(
  suite: Suite,
  security: Parameters<typeof backend.createServer>[0]['security'],
  start: (port: number) => PeerProcess,
): Promise<void> {
  const server = backend.createServer({ security, ciphersuites: [OPENSSL_SUITES[suite]], ...QUICK }, environment);
  await server.bind('127.0.0.1', 0);
  const client = start(server.local!.port);
  let session: DatagramSocket | undefined;
  try {
    session = await Promise.race([
      server.accept(),
      client.exited.then(() => Promise.reject(new Error(`s_client ended: ${client.output}`))),
    ]);
    assert.equal(session.getOption('negotiated')?.ciphersuite, OPENSSL_SUITES[suite]);
    await client.waitFor(new RegExp(`Cipher\\s*: ${suite}`));
    client.writeLine('from openssl');
    assert.equal(await nextText(session), 'from openssl\n');
    sendText(session, 'hello from our server\n');
    await client.waitFor(/^hello from our server$/m);
    client.writeLine('Q');
    assert.equal(await nextText(session), null);
    await client.exited;
  } finally {
    server.close();
    await client.stop();
  }
}

async function refused(pki: Pki, name: CertificateName, security: Security, expected: RegExp): Promise<void> {
  const server = await startOpensslCertificateServer({ suite: 'ALL', ...shownBy(pki, name) });
  const socket = backend.createSocket({ security, ...QUICK }, environment);
  try {
    await assert.rejects(socket.connect('127.0.0.1', server.port), (error: unknown) => {
      assert.ok(error instanceof TlsAlertError, `${error}`);
      assert.equal(error.direction, 'sent');
      assert.match(error.message, expected);
      return true;
    });
  } finally {
    socket.close();
    await server.process.stop();
  }
}
