// What a peer, a store or code of the user's own may try against the OpenSSL backend: memory, patience, and calls that come
// while OpenSSL is on the stack.

import assert from 'node:assert/strict';
import { type Socket as DatagramPort, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket, createSecureContext } from 'node:tls';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import { defaultProvider, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import {
  type AnySocket,
  type DatagramSocket,
  type Security,
  type SessionStore,
  TlsAlertError,
} from '../../../lib/net/index.ts';
import { VirtualTime, milliseconds, seconds, systemEnvironment } from '../../../lib/runtime/index.ts';
import { SslConnection } from '../../../security-backends/openssl/connection.ts';
import { ConnectionDriver, type DriverEvents } from '../../../security-backends/openssl/driver.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { type OpenSsl, loadOpenSsl } from '../../../security-backends/openssl/library.ts';
import { ClientSessions } from '../../../security-backends/openssl/sessions.ts';
import { PSK as DTLS_PSK, udpDtls } from '../native/sockets.ts';
import { describeOpenSsl } from './available.ts';

const ADDRESS = '127.0.0.1';
const IDENTITY = utf8Encode('device');
const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);
const PSK: Security = { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(KEY) };
const NOTHING = (): undefined => undefined;

/** A listening socket of node:net, and what connects to it. */
class Listener {
  readonly #server: Server = createServer({ allowHalfOpen: true });
  readonly #open: Socket[] = [];

  async listen(): Promise<number> {
    this.#server.listen(0, ADDRESS);
    await once(this.#server, 'listening');
    const local = this.#server.address();
    return local !== null && typeof local === 'object' ? local.port : 0;
  }

  async next(): Promise<Socket> {
    const [socket] = (await once(this.#server, 'connection')) as [Socket];
    socket.on('error', NOTHING);
    this.#open.push(socket);
    return socket;
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }
}

describeOpenSsl('OpenSSL: hostile', () => {
  let listener: Listener;
  const sockets: AnySocket[] = [];
  const closing: (() => void)[] = [];
  beforeEach(() => (listener = new Listener()));
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
    for (const close of closing.splice(0)) close();
    listener.close();
  });

  it('keeps nothing of what a peer sends after its close_notify', async () => {
    let fed = 0;
    let flood: () => void = NOTHING;
    let end: () => void = NOTHING;
    const real = loadOpenSsl();
    const library: OpenSsl = {
      ...real,
      BIO_write: (bio, bytes, length) => {
        fed += length;
        return real.BIO_write(bio, bytes, length);
      },
    };
    const server = await new Promise<TLSSocket>((told) => {
      const far = farEnd((bytes) => driver.receive(bytes));
      const driver = drive(library, { transmit: (bytes) => void far.duplex.push(bytes), ended: () => told(far.tls) });
      far.tls.once('secure', () => far.tls.end()); // close_notify; the stream below stays open
      flood = () => driver.receive(new Uint8Array(4_000_000));
      end = () => driver.close();
      driver.start();
    });
    const before = fed;
    flood();
    end();
    server.destroy();
    assert.equal(fed - before, 0, 'bytes that were kept for nobody');
  });

  it('does not wait for ever for a server that takes the connection and says nothing', async () => {
    const time = new VirtualTime();
    const clock = { now: () => time.now(), wallTime: () => time.wallTime() }; // no handshake of this case comes to an end
    const environment = systemEnvironment({ clock, timers: time });
    const socket = opensslTls().createSocket(
      { security: PSK, handshakeTimeouts: { min: seconds(1), max: seconds(2) }, handshakeTries: 3 },
      environment,
    );
    const port = await listener.listen();
    const accepted = listener.next();
    const refused = assert.rejects(socket.connect(ADDRESS, port), { code: 'ETIMEDOUT' });
    await once(await accepted, 'data'); // its ClientHello
    await time.advance(milliseconds(4_999));
    assert.equal(socket.getOption('state'), 'connecting');
    await time.advance(milliseconds(1));
    await refused;
    assert.equal(time.pending, 0);
  });

  it('keeps sessions over datagrams and over streams apart: host and port are often the same', async () => {
    const keys: string[] = [];
    const port = await listener.listen();
    for (const backend of [opensslDtls(), opensslTls()]) {
      await new Promise<void>((looked) => {
        const sessionStore: SessionStore = {
          load: (key) => {
            keys.push(key);
            looked();
            return undefined;
          },
          save: NOTHING,
          remove: NOTHING,
        };
        const socket = backend.createSocket({ security: PSK, sessionStore }, systemEnvironment());
        sockets.push(socket);
        socket.connect(ADDRESS, port).catch(NOTHING);
      });
    }
    assert.equal(new Set(keys).size, 2);
  });

  it('does not keep a session whose chain nobody can read, as it comes where validation is skipped', async () => {
    const store: SessionStore = { load: NOTHING, save: () => assert.fail('it was kept'), remove: NOTHING };
    const place = { host: 'server.example', port: 5684, serverName: undefined, fingerprint: KEY, tlsa: [] };
    const sessions = new ClientSessions(store, 'stream', place, defaultProvider(), systemEnvironment());
    const session = Uint8Array.of(1);
    sessions.save(session, { version: 'TLS1.2', chain: [Uint8Array.of(0x30, 0)] });
    assert.deepEqual(session, Uint8Array.of(0));
  });

  /** Alerts that anybody can send: in the clear, before the true answers and between them. */
  const FORGED = [Uint8Array.of(2, 40), Uint8Array.of(1, 0), Uint8Array.of(1, 90)].map((alert) =>
    Uint8Array.of(21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, ...alert),
  );

  async function bound(): Promise<DatagramPort> {
    const socket = createSocket('udp4');
    closing.push(() => socket.close());
    socket.bind(0, ADDRESS);
    await once(socket, 'listening');
    return socket;
  }

  it('connects, though somebody forges alerts all along the handshake', async () => {
    const fixture = udpDtls(ADDRESS);
    const server = fixture.listener();
    sockets.push(server);
    await server.bind(ADDRESS, 0);
    const accepted = server.accept();
    const [before, behind] = [await bound(), await bound()];
    let client = 0;
    before.on('message', (bytes, from) => {
      client = from.port;
      behind.send(bytes, server.local?.port ?? 0, ADDRESS);
    });
    behind.on('message', (bytes) => {
      for (const alert of FORGED) before.send(alert, client, ADDRESS);
      before.send(Buffer.concat([...FORGED, bytes, ...FORGED]), client, ADDRESS);
    });
    const socket = opensslDtls().createSocket({ security: DTLS_PSK }, systemEnvironment());
    sockets.push(socket);
    await socket.connect(ADDRESS, before.address().port);
    socket.send(Uint8Array.of(1, 2, 3));
    const session = await accepted;
    sockets.push(session as DatagramSocket);
    assert.deepEqual(await session.next(), Uint8Array.of(1, 2, 3));
  });

  it('believes an alert in the clear where nothing else comes: at the next time-out', async () => {
    const server = await bound();
    let heard = 0;
    server.on('message', (_, from) => {
      heard++;
      server.send(FORGED[0]!, from.port, ADDRESS);
    });
    const handshakeTimeouts = { min: milliseconds(30), max: milliseconds(30) };
    const socket = opensslDtls().createSocket({ security: PSK, handshakeTimeouts }, systemEnvironment());
    sockets.push(socket);
    await assert.rejects(
      socket.connect(ADDRESS, server.address().port),
      (error) => error instanceof TlsAlertError && error.description === 40 && error.direction === 'received',
    );
    assert.equal(heard, 1, 'nothing was sent again');
  });

  it('survives a layer below that ends the connection from inside of each send', async () => {
    for (const stop of [1, 2]) {
      let sent = 0;
      const failed: string[] = [];
      await new Promise<void>((told) => {
        const far = farEnd((bytes) => driver.receive(bytes));
        const driver = drive(loadOpenSsl(), {
          transmit: (bytes) => {
            far.duplex.push(bytes);
            if (++sent < stop) return;
            driver.close();
            told();
          },
          failed: ({ code }) => failed.push(code),
        });
        driver.start();
      });
      assert.equal(sent, stop);
      assert.deepEqual(failed, []);
    }
  });
});

/** A server of node:tls with the key above, in memory: what is pushed into `duplex` is what it hears. */
function farEnd(says: (bytes: Uint8Array) => void): { readonly duplex: Duplex; readonly tls: TLSSocket } {
  const duplex = new Duplex({
    read: NOTHING,
    write(chunk: Uint8Array, _encoding, done) {
      says(chunk);
      done();
    },
  });
  const secureContext = createSecureContext({ ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' });
  const pskCallback = (): Uint8Array => KEY;
  const tls = new TLSSocket(duplex, { isServer: true, secureContext, ...{ pskCallback } });
  tls.on('error', NOTHING);
  return { duplex, tls };
}

/** A connection without a socket. */
function drive(library: OpenSsl, events: Partial<DriverEvents>): ConnectionDriver {
  const connection = new SslConnection(library, {
    transport: 'stream',
    versions: ['TLS1.2'],
    native: {
      cipherList: 'PSK-AES128-GCM-SHA256',
      ciphersuites: '',
      groups: 'P-256',
      signatureAlgorithms: 'ecdsa_secp256r1_sha256',
    },
    credential: {
      mode: 'psk',
      preSharedKey: () => ({ identity: IDENTITY, key: KEY }),
      showCertificate: NOTHING,
    },
    serverName: undefined,
    alpn: [],
    maxFragmentLength: undefined,
    timeouts: { min: seconds(1), max: seconds(60) },
    mtu: 0,
    keyLog: false,
    resumption: undefined,
  });
  const all: DriverEvents = {
    transmit: NOTHING,
    connected: NOTHING,
    data: NOTHING,
    judge: () => Promise.resolve(),
    wanted: NOTHING,
    session: NOTHING,
    keyLog: NOTHING,
    ended: NOTHING,
    failed: NOTHING,
    ...events,
  };
  const options = {
    transport: 'stream',
    tries: 7,
    handshakeLimit: undefined,
    requireExtendedMasterSecret: true,
  } as const;
  return new ConnectionDriver(connection, systemEnvironment(), all, options);
}
