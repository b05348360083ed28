// Sessions resumed beside OpenSSL, GnuTLS and Scandium, by ticket and by id, both roles; and what a server does of a key
// that has changed.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fromHex } from '../../lib/bytes/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import type { DatagramSocket, SessionStore, SslConfiguration } from '../../lib/net/index.ts';
import { QUICK, backend, clientSocket, environment, listening, nextText, sendText } from './ours.ts';
import { clientSecurity, serverSecurity } from './ours-certificates.ts';
import { startGnutlsServer } from './peers/gnutls.ts';
import { type GnutlsSuite, startGnutlsClient } from './peers/gnutls-certificates.ts';
import {
  startOpensslCertificateClient,
  startOpensslCertificateServer,
  startOpensslClient,
  startOpensslServer,
} from './peers/openssl.ts';
import { needs, smoke } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';
import { startScandiumClient, startScandiumServer } from './peers/scandium.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'Client_identity';
const SUITE = 'PSK-AES128-CCM8';

function memoryStore(): SessionStore & { readonly sessions: Map<string, Uint8Array> } {
  const sessions = new Map<string, Uint8Array>();
  return {
    sessions,
    load: (key) => sessions.get(key)?.slice(),
    save: (key, session) => void sessions.set(key, session.slice()),
    remove: (key) => void sessions.delete(key),
  };
}

/** Connects, says a line, and leaves. @returns whether the session was resumed */
async function visit(socket: DatagramSocket, port: number, heard: () => Promise<unknown>): Promise<boolean> {
  try {
    await socket.connect('127.0.0.1', port);
    sendText(socket, 'from our client\n');
    await heard();
    return socket.getOption('sessionResumed');
  } finally {
    await socket.shutdown();
    socket.close();
  }
}

describe('resumption beside OpenSSL', () => {
  needs('openssl');
  let directory: string;
  before(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'resumption-'))));
  after(() => rmSync(directory, { recursive: true }));

  for (const [name, flags] of [
    ['ticket', []],
    ['id', ['-no_ticket']],
  ] as const) {
    it(`our client resumes by ${name}`, async () => {
      const server = await startOpensslServer({ suite: SUITE, key: KEY, flags });
      const sessionStore = memoryStore();
      try {
        const resumed: boolean[] = [];
        for (let i = 0; i < 3; i++) {
          const socket = clientSocket(IDENTITY, fromHex(KEY), { sessionStore });
          resumed.push(await visit(socket, server.port, () => server.process.waitFor(/from our client/)));
        }
        assert.deepEqual(resumed, [false, true, true], server.process.output);
        assert.equal(sessionStore.sessions.size, 1);
      } finally {
        await server.process.stop();
      }
    });

    it(`our server resumes s_client's session by ${name}`, async () => {
      const { server, port } = await listening(
        { [IDENTITY]: fromHex(KEY) },
        { resumption: { tickets: name === 'ticket' } },
      );
      const file = path.join(directory, `${name}.pem`);
      try {
        for (const expected of [false, true]) {
          const session = expected ? ['-sess_in', file] : ['-sess_out', file];
          const client = startOpensslClient({ suite: SUITE, key: KEY, port, identity: IDENTITY, flags: session });
          const accepted = await server.accept();
          assert.equal(accepted.getOption('sessionResumed'), expected);
          await client.waitFor(expected ? /^Reused, /m : /^New, /m);
          client.writeLine('from openssl');
          assert.equal(await nextText(accepted), 'from openssl\n');
          client.writeLine('Q');
          await client.exited;
          assert.ok(existsSync(file), client.output);
        }
      } finally {
        server.close();
      }
    });
  }

  if (smoke) return;

  it('another key of the same identity leads to a full handshake, at our server', async () => {
    let key = fromHex(KEY);
    const lookup = (): ReturnType<typeof pskKeyFromBuffer> => pskKeyFromBuffer(key);
    const server = backend.createServer({ security: { mode: 'psk', lookup }, resumption: true, ...QUICK }, environment);
    await server.bind('127.0.0.1', 0);
    const port = server.local!.port;
    const file = path.join(directory, 'changed.pem');
    const other = 'ff0102030405060708090a0b0c0d0e0f';
    try {
      const first = startOpensslClient({
        suite: SUITE,
        key: KEY,
        port,
        identity: IDENTITY,
        flags: ['-sess_out', file],
      });
      await server.accept();
      await first.waitFor(/^New, /m);
      first.writeLine('Q');
      await first.exited;
      key = fromHex(other);
      const flags = ['-sess_in', file];
      const second = startOpensslClient({ suite: SUITE, key: other, port, identity: IDENTITY, flags });
      const session = await server.accept();
      assert.equal(session.getOption('sessionResumed'), false);
      await second.waitFor(/^New, /m);
      await second.stop();
    } finally {
      server.close();
    }
  });

  describe('with client certificates', () => {
    let pki: Pki;
    before(() => (pki = new Pki('ec')));
    after(() => pki?.remove());
    const suite = 'ECDHE-ECDSA-AES128-GCM-SHA256';

    it('our client resumes, and shows nothing again', async () => {
      const server = await startOpensslCertificateServer({
        suite,
        certificate: pki.file('server.pem'),
        key: pki.file('server.key'),
        chain: pki.file('server-chain.pem'),
        trusted: pki.file('root.pem'),
        flags: ['-no_ticket'],
      });
      const sessionStore = memoryStore();
      const configuration: SslConfiguration = {
        security: clientSecurity(pki, 'client'),
        ciphersuites: [0xc02b],
        sessionStore,
        ...QUICK,
      };
      try {
        const resumed: boolean[] = [];
        for (let i = 0; i < 2; i++) {
          const socket = backend.createSocket(configuration, environment);
          resumed.push(await visit(socket, server.port, () => server.process.waitFor(/from our client/)));
          if (i === 1) assert.ok((socket.getOption('negotiated')?.peerCertificates?.length ?? 1) > 0);
        }
        assert.deepEqual(resumed, [false, true], server.process.output);
      } finally {
        await server.process.stop();
      }
    });

    for (const tickets of [true, false]) {
      it(`our server resumes s_client's session ${tickets ? 'by ticket or, for its chain is long, by id' : 'by id'}`, async () => {
        const server = backend.createServer(
          { security: serverSecurity(pki), ciphersuites: [0xc02b], resumption: { tickets }, ...QUICK },
          environment,
        );
        await server.bind('127.0.0.1', 0);
        const port = server.local!.port;
        const file = path.join(directory, `certificates-${tickets}.pem`);
        const common = {
          suite,
          certificate: pki.file('client.pem'),
          key: pki.file('client.key'),
          chain: pki.file('client-chain.pem'),
          trusted: pki.file('root.pem'),
          port,
        };
        try {
          for (const expected of [false, true]) {
            const client = startOpensslCertificateClient({
              ...common,
              flags: expected ? ['-sess_in', file] : ['-sess_out', file],
            });
            const accepted = await server.accept();
            assert.equal(accepted.getOption('sessionResumed'), expected, client.output);
            assert.ok(accepted.getOption('negotiated')!.peerCertificates!.length > 0);
            await client.waitFor(expected ? /^Reused, /m : /^New, /m);
            client.writeLine('Q');
            await client.exited;
          }
        } finally {
          server.close();
        }
      });
    }
  });
});

if (!smoke) {
  describe('resumption beside GnuTLS', () => {
    needs('gnutls');

    const suite: GnutlsSuite = { keyExchange: 'PSK', cipher: 'AES-128-CCM-8', id: 0xc0a8 };

    for (const [name, flags] of [
      ['ticket', []],
      ['id', ['--noticket']],
    ] as const) {
      it(`our client resumes by ${name}`, async () => {
        const server = await startGnutlsServer({ cipher: 'AES-128-CCM-8', identity: 'someone', key: KEY, flags });
        const sessionStore = memoryStore();
        try {
          const resumed: boolean[] = [];
          for (let i = 0; i < 2; i++) {
            const socket = clientSocket('someone', fromHex(KEY), { sessionStore });
            resumed.push(await visit(socket, server.port, () => nextText(socket)));
          }
          assert.deepEqual(resumed, [false, true]);
        } finally {
          await server.stop();
        }
      });

      it(`our server resumes gnutls-cli's session by ${name}`, async () => {
        const { server, port } = await listening(
          { someone: fromHex(KEY) },
          { resumption: { tickets: name === 'ticket' } },
        );
        const credential = ['--pskusername', 'someone', '--pskkey', KEY];
        const client = startGnutlsClient({ suite, port, flags: ['--resume', ...credential, ...flags] });
        try {
          const [first, second] = [await server.accept(), await server.accept()];
          assert.equal(first.getOption('sessionResumed'), false);
          assert.equal(second.getOption('sessionResumed'), true, client.output);
          await client.waitFor(/This is a resumed session/);
          client.writeLine('from gnutls');
          assert.equal(await nextText(second), 'from gnutls\n');
        } finally {
          server.close();
          await client.stop();
        }
      });
    }
  });

  describe('resumption beside Scandium', () => {
    needs('leshan');
    const suite = 'TLS_PSK_WITH_AES_128_CCM_8';
    const credential = ['-i', IDENTITY, '-k', KEY];

    it('our client resumes by id', async () => {
      const server = await startScandiumServer({ suite, credential });
      const sessionStore = memoryStore();
      try {
        const resumed: boolean[] = [];
        for (let i = 0; i < 2; i++) {
          const socket = clientSocket(IDENTITY, fromHex(KEY), { sessionStore });
          try {
            await socket.connect('127.0.0.1', server.port);
            sendText(socket, 'hello\n');
            assert.equal(await nextText(socket), 'hello\n');
            resumed.push(socket.getOption('sessionResumed'));
          } finally {
            socket.close(); // close_notify would have Scandium forget the session
          }
        }
        assert.deepEqual(resumed, [false, true], server.process.output);
      } finally {
        await server.process.stop();
      }
    });

    it("our server resumes Scandium's session by id", async () => {
      const { server, port } = await listening({ [IDENTITY]: fromHex(KEY) }, { resumption: true });
      const client = await startScandiumClient({ suite, credential, port });
      try {
        client.writeLine('first');
        const first = await server.accept();
        assert.equal(await nextText(first), 'first\n');
        client.writeLine('RESUME');
        client.writeLine('second');
        const second = await server.accept();
        assert.equal(await nextText(second), 'second\n');
        assert.equal(second.getOption('sessionResumed'), true);
      } finally {
        server.close();
        await client.stop();
      }
    });
  });
}
