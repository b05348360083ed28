// What is taken from C is given back, whichever step of making a connection fails.

import assert from 'node:assert/strict';
import { SocketError } from '../../../lib/net/index.ts';
import { seconds } from '../../../lib/runtime/index.ts';
import { callbacksOf } from '../../../security-backends/openssl/callbacks.ts';
import { SslConnection } from '../../../security-backends/openssl/connection.ts';
import { type OpenSsl, loadOpenSsl } from '../../../security-backends/openssl/library.ts';
import { describeOpenSsl } from './available.ts';

/** How many there are, less those that were given back. */
interface Balance {
  connections: number;
  /** Those that no connection owns. */
  bios: number;
  sessions: number;
}

type Faults = Partial<
  Pick<OpenSsl, 'SSL_new' | 'BIO_new' | 'SSL_set_cipher_list' | 'SSL_ctrl' | 'SSL_set_alpn_protos'>
>;

function counting(faults: (real: OpenSsl) => Faults): { readonly library: OpenSsl; readonly balance: Balance } {
  const real = loadOpenSsl();
  const faulty = { ...real, ...faults(real) };
  const balance: Balance = { connections: 0, bios: 0, sessions: 0 };
  const counted = <T>(what: keyof Balance, made: T): T => {
    if (made !== null) balance[what]++;
    return made;
  };
  const library: OpenSsl = {
    ...faulty,
    SSL_new: (context) => counted('connections', faulty.SSL_new(context)),
    SSL_free(ssl) {
      balance.connections--;
      real.SSL_free(ssl);
    },
    BIO_new: (method) => counted('bios', faulty.BIO_new(method)),
    BIO_free(bio) {
      balance.bios--;
      return real.BIO_free(bio);
    },
    SSL_set_bio(ssl, input, output) {
      balance.bios -= 2;
      real.SSL_set_bio(ssl, input, output);
    },
    ASN1_d2i_bio: (make, d2i, bio, into) => counted('sessions', real.ASN1_d2i_bio(make, d2i, bio, into)),
    SSL_SESSION_free(session) {
      balance.sessions--;
      real.SSL_SESSION_free(session);
    },
  };
  return { library, balance };
}

function connect(library: OpenSsl, session?: Uint8Array): SslConnection {
  return new SslConnection(library, {
    transport: 'stream',
    versions: ['TLS1.2'],
    native: {
      cipherList: 'PSK-AES128-GCM-SHA256',
      ciphersuites: '',
      groups: 'P-256',
      signatureAlgorithms: 'ecdsa_secp256r1_sha256',
    },
    credential: { mode: 'psk', preSharedKey: () => undefined, showCertificate: () => undefined },
    serverName: 'peer.example',
    alpn: ['coap'],
    maxFragmentLength: 512,
    timeouts: { min: seconds(1), max: seconds(60) },
    mtu: 0,
    keyLog: false,
    resumption: { session },
  });
}

/** Succeeds `good` times, then gives nothing. */
const fails =
  <A extends readonly unknown[], T>(real: (...given: A) => T, good: number, nothing: T) =>
  (...given: A): T =>
    good-- > 0 ? real(...given) : nothing;

const NOTHING: Balance = { connections: 0, bios: 0, sessions: 0 };

describeOpenSsl('OpenSSL: native memory', () => {
  const faults: readonly (readonly [string, string, (real: OpenSsl) => Faults])[] = [
    ['no connection', 'ENOBUFS', ({ SSL_new }) => ({ SSL_new: fails(SSL_new, 0, null) })],
    ['no BIO', 'ENOBUFS', ({ BIO_new }) => ({ BIO_new: fails(BIO_new, 0, null) })],
    ['one BIO and not two', 'ENOBUFS', ({ BIO_new }) => ({ BIO_new: fails(BIO_new, 1, null) })],
    ['a list of suites refused', 'EINVAL', () => ({ SSL_set_cipher_list: () => 0 })],
    ['a version refused', 'EINVAL', () => ({ SSL_ctrl: () => 0 })],
    ['ALPN refused', 'EINVAL', () => ({ SSL_set_alpn_protos: () => 1 })],
  ];
  for (const [what, code, fault] of faults) {
    it(`${what}: nothing is left`, () => {
      const { library, balance } = counting(fault);
      assert.throws(
        () => connect(library),
        (error) => error instanceof SocketError && error.code === code,
      );
      assert.deepEqual(balance, NOTHING);
      assert.equal(callbacksOf(library).owners.size, 0);
    });
  }

  it('a session that is none: the connection is made without it', () => {
    const { library, balance } = counting(() => ({}));
    const connection = connect(library, Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x01));
    assert.deepEqual(balance, { ...NOTHING, connections: 1 });
    assert.equal(connection.handshake(), 'wait');
    connection.free();
    assert.deepEqual(balance, NOTHING);
    assert.equal(callbacksOf(library).owners.size, 0);
  });
});
