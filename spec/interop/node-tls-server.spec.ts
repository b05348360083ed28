// Our TLS servers on node:tls beside OpenSSL's s_client and gnutls-cli: who gets in, what those hear who do not, and sessions
// resumed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { utf8Encode } from '../../lib/bytes/index.ts';
import type { ServerConfiguration, ServerSecurity, StreamSocket } from '../../lib/net/index.ts';
import { type StoredSessions, sessionsIn } from '../../lib/storage/index.ts';
import { FileStorage } from '../../lib/storage/node/file.ts';
import { serverSecurity } from './ours-certificates.ts';
import { ADDRESS, PSK, PSK_SERVER, heardLine, server } from './ours-tls.ts';
import { type OpensslTls, startTlsClient } from './peers/openssl-tls.ts';
import { needs } from './peers/peer.ts';
import { type CertificateName, Pki } from './peers/pki.ts';
import { PeerProcess } from './peers/process.ts';

const VERSIONS = ['TLS1.2', 'TLS1.3'] as const;

/** Sends the lines of every client back until it is closed. */
async function echoing(
  security: ServerSecurity,
  more: Partial<ServerConfiguration>,
  port = 0,
): Promise<{ readonly listener: StreamSocket; readonly sessions: StreamSocket[] }> {
  const listener = await server(security, more, port);
  const sessions: StreamSocket[] = [];
  const serve = async (): Promise<void> => {
    for (;;) {
      const session = await listener.accept();
      sessions.push(session);
      void heardLine(session).then(
        (line) => session.send(utf8Encode(`heard: ${line}\n`)),
        () => undefined,
      );
    }
  };
  serve().catch(() => undefined); // closed
  return { listener, sessions };
}

describe('node-tls: servers beside OpenSSL', () => {
  needs('openssl');
  let pki: Pki;
  let listener: StreamSocket | undefined;
  let peer: PeerProcess | undefined;
  before(() => (pki = new Pki('ec')));
  after(() => pki.remove());
  afterEach(async () => {
    listener?.close();
    await peer?.stop();
  });

  const serving = async (security: ServerSecurity, more: Partial<ServerConfiguration>): Promise<StreamSocket[]> => {
    const started = await echoing(security, more);
    listener = started.listener;
    return started.sessions;
  };
  const calling = (options: OpensslTls & { readonly cwd?: string }): PeerProcess => {
    peer = startTlsClient({ ...options, port: listener?.local?.port ?? 0 });
    return peer;
  };
  const shown = (name: CertificateName): NonNullable<OpensslTls['own']> => ({
    certificate: pki.file(`${name}.pem`),
    key: pki.file(`${name}.key`),
    chain: pki.file('inter.pem'),
  });

  for (const version of VERSIONS) {
    const versions = [version];

    it(`${version}: a pre-shared key, and the identity it came with`, async () => {
      const sessions = await serving(PSK_SERVER, { versions });
      calling({ version, psk: PSK }).writeLine('hello');
      await peer!.waitFor(/heard: hello/);
      assert.deepEqual(sessions[0]?.getOption('negotiated')?.pskIdentity, utf8Encode(PSK.identity));
    });

    it(`${version}: a stranger hears what a wrong key hears`, async () => {
      await serving(PSK_SERVER, { versions });
      const alerts: string[] = [];
      for (const psk of [
        { ...PSK, identity: 'stranger' },
        { ...PSK, key: 'ff'.repeat(16) },
      ]) {
        const [, number] = await calling({ version, psk }).waitFor(/SSL alert number (\d+)/);
        alerts.push(number!);
        await peer!.stop();
      }
      assert.equal(alerts[0], alerts[1]);
    });

    it(`${version}: certificates of both sides`, async () => {
      const sessions = await serving(serverSecurity(pki), { versions });
      calling({ version, own: shown('client'), trusted: pki.file('root.pem') }).writeLine('hello');
      await peer!.waitFor(/heard: hello/);
      assert.equal(sessions[0]?.getOption('negotiated')?.peerCertificates?.length, 2);
    });

    it(`${version}: a client with no certificate, an expired one, one of another CA or of a server is not let in`, async () => {
      const sessions = await serving(serverSecurity(pki), { versions });
      for (const name of [undefined, 'expired-client', 'other-client', 'server'] as const) {
        const own = name === undefined ? {} : { own: shown(name) };
        calling({ version, ...own }).writeLine('let me in');
        await peer!.exited;
        assert.doesNotMatch(peer!.output, /heard:/);
        // In TLS 1.3 a server hears of its client after its own Finished, and node:tls says no alert then.
        if (version === 'TLS1.2') assert.match(peer!.output, /SSL alert number (40|42|43|45|48)/, name);
      }
      assert.equal(sessions.length, 0);
    });

    it(`${version}: neither kind of server completes a handshake of the other`, async () => {
      await serving(PSK_SERVER, { versions });
      assert.notEqual(await calling({ version }).exited, 0);
      listener!.close();
      const sessions = await serving(serverSecurity(pki, 'none'), { versions });
      calling({ version, psk: PSK, suite: version === 'TLS1.2' ? 'PSK-AES128-GCM-SHA256' : undefined });
      if (version === 'TLS1.2') assert.notEqual(await peer!.exited, 0);
      else {
        // s_client offers its key and takes a certificate as well: then it is a handshake by certificate.
        peer!.writeLine('hello');
        await peer!.waitFor(/heard: hello/);
        assert.equal(sessions[0]?.getOption('negotiated')?.pskIdentity, undefined);
        assert.match(peer!.output, /BEGIN CERTIFICATE/);
      }
    });

    it(`${version}: ALPN`, async () => {
      const sessions = await serving(serverSecurity(pki, 'none'), { versions, alpn: ['coap'] });
      calling({ version, flags: ['-alpn', 'h2,coap'] }).writeLine('hello');
      await peer!.waitFor(/heard: hello/);
      assert.equal(sessions[0]?.getOption('negotiated')?.alpn, 'coap');
      await peer!.stop();
      await calling({ version, flags: ['-alpn', 'h2'] }).waitFor(/SSL alert number 120/);
    });

    it(`${version}: a session is resumed at the next server, whose ticket key was kept`, async () => {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'lwm2m-tls-tickets-'));
      try {
        const stored = sessionsIn(new FileStorage(directory));
        const saved: Promise<void>[] = [];
        const sessionStore: StoredSessions = {
          ...stored,
          save: (key, bytes) => saved[saved.push(stored.save(key, bytes)) - 1]!,
        };
        const configuration = { versions, resumption: true, sessionStore };
        await serving(serverSecurity(pki, 'none'), configuration);
        const { port } = listener!.local!;
        const session = path.join(directory, 'session.pem');
        calling({ version, flags: ['-sess_out', session] }).writeLine('hello');
        await peer!.waitFor(/heard: hello/);
        await peer!.stop();
        listener!.close();
        await Promise.all(saved);
        assert.ok(saved.length > 0, 'the ticket key is kept');
        const again = await echoing(
          serverSecurity(pki, 'none'),
          { ...configuration, sessionStore: sessionsIn(new FileStorage(directory)) },
          port,
        );
        listener = again.listener;
        calling({ version, flags: ['-sess_in', session] }).writeLine('hello');
        await peer!.waitFor(/Reused, TLSv1/);
        await peer!.waitFor(/heard: hello/);
        assert.equal(again.sessions[0]?.getOption('sessionResumed'), true);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });

    it(`${version}: renegotiation and what else a client may try changes nobody's name`, async () => {
      const sessions = await serving(serverSecurity(pki, 'none'), { versions });
      calling({ version }).writeLine('hello');
      await peer!.waitFor(/heard: hello/);
      peer!.writeLine('R');
      await peer!.exited.then(() => undefined);
      assert.ok(sessions.length === 1);
    }).timeout(15_000);
  }
});

describe('node-tls: servers beside GnuTLS', () => {
  needs('gnutls', 'openssl');
  let pki: Pki;
  before(() => (pki = new Pki('ec')));
  after(() => pki.remove());

  for (const version of VERSIONS) {
    it(`${version}: certificates of both sides, and a pre-shared key`, async () => {
      const call = async (security: ServerSecurity, priority: string, flags: readonly string[]): Promise<void> => {
        const { listener } = await echoing(security, { versions: [version] });
        const port = `${listener.local?.port ?? 0}`;
        const peer = new PeerProcess('gnutls-cli', ['-p', port, '--priority', priority, ...flags, ADDRESS]);
        try {
          await peer.waitFor(/Simple Client Mode/);
          peer.writeLine('hello');
          await peer.waitFor(/heard: hello/);
        } finally {
          await peer.stop();
          listener.close();
        }
      };
      const files = ['--x509certfile', pki.file('client-chain.pem'), '--x509keyfile', pki.file('client.key')];
      const trust = ['--x509cafile', pki.file('root.pem')];
      await call(serverSecurity(pki), `NORMAL:-VERS-ALL:+VERS-${version}`, [...files, ...trust]);
      // Not ECDHE-PSK in TLS 1.2: gnutls-cli 3.7.9 dies of it (SIGSEGV).
      const exchange = version === 'TLS1.2' ? '+PSK' : '+PSK:+ECDHE-PSK:+DHE-PSK';
      const keyed = `NORMAL:-KX-ALL:${exchange}:-VERS-ALL:+VERS-${version}`;
      await call(PSK_SERVER, keyed, ['--pskusername', PSK.identity, '--pskkey', PSK.key]);
    });
  }
});
