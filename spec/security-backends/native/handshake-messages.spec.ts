import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, Reader, fromHex, toHex } from '../../../lib/bytes/index.ts';
import type { Extension } from '../../../security-backends/native/extensions.ts';
import { serverNameExtension } from '../../../security-backends/native/extensions.ts';
import * as messages from '../../../security-backends/native/handshake-messages.ts';

const RUNS = { numRuns: 1_000 };
const PLAIN = { noNullPrototype: true };

const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const random = fc.uint8Array({ minLength: 32, maxLength: 32 });
const uint16 = fc.nat(0xffff);
const extensions: fc.Arbitrary<readonly Extension[]> = fc.uniqueArray(
  fc.record({ type: uint16, body: bytesUpTo(20) }, PLAIN),
  { maxLength: 5, selector: ({ type }) => type },
);

const clientHello: fc.Arbitrary<messages.ClientHello> = fc.record(
  {
    version: uint16,
    random,
    sessionId: bytesUpTo(32),
    cookie: bytesUpTo(255),
    ciphersuites: fc.array(uint16, { minLength: 1, maxLength: 20 }),
    compressionMethods: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    extensions,
  },
  PLAIN,
);

const serverHello: fc.Arbitrary<messages.ServerHello> = fc.record(
  {
    version: uint16,
    random,
    sessionId: bytesUpTo(32),
    ciphersuite: uint16,
    compressionMethod: fc.nat(255),
    extensions,
  },
  PLAIN,
);

function roundTrips<T>(
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): void {
  fc.assert(
    fc.property(values, (value) => assert.deepEqual(decode(encode(value)), value)),
    RUNS,
  );
}

function onlyDecodeErrors(decode: (bytes: Uint8Array) => unknown, inputs: fc.Arbitrary<Uint8Array>): void {
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    RUNS,
  );
}

describe('handshake messages', () => {
  // From fixtures/openssl-sessions.json: the first ClientHello of openssl s_client 3.0 with PSK-AES128-CCM8.
  const OPENSSL_CLIENT_HELLO =
    'fefd' +
    '014f86110da69512667482159a7df5863a153b88002719b9e35e267213a56fc2' +
    '0000' +
    '0004c0a800ff' +
    '0100' +
    '003a002300000016000000170000000d002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602';

  it('reads a ClientHello of another stack field by field', () => {
    const hello = messages.decodeClientHello(fromHex(OPENSSL_CLIENT_HELLO));
    assert.equal(hello.version, 0xfefd);
    assert.deepEqual(hello.ciphersuites, [0xc0a8, 0x00ff]);
    assert.deepEqual(hello.compressionMethods, Uint8Array.of(0));
    assert.deepEqual(
      hello.extensions.map(({ type }) => type),
      [35, 22, 23, 13],
    );
  });

  it('writes that ClientHello back byte by byte', () => {
    const hello = messages.decodeClientHello(fromHex(OPENSSL_CLIENT_HELLO));
    assert.equal(toHex(messages.encodeClientHello(hello)), OPENSSL_CLIENT_HELLO);
  });

  it('lays out the PSK messages as RFC 4279 §2 says', () => {
    assert.equal(toHex(messages.encodePskServerKeyExchange(fromHex('6869'))), '00026869');
    assert.equal(toHex(messages.encodePskClientKeyExchange(fromHex('6964'))), '00026964');
    assert.equal(toHex(messages.encodeHelloVerifyRequest({ version: 0xfeff, cookie: fromHex('0102') })), 'feff020102');
  });

  it('gives each message the 12-byte header of one that was never fragmented', () => {
    const message = messages.handshakeMessage(14, 5, fromHex('aabbcc'));
    assert.equal(toHex(message.raw), '0e' + '000003' + '0005' + '000000' + '000003' + 'aabbcc');
  });

  it('lays out server_name as RFC 6066 §3 says', () => {
    assert.equal(toHex(serverNameExtension('a.example').body), '000c' + '00' + '0009' + '612e6578616d706c65');
  });

  it('round-trips', () => {
    roundTrips(clientHello, messages.encodeClientHello, messages.decodeClientHello);
    roundTrips(serverHello, messages.encodeServerHello, messages.decodeServerHello);
    roundTrips(
      fc.record({ version: uint16, cookie: bytesUpTo(255) }, PLAIN),
      messages.encodeHelloVerifyRequest,
      messages.decodeHelloVerifyRequest,
    );
    roundTrips(bytesUpTo(300), messages.encodePskServerKeyExchange, messages.decodePskServerKeyExchange);
    roundTrips(bytesUpTo(300), messages.encodePskClientKeyExchange, messages.decodePskClientKeyExchange);
  });

  it('gives a value or DecodeError for arbitrary bytes', () => {
    const decoders = [
      messages.decodeClientHello,
      messages.decodeServerHello,
      messages.decodeHelloVerifyRequest,
      messages.decodePskServerKeyExchange,
      messages.decodePskClientKeyExchange,
      messages.decodeServerHelloDone,
      (bytes: Uint8Array) => messages.decodeHandshakeFragment(new Reader(bytes)),
    ];
    for (const decode of decoders) onlyDecodeErrors(decode, bytesUpTo(120));
  });

  it('gives a value or DecodeError for damaged hellos', () => {
    const damaged = fc.tuple(clientHello, fc.nat(), fc.nat(255), fc.nat()).map(([hello, at, value, cut]) => {
      const bytes = messages.encodeClientHello(hello).slice();
      bytes[at % bytes.length] = value;
      return bytes.subarray(0, bytes.length - (cut % 3));
    });
    onlyDecodeErrors(messages.decodeClientHello, damaged);
  });

  it('refuses trailing bytes, odd cipher_suites, repeated extensions and long session ids', () => {
    const hello = fromHex(OPENSSL_CLIENT_HELLO);
    const refused: readonly [string, Uint8Array][] = [
      ['ClientHello', Uint8Array.of(...hello, 0)],
      ['extensions', fromHex(OPENSSL_CLIENT_HELLO.replace('00160000', '00170000'))],
      ['cipher_suites', fromHex(OPENSSL_CLIENT_HELLO.replace('0004c0a800ff', '0003c0a800'))],
      [
        'session_id',
        fromHex(OPENSSL_CLIENT_HELLO.slice(0, 68) + '21' + '00'.repeat(33) + OPENSSL_CLIENT_HELLO.slice(70)),
      ],
    ];
    for (const [field, bytes] of refused) {
      assert.throws(() => messages.decodeClientHello(bytes), { name: 'DecodeError', field }, field);
    }
  });

  it('refuses a fragment that reaches beyond its message', () => {
    const fragment = fromHex('01' + '000004' + '0000' + '000003' + '000002' + '0000');
    assert.throws(() => messages.decodeHandshakeFragment(new Reader(fragment)), { field: 'fragment_length' });
  });

  it('names types as the RFC does', () => {
    assert.equal(messages.handshakeTypeName(14), 'ServerHelloDone');
    assert.equal(messages.handshakeTypeName(99), 'handshake type 99');
  });
});
