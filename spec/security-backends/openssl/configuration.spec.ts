// What the OpenSSL backend makes of a configuration: what it lacks is refused before anything is opened, with the reason;
// what it takes is in its first words.

import assert from 'node:assert/strict';
import { createSocket as createUdp } from 'node:dgram';
import { once } from 'node:events';
import { type Socket, createServer as createTcp } from 'node:net';
import { toHex, utf8Encode } from '../../../lib/bytes/index.ts';
import {
  privateKeyFromEngine,
  pskIdentityFromBuffer,
  pskIdentityFromFile,
  pskKeyFromBuffer,
  pskKeyFromEngine,
} from '../../../lib/crypto/index.ts';
import { clientSecurity } from '../../../lib/net/conformance/backend/credentials.ts';
import type { Security, SslConfiguration } from '../../../lib/net/index.ts';
import { tcpSocket, udpSocket } from '../../../lib/net/node/index.ts';
import { seconds, systemEnvironment } from '../../../lib/runtime/index.ts';
import { contextOf } from '../../../security-backends/openssl/contexts.ts';
import { type OpenSslOptions, opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { type OpenSsl, loadOpenSsl } from '../../../security-backends/openssl/library.ts';
import { describeOpenSsl } from './available.ts';

const ADDRESS = '127.0.0.1';
const NAME = 'server.example';
const KEY = pskKeyFromBuffer(new Uint8Array(16).fill(7));
const PSK: Security = { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('device')), key: KEY };
const resolver = async (): Promise<readonly string[]> => [ADDRESS];

type Refusal = readonly [what: string, asked: Partial<SslConfiguration>, reason: RegExp];
const engine = { ...clientSecurity('certificate'), clientKey: privateKeyFromEngine('pkcs11:object=key') } as Security;

/** Beside the rules of the kit, which says that all these are ENOTSUP: what they are refused for. */
const LACKING: readonly Refusal[] = [
  [
    'an identity with a NUL',
    { security: { mode: 'psk', identity: pskIdentityFromBuffer(Uint8Array.of(0x61, 0, 0x62)), key: KEY } },
    /ENOTSUP: identity: expected no NUL byte, found one: OpenSSL takes a C string and would cut it there/,
  ],
  ['raw public keys', { security: clientSecurity('rawPublicKey') }, /ENOTSUP: security\.mode rawPublicKey: OpenSSL 3/],
  ['connection ids', { connectionId: true }, /ENOTSUP: connectionId: OpenSSL has none/],
  ['connection ids of a length', { connectionId: { length: 4 } }, /ENOTSUP: connectionId: OpenSSL has none/],
  ['live sessions', { liveSession: { open: () => undefined } }, /ENOTSUP: liveSession: OpenSSL lets no session out/],
  ['RFC 8449', { recordSizeLimit: 512 }, /ENOTSUP: recordSizeLimit: OpenSSL 3 has none/],
  ['DTLS 1.3', { versions: ['DTLS1.3'] }, /ENOTSUP: versions: expected one of .*, found DTLS1\.3/],
  ["a certificate's suite with a key", { ciphersuites: [0xc0ae] }, /ENOTSUP: ciphersuites: none of 0xC0AE .* psk/],
  ['a pre-shared key of an engine', { security: { ...PSK, key: pskKeyFromEngine('pkcs11:k') } as Security }, /engine/],
  ['a private key of an engine', { security: engine }, /engine/],
  [
    'a file without a source of files',
    { security: { ...PSK, identity: pskIdentityFromFile('x') } as Security },
    /file/,
  ],
  ['DANE records without their mode', { daneTlsaRecords: [tlsaRecord()] }, /ENOTSUP: daneTlsaRecords: without use/],
  ['a name with a NUL', { serverName: 'server.example\0.net' }, /EINVAL: serverName: expected no NUL, found one/],
  ['too many tries', { handshakeTries: 13 }, /EINVAL: handshakeTries: expected an integer from 1 to 12, found 13/],
  [
    'no time',
    { handshakeTimeouts: { min: seconds(0), max: seconds(1) } },
    /EINVAL: dtlsHandshakeTimeouts: expected 0 </,
  ],
  ['a protocol without a name', { alpn: [''] }, /EINVAL: alpn: expected names of 1 to 255 bytes, found one of 0/],
];

const BACKENDS = {
  DTLS: (made: () => void) =>
    opensslDtls({
      datagramSocket: (configuration, environment) => {
        made();
        return udpSocket(configuration, environment, { resolver });
      },
    }),
  TLS: (made: () => void) =>
    opensslTls({
      streamSocket: (configuration, environment) => {
        made();
        return tcpSocket(configuration, environment, { resolver });
      },
    }),
} as const;
type Protocol = keyof typeof BACKENDS;

describeOpenSsl('OpenSSL: configuration', () => {
  for (const protocol of ['DTLS', 'TLS'] as const) {
    describe(protocol, () => {
      for (const [what, asked, reason] of LACKING) {
        it(`refuses ${what} when the socket is made, and opens nothing`, () => {
          const opened = (): never => assert.fail('a socket below was made');
          const make = (): unknown =>
            BACKENDS[protocol](opened).createSocket({ security: PSK, ...asked }, systemEnvironment());
          assert.throws(make, (error) => {
            assert.match(String(error), reason);
            assert.ok(!String(error).includes(toHex(new Uint8Array(16).fill(7))), 'no secret in an error');
            return true;
          });
        });
      }

      it('asks for the name given to connect, for another one where that is configured, and for no address', async () => {
        assert.ok(asksFor(await firstWords(protocol, NAME), NAME));
        const other = await firstWords(protocol, NAME, { serverName: 'other.example' });
        assert.ok(asksFor(other, 'other.example') && !asksFor(other, NAME));
        assert.ok(!asksFor(await firstWords(protocol, ADDRESS), ADDRESS));
      });

      it('offers the suites asked for in their order and no others, but for the signal of RFC 5746', async () => {
        const asked = [0x00a8, 0xfefe, 0xc0a8];
        const versions = [protocol === 'DTLS' ? 'DTLS1.2' : 'TLS1.2'] as const;
        const hello = toHex(await firstWords(protocol, NAME, { ciphersuites: asked, versions }));
        assert.ok(hello.includes('0006' + '00a8' + 'c0a8' + '00ff'), hello);
      });

      it('the hook may change what OpenSSL is told', async () => {
        const additionalConfiguration = (native: unknown): void =>
          void ((native as OpenSslOptions).cipherList = 'PSK-AES256-CCM');
        const versions = [protocol === 'DTLS' ? 'DTLS1.2' : 'TLS1.2'] as const;
        const hello = toHex(await firstWords(protocol, NAME, { additionalConfiguration, versions }));
        assert.ok(hello.includes('0004' + 'c0a5' + '00ff'), hello);
      });

      it('secrets are not even asked of OpenSSL unless a key log is configured', () => {
        let asked = 0;
        const library: OpenSsl = { ...loadOpenSsl(), SSL_CTX_set_keylog_callback: () => void asked++ };
        const transport = protocol === 'DTLS' ? 'datagram' : 'stream';
        contextOf(library, transport, false);
        assert.equal(asked, 0);
        contextOf(library, transport, true);
        assert.equal(asked, 1);
      });
    });
  }
});

function tlsaRecord(): NonNullable<SslConfiguration['daneTlsaRecords']>[number] {
  return { usage: 3, selector: 1, matchingType: 1, associationData: new Uint8Array(32) };
}

/** A server_name extension with this name (RFC 6066 §3). */
function asksFor(hello: Uint8Array, name: string): boolean {
  const length = name.length.toString(16).padStart(4, '0');
  return toHex(hello).includes(`00${length}${toHex(utf8Encode(name))}`);
}

/** The first that a client says to whoever listens: its ClientHello. */
async function firstWords(protocol: Protocol, host: string, more: Partial<SslConfiguration> = {}): Promise<Uint8Array> {
  const abort = new AbortController();
  const listening = await (protocol === 'DTLS' ? udpListener() : tcpListener());
  const socket = BACKENDS[protocol](() => undefined).createSocket({ security: PSK, ...more }, systemEnvironment());
  const refused = assert.rejects(socket.connect(host, listening.port, { signal: abort.signal }));
  const bytes = await listening.said;
  abort.abort();
  await refused;
  listening.close();
  return bytes;
}

interface Listening {
  readonly port: number;
  readonly said: Promise<Uint8Array>;
  close(): void;
}

async function udpListener(): Promise<Listening> {
  const socket = createUdp('udp4');
  const said = once(socket, 'message').then(([bytes]) => bytes as Uint8Array);
  await new Promise<void>((resolve) => socket.bind(0, ADDRESS, resolve));
  return { port: socket.address().port, said, close: () => void socket.close() };
}

async function tcpListener(): Promise<Listening> {
  const server = createTcp();
  const said = once(server, 'connection').then(async (told) => {
    const [peer] = told as [Socket];
    peer.on('error', () => undefined);
    const [bytes] = (await once(peer, 'data')) as [Uint8Array];
    return bytes;
  });
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  const local = server.address();
  return { port: local !== null && typeof local === 'object' ? local.port : 0, said, close: () => void server.close() };
}
