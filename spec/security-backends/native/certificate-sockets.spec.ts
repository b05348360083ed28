// Sockets with certificates and raw public keys over UDP: whom they trust, what they show, and what a
// configuration of one kind never completes. Chains are those of spec/crypto/fixtures, at their moment.

import assert from 'node:assert/strict';
import {
  type Engine,
  certificateChainFromArray,
  certificateChainFromBuffer,
  certificateChainFromEngine,
  loadPrivateKey,
  nodeProvider,
  parseCertificate,
  privateKeyEmpty,
  privateKeyFromBuffer,
  privateKeyFromEngine,
  pskKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import {
  type CertificateSecurity,
  type CertificateServerSecurity,
  type RawPublicKeySecurity,
  type Resolver,
  type Security,
  type ServerConfiguration,
  type ServerSecurity,
  SocketError,
  type SslConfiguration,
  type TlsaRecord,
  TlsAlertError,
} from '../../../lib/net/index.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { type Environment, milliseconds, seconds, systemClock, systemEnvironment } from '../../../lib/runtime/index.ts';
import { type NativeDtls, type NativeDtlsOptions, nativeDtls } from '../../../security-backends/native/backend.ts';
import { FIXTURE_TIME, certificateDer, keyPem } from '../../crypto/fixtures/fixtures.ts';
import { KEY } from './pair.ts';
import { PSK } from './sockets.ts';

const HOST = 'server.example';
const chainOf = (...names: readonly string[]): CertificateServerSecurity['chain'] =>
  certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));
const ROOT = chainOf('root');
const SERVER_KEY = privateKeyFromBuffer(keyPem('server certificate key'));
const CLIENT_KEY = privateKeyFromBuffer(keyPem('client certificate key'));
const SERVER: CertificateServerSecurity = {
  mode: 'certificate',
  chain: chainOf('server', 'inter'),
  key: SERVER_KEY,
  trustAnchors: ROOT,
};
const ANYBODY: CertificateServerSecurity = { ...SERVER, clientCertificate: 'none' };
const TRUSTING: CertificateSecurity = { mode: 'certificate', trustAnchors: ROOT };
const SHOWING: CertificateSecurity = { ...TRUSTING, clientChain: chainOf('client', 'inter'), clientKey: CLIENT_KEY };
const spkiOf = (name: string): Uint8Array => parseCertificate(certificateDer(name)).publicKey.spki;

/** Engine keys answer later, and do not come out. */
const ENGINE: Engine = {
  privateKey(query) {
    const key = loadPrivateKey(query === 'server' ? SERVER_KEY : CLIENT_KEY, { provider: nodeProvider })!;
    return { publicKey: key.publicKey, sign: async (scheme, message) => key.sign(scheme, message) };
  },
  certificates: (query) => [certificateDer(query), certificateDer('inter')],
};

/** Not a simulation: path validation waits for real, while a simulation's time would fly. */
class World {
  readonly environment: Environment;
  readonly #backend: NativeDtls;
  readonly #open: { close(): void }[] = [];
  wallTime = FIXTURE_TIME;
  #port = 0;

  constructor() {
    const clock = { now: () => systemClock.now(), wallTime: () => this.wallTime };
    this.environment = systemEnvironment({ clock });
    const resolver: Resolver = async () => ['127.0.0.1'];
    const datagramSocket: NativeDtlsOptions['datagramSocket'] = (each, env) => udpSocket(each, env, { resolver });
    this.#backend = nativeDtls({ engine: ENGINE, datagramSocket });
    worlds.push(this);
  }

  client(security: Security, more: Partial<SslConfiguration> = {}): ReturnType<NativeDtls['createSocket']> {
    const socket = this.#backend.createSocket({ security, handshakeTimeouts: QUICK, ...more }, this.environment);
    this.#open.push(socket);
    return socket;
  }

  async server(
    security: ServerSecurity,
    more: Partial<ServerConfiguration> = {},
  ): Promise<ReturnType<NativeDtls['createServer']>> {
    const server = this.#backend.createServer({ security, handshakeTimeouts: QUICK, ...more }, this.environment);
    this.#open.push(server);
    await server.bind('127.0.0.1', 0);
    this.#port = server.local!.port;
    return server;
  }

  connect(socket: ReturnType<NativeDtls['createSocket']>, host: string): Promise<void> {
    return socket.connect(host, this.#port);
  }

  /** A client that gets through and talks. */
  async connects(security: Security, server: ServerSecurity, host = HOST, more: Partial<SslConfiguration> = {}) {
    const listener = await this.server(server);
    const socket = this.client(security, more);
    await this.connect(socket, host);
    const session = await listener.accept();
    socket.send(Uint8Array.of(1, 2, 3));
    assert.deepEqual(await session.next(), Uint8Array.of(1, 2, 3));
    return { socket, session };
  }

  /** A client that does not: why. */
  async fails(
    security: Security,
    server: ServerSecurity,
    host = HOST,
    more: Partial<SslConfiguration> = {},
  ): Promise<SocketError> {
    const listener = await this.server(server);
    const error = await this.connect(this.client(security, more), host).catch((reason: unknown) => reason);
    assert.ok(error instanceof SocketError, 'connected');
    assert.equal(listener.counters?.sessionsEstablished, 0);
    return error;
  }

  close(): void {
    for (const each of this.#open) each.close();
  }
}

const worlds: World[] = [];
const QUICK = { min: milliseconds(200), max: seconds(2) };
const PATIENT = { min: seconds(60), max: seconds(60) };

function assertRefusal(error: SocketError, reason: RegExp, alert: number): void {
  assert.ok(error instanceof TlsAlertError && error.direction === 'sent', error.message);
  assert.match(error.message, reason);
  assert.equal(error.description, alert);
}

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

describe('sockets with certificates', () => {
  it('connect, both sides known to each other', async () => {
    const { socket, session } = await new World().connects(SHOWING, SERVER);
    const shown = socket.getOption('negotiated')?.peerCertificates;
    assert.deepEqual(shown, [certificateDer('server'), certificateDer('inter')]);
    assert.equal(socket.getOption('negotiated')?.ciphersuite, 0xc0ae);
    assert.deepEqual(session.getOption('negotiated')?.peerPublicKey, spkiOf('client'));
  });

  it('connect to an address that is in the certificate, and send no SNI for it', async () => {
    const world = new World();
    const names: (string | undefined)[] = [];
    const seen = (native: unknown): void =>
      void names.push((native as { readonly serverName: string | undefined }).serverName);
    const error = await world.fails(TRUSTING, ANYBODY, '127.0.0.1', { additionalConfiguration: seen });
    assertRefusal(error, /wrong-host.*127\.0\.0\.1/, 42);
    await new World().connects(TRUSTING, ANYBODY, '127.0.0.1', {
      additionalConfiguration: seen,
      serverName: '192.0.2.1',
    });
    assert.deepEqual(names, [undefined, undefined], 'an address was to be sent as SNI');
  });

  it('check the name they were given, not the one they connected to', async () => {
    await new World().connects(TRUSTING, ANYBODY, 'other.example', { serverName: HOST });
    assertRefusal(await new World().fails(TRUSTING, ANYBODY, 'other.example'), /wrong-host/, 42);
  });

  it('refuse: nothing configured, an unknown issuer, another root, a date', async () => {
    assertRefusal(await new World().fails({ mode: 'certificate' }, ANYBODY), /nothing-configured/, 48);
    const other = { ...TRUSTING, trustAnchors: chainOf('other-root') };
    assertRefusal(await new World().fails(other, ANYBODY), /unknown-issuer/, 48);
    const late = new World();
    late.wallTime += 80 * 365 * 86_400_000;
    assertRefusal(await late.fails(TRUSTING, ANYBODY), /expired/, 45);
  });

  it('without a clock ask the hook that is given, and refuse if it says no', async () => {
    const windows: { readonly notAfter: number }[] = [];
    const hook = (window: { readonly notAfter: number }): boolean => windows.push(window) > 0;
    await new World().connects({ ...TRUSTING, withoutClock: hook }, ANYBODY);
    assert.ok(windows[0]!.notAfter > FIXTURE_TIME);
    await new World().fails({ ...TRUSTING, withoutClock: () => false }, ANYBODY);
  });

  it('take a server by certificate usage 3 without path, name or date', async () => {
    const serverCertificate = {
      usage: 3,
      selector: 'certificate',
      matching: 'exact',
      data: certificateDer('server'),
    } as const;
    await new World().connects({ mode: 'certificate', serverCertificate }, ANYBODY, 'other.example');
    const another = { ...serverCertificate, data: certificateDer('client') };
    const error = await new World().fails({ mode: 'certificate', serverCertificate: another }, ANYBODY);
    assertRefusal(error, /no-match/, 42);
  });

  it('take DANE records given before connect, and only where they are to be used', async () => {
    const record = {
      usage: 3,
      selector: 1,
      matchingType: 1,
      associationData: nodeProvider.hash('sha256', spkiOf('server')),
    } as const;
    const dane: CertificateSecurity = { mode: 'certificate', dane: true };
    await new World().connects(dane, ANYBODY, HOST, { daneTlsaRecords: [record] });
    const wrong = { ...record, associationData: new Uint8Array(32) };
    assertRefusal(await new World().fails(dane, ANYBODY, HOST, { daneTlsaRecords: [wrong] }), /no-match/, 42);
    const world = new World();
    assert.throws(() => world.client(TRUSTING, { daneTlsaRecords: [record] }), { code: 'ENOTSUP' });
    const socket = world.client(dane);
    socket.setOption('daneTlsaRecords', [record]);
    await world.server(ANYBODY);
    await world.connect(socket, HOST);
  });

  it('resume nothing that other DANE records had let through', async () => {
    const record = {
      usage: 3,
      selector: 1,
      matchingType: 1,
      associationData: nodeProvider.hash('sha256', spkiOf('server')),
    } as const;
    const world = new World();
    const kept = new Map<string, Uint8Array>();
    const sessionStore = {
      load: (key: string) => kept.get(key)?.slice(),
      save: (key: string, session: Uint8Array) => void kept.set(key, session.slice()),
      remove: (key: string) => void kept.delete(key),
    };
    await world.server(ANYBODY, { resumption: true });
    const visit = async (daneTlsaRecords: readonly TlsaRecord[]): Promise<boolean> => {
      const socket = world.client({ mode: 'certificate', dane: true }, { sessionStore, daneTlsaRecords });
      await world.connect(socket, HOST);
      return socket.getOption('sessionResumed');
    };
    assert.deepEqual([await visit([record]), await visit([record])], [false, true]);
    const wrong = { ...record, associationData: new Uint8Array(32) };
    await assert.rejects(visit([wrong]), /no-match/);
    assert.equal(await visit([record]), true);
    const socket = world.client({ mode: 'certificate', dane: true }, { sessionStore, daneTlsaRecords: [wrong] });
    const connecting = world.connect(socket, HOST);
    socket.setOption('daneTlsaRecords', [record]);
    await assert.rejects(connecting, /no-match/);
  });

  it('accept anybody only by a name that says danger', async () => {
    await new World().connects({ mode: 'certificate', dangerSkipPeerValidation: true }, ANYBODY);
  });

  it('sign with keys of an engine, which answers later, on both sides', async () => {
    const client: CertificateSecurity = {
      ...TRUSTING,
      clientChain: certificateChainFromEngine('client'),
      clientKey: privateKeyFromEngine('client'),
    };
    const server: CertificateServerSecurity = {
      ...SERVER,
      chain: certificateChainFromEngine('server'),
      key: privateKeyFromEngine('server'),
    };
    const { socket } = await new World().connects(client, server, HOST, { handshakeTimeouts: PATIENT });
    assert.equal(socket.counters?.retransmissions, 0, 'a job that answers later cost a retransmission');
  });

  it('complete their chain from the trust anchors, if asked to', async () => {
    const leafAlone: CertificateSecurity = { ...SHOWING, clientChain: chainOf('client') };
    const error = await new World().fails(leafAlone, SERVER);
    assert.equal(error.code, 'ETLSALERT', error.message);
    const trustAnchors = chainOf('root', 'inter');
    const { session } = await new World().connects({ ...leafAlone, trustAnchors, rebuildClientChain: true }, SERVER);
    const shown = session.getOption('negotiated')?.peerCertificates;
    assert.deepEqual(shown, [certificateDer('client'), certificateDer('inter')]);
  });

  it('without a certificate do not get into a server that requires one, nor with one for servers', async () => {
    assert.equal((await new World().fails(TRUSTING, SERVER)).code, 'ETLSALERT');
    const wrongPurpose = { ...SHOWING, clientChain: chainOf('server', 'inter'), clientKey: SERVER_KEY };
    assert.equal((await new World().fails(wrongPurpose, SERVER)).code, 'ETLSALERT');
  });

  it('are refused when they are made: a key of another certificate, half an identity, nothing to judge clients by', () => {
    const world = new World();
    assert.throws(() => world.client({ ...SHOWING, clientKey: SERVER_KEY }), { code: 'EINVAL' });
    assert.throws(() => world.client({ ...SHOWING, clientKey: privateKeyEmpty() }), { code: 'ENODATA' });
    const unjudging = { mode: 'certificate', chain: SERVER.chain, key: SERVER_KEY } as const;
    return assert.rejects(world.server(unjudging), { code: 'ENOTSUP', message: /trustAnchors/ });
  });
});

describe('sockets with raw public keys', () => {
  const server: ServerSecurity = {
    mode: 'rawPublicKey',
    publicKey: rawPublicKeyFromBuffer(spkiOf('server')),
    privateKey: SERVER_KEY,
    accept: async (spki) => Buffer.from(spki).equals(spkiOf('client')),
  };
  const client: RawPublicKeySecurity = {
    mode: 'rawPublicKey',
    serverKeys: rawPublicKeyFromBuffer(spkiOf('server')),
    privateKey: CLIENT_KEY,
  };

  it('connect, both sides known to each other', async () => {
    const { socket, session } = await new World().connects(client, server);
    assert.deepEqual(socket.getOption('negotiated')?.peerPublicKey, spkiOf('server'));
    assert.deepEqual(session.getOption('negotiated')?.peerPublicKey, spkiOf('client'));
  });

  it('refuse a server whose key is none of those configured', async () => {
    const other = { ...client, serverKeys: rawPublicKeyFromBuffer(spkiOf('client')) };
    assertRefusal(await new World().fails(other, server), /one of those configured/, 42);
  });

  it('do not get in with a key the server does not know, or with none', async () => {
    const stranger = { ...client, privateKey: SERVER_KEY };
    assert.equal((await new World().fails(stranger, server)).code, 'ETLSALERT');
    const nobody = { mode: 'rawPublicKey', serverKeys: client.serverKeys } as const;
    assert.equal((await new World().fails(nobody, server)).code, 'ETLSALERT');
  });

  it('are refused when they are made: a public key that is not the private one', () => {
    const mismatch = { ...client, publicKey: rawPublicKeyFromBuffer(spkiOf('server')) };
    assert.throws(() => new World().client(mismatch), { code: 'EINVAL', message: /belongs to the private/ });
  });

  it('never complete a handshake of another kind, nor does any other', async () => {
    const pskServer: ServerSecurity = { mode: 'psk', lookup: () => pskKeyFromBuffer(KEY) };
    const kinds: readonly (readonly [Security, ServerSecurity])[] = [
      [PSK, pskServer],
      [SHOWING, SERVER],
      [client, server],
    ];
    for (const [at, [security]] of kinds.entries()) {
      for (const [other, [, serverSecurity]] of kinds.entries()) {
        if (at === other) continue;
        const error = await new World().fails(security, serverSecurity);
        assert.equal(error.code, 'ETLSALERT', `${security.mode} at ${serverSecurity.mode}: ${error.message}`);
      }
    }
  });
});
