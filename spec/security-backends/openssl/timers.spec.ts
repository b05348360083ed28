// When OpenSSL sends a flight again: as configured, doubled each time up to the most (RFC 6347 §4.2.4.1). Its clock is the system's,
// so what is looked at is what it is told, and that it heeds it.

import assert from 'node:assert/strict';
import { seconds } from '../../../lib/runtime/index.ts';
import { SslConnection } from '../../../security-backends/openssl/connection.ts';
import { loadOpenSsl } from '../../../security-backends/openssl/library.ts';
import { describeOpenSsl } from './available.ts';

const MICROSECONDS = 1_000_000; // in a second

describeOpenSsl('OpenSSL: timers of DTLS', () => {
  let connection: SslConnection;
  afterEach(() => connection.free());
  beforeEach(() => {
    connection = new SslConnection(loadOpenSsl(), {
      transport: 'datagram',
      versions: ['DTLS1.2'],
      native: { cipherList: 'PSK-AES128-CCM8', ciphersuites: '', groups: 'P-256', signatureAlgorithms: 'ed25519' },
      credential: { mode: 'psk', preSharedKey: () => undefined, showCertificate: () => undefined },
      serverName: undefined,
      alpn: [],
      maxFragmentLength: undefined,
      timeouts: { min: seconds(9), max: seconds(60) },
      mtu: 1252,
      keyLog: false,
      resumption: undefined,
    });
  });

  /** Seconds between the sendings of one flight. */
  const waits = (count: number): readonly number[] => {
    let wait = 0;
    return Array.from({ length: count }, () => (wait = connection.nextTimeout(wait))).map(
      (each) => each / MICROSECONDS,
    );
  };

  it('wait at first as long as configured, then twice as long, up to the most; a new flight begins anew', () => {
    assert.deepEqual(waits(5), [9, 18, 36, 60, 60]);
    assert.deepEqual(waits(2), [9, 18]);
  });

  it('may be changed while the handshake is under way', () => {
    connection.setTimeouts({ min: seconds(1), max: seconds(3) });
    assert.deepEqual(waits(4), [1, 2, 3, 3]);
  });

  it('are what OpenSSL waits for: it asks before each flight, and says how long is left', () => {
    assert.equal(connection.timeLeft(), undefined);
    assert.equal(connection.handshake(), 'wait');
    assert.equal(connection.flights, 1);
    const left = connection.timeLeft() ?? 0;
    assert.ok(left > seconds(1) && left <= seconds(9), `${left} ms`); // OpenSSL's own default is a second
    connection.output();
    assert.equal(connection.handleTimeout(), undefined);
    assert.equal(connection.output().length, 0, 'nothing is sent before its time');
  });
});
