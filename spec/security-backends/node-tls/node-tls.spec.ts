// What is particular to TLS on node:tls: what it refuses, what it reports, and which handshakes it never completes.

import assert from 'node:assert/strict';
import type { TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { fromHex, toHex, utf8Encode } from '../../../lib/bytes/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer, rawPublicKeyEmpty } from '../../../lib/crypto/index.ts';
import { SocketError, type SslConfiguration, TlsAlertError } from '../../../lib/net/index.ts';
import { tcpSocket } from '../../../lib/net/node/index.ts';
import { milliseconds, systemEnvironment } from '../../../lib/runtime/index.ts';
import { sessionFacts } from '../../../security-backends/node-tls/openssl-session.ts';
import { nodeTls } from '../../../security-backends/node-tls/index.ts';
import { fromTlsError } from '../../../security-backends/node-tls/tls-errors.ts';
import selfSigned from './fixtures/self-signed.json' with { type: 'json' };
import { IDENTITY, KEY, TlsServer } from './tls-server.ts';

const environment = systemEnvironment();
const backend = nodeTls();
const NO_EXTENDED_MASTER_SECRET = 1; // SSL_OP_NO_EXTENDED_MASTER_SECRET

function configured(
  overrides: Partial<SslConfiguration> = {},
  identity = utf8Encode(IDENTITY),
  key = KEY,
): SslConfiguration {
  const security = { mode: 'psk', identity: pskIdentityFromBuffer(identity), key: pskKeyFromBuffer(key) } as const;
  return { security, ...overrides };
}

/** The error of a connect to a server with these options; undefined if it succeeds. */
async function attempt(server: TlsOptions, configuration: SslConfiguration): Promise<SocketError | undefined> {
  const listener = new TlsServer(environment, undefined, server);
  await listener.bind('127.0.0.1', 0);
  const client = backend.createSocket(configuration, environment);
  try {
    await client.connect('127.0.0.1', listener.local?.port ?? 0);
    // In TLS 1.3 the server checks our Finished after we are done: hear what it says.
    client.send(Uint8Array.of(1));
    const session = await Promise.race([listener.accept(), client.next().then(() => undefined)]);
    session?.close();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SocketError, String(error));
    return error;
  } finally {
    client.close();
    listener.close();
  }
}

describe('node-tls', () => {
  it('says what it can do', () => {
    assert.deepEqual(backend.capabilities.credentials, ['psk', 'certificate']);
    assert.deepEqual(backend.capabilities.roles, ['client', 'server']);
    for (const id of [0xc0a8, 0xc0ae, 0x1305]) assert.ok(backend.capabilities.ciphersuites.includes(id));
  });

  it('refuses raw public keys, naming the mode', () => {
    const security = { mode: 'rawPublicKey', serverKeys: rawPublicKeyEmpty() } as const;
    assert.throws(() => backend.createSocket({ security }, environment), {
      code: 'ENOTSUP',
      message: /security\.mode/,
    });
  });

  it('refuses identities that node:tls would change', () => {
    for (const identity of [Uint8Array.of(0x61, 0, 0x62), Uint8Array.of(0xff, 0xfe)]) {
      assert.throws(() => backend.createSocket(configured({}, identity), environment), {
        code: 'ENOTSUP',
        message: /identity/,
      });
    }
  });

  it('refuses versions and suites it does not have', () => {
    const versions = { versions: ['DTLS1.2'] } as const;
    assert.throws(() => backend.createSocket(configured(versions), environment), {
      code: 'ENOTSUP',
      message: /versions/,
    });
    const suites = { ciphersuites: [0xc023] };
    assert.throws(() => backend.createSocket(configured(suites), environment), { code: 'ENOTSUP', message: /suites/ });
  });

  it('takes identities of 128 bytes and keys of 64', async () => {
    const [identity, key] = [new Uint8Array(128).fill(0x41), new Uint8Array(64).fill(7)];
    const server: TlsOptions = { pskCallback: (_socket, found) => (found === 'A'.repeat(128) ? key : null) };
    for (const version of ['TLS1.2', 'TLS1.3'] as const) {
      assert.equal(await attempt(server, configured({ versions: [version] }, identity, key)), undefined);
    }
  });

  for (const version of ['TLS1.2', 'TLS1.3'] as const) {
    it(`${version}: a wrong key is an alert of the server`, async () => {
      const error = await attempt({}, configured({ versions: [version] }, undefined, new Uint8Array(16).fill(9)));
      assert.ok(error instanceof TlsAlertError, String(error));
      assert.equal(error.direction, 'received');
      assert.ok([20, 51, 47].includes(error.description), error.message);
    });

    it(`${version}: an unknown identity is an alert of the server`, async () => {
      const error = await attempt({}, configured({ versions: [version] }, utf8Encode('stranger')));
      assert.ok(error instanceof TlsAlertError, String(error));
      assert.ok([115, 47, 40, 51].includes(error.description), error.message);
    });

    it(`${version}: never completes a certificate handshake`, async () => {
      const { key, certificate: cert } = selfSigned;
      const server: TlsOptions = { key, cert, pskCallback: () => null, ciphers: 'DEFAULT:PSK' };
      assert.ok((await attempt(server, configured({ versions: [version] }))) !== undefined, 'it is refused');
      const careless = (native: unknown): void => void Object.assign(native as object, { rejectUnauthorized: false });
      const error = await attempt(server, configured({ versions: [version], additionalConfiguration: careless }));
      assert.ok(error !== undefined, 'nor when the user turns verification off');
    });
  }

  for (const [what, bytes] of [
    ['says nothing', new Uint8Array(0)],
    ['stops in the middle of its hello', Uint8Array.of(0x16, 3, 3, 0, 100, 2, 0, 0, 96, 3, 3)],
  ] as const) {
    it(`leaves a server that ${what} (half-open) after the time configured, and the connection below with it`, async () => {
      const listener = tcpSocket(undefined, environment);
      await listener.bind('127.0.0.1', 0);
      const times = { handshakeTimeouts: { min: milliseconds(20), max: milliseconds(20) }, handshakeTries: 2 };
      const client = backend.createSocket(configured(times), environment);
      const connecting = assert.rejects(client.connect('127.0.0.1', listener.local?.port ?? 0), {
        code: 'ETIMEDOUT',
        message: /the handshake took longer than 40/,
      });
      const session = await listener.accept();
      if (bytes.length > 0) session.send(bytes.slice());
      await connecting;
      assert.equal(client.getOption('state'), 'closed');
      for (let bytes: unknown; bytes !== null;) bytes = await session.next().catch(() => null); // FIN or RST
      session.close();
      listener.close();
    });
  }

  it('asks for an extended master secret unless told otherwise', async () => {
    const server: TlsOptions = { secureOptions: NO_EXTENDED_MASTER_SECRET };
    const required = await attempt(server, configured({ versions: ['TLS1.2'] }));
    assert.equal(required?.code, 'EPROTO');
    const preferred = configured({ versions: ['TLS1.2'], extendedMasterSecret: 'prefer' });
    assert.equal(await attempt(server, preferred), undefined);
  });

  it('writes a key log only when asked, one line a secret', async () => {
    const lines: string[] = [];
    await attempt({}, configured({ versions: ['TLS1.2'], dangerKeyLog: (line) => lines.push(line) }));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/);
  });

  it('keeps the key out of errors', async () => {
    const error = await attempt({}, configured({ versions: ['TLS1.2'] }, utf8Encode('stranger')));
    assert.doesNotMatch(JSON.stringify([error?.message, String(error)]), /000102030405/);
  });

  it('maps received alerts, OpenSSL and the network apart', () => {
    const alert = fromTlsError(
      new Error(
        '0:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:x.c:1:SSL alert number 40',
      ),
    );
    assert.ok(alert instanceof TlsAlertError && alert.description === 40);
    const openssl = Object.assign(new Error('wrong version number'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    assert.equal(fromTlsError(openssl).code, 'ETLS');
    assert.equal(fromTlsError(Object.assign(new Error('reset'), { code: 'ECONNRESET' })).code, 'ECONNRESET');
  });

  it('reads facts of a session, and of nothing but a session', () => {
    const extended = (der: string): boolean | undefined => sessionFacts(fromHex(der))?.extendedMasterSecret;
    assert.equal(extended('3005ad03020101'), true);
    assert.equal(extended('3005ad03020110'), false);
    assert.equal(extended('3003020101'), false);
    assert.equal(extended('0005'), undefined);
    const named = `00${toHex(utf8Encode('nodejs:tls:session:1'))}000009${toHex(utf8Encode('localhost'))}`; // Node 24
    assert.equal(extended(`${named}3005ad03020101`), true);
    assert.equal(extended(`${named}3005ad03020100`), false);
    assert.equal(extended(`${named}30`), undefined);
    assert.deepEqual(sessionFacts(fromHex('30170201010202030404021301a8050403646576aa03040101')), {
      version: 'TLS1.3',
      extendedMasterSecret: false,
      ticket: true,
      pskIdentity: utf8Encode('dev'),
    });
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const facts = sessionFacts(bytes);
      assert.ok(facts === undefined || typeof facts.ticket === 'boolean');
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
