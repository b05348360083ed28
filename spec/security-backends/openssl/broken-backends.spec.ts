// The kit's cases fail on a broken backend of OpenSSL's too, over datagrams and over streams of each version.

import assert from 'node:assert/strict';
import { type RawSockets, backendCases } from '../../../lib/net/conformance/backend/index.ts';
import type { DatagramSocket, SecurityBackend, StreamSocket } from '../../../lib/net/index.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';
import { brokenBackendCases } from '../../net/broken-backends.ts';
import { loopbackPeer } from '../native/loopback-peer.ts';
import { tlsPeer } from '../node-tls/tls-peer.ts';
import { describeOpenSsl } from './available.ts';

describeOpenSsl('conformance kit: broken backends of OpenSSL fail their case', () => {
  const datagrams = {
    name: 'DTLS',
    peer: loopbackPeer(),
    backend: (datagramSocket: RawSockets<DatagramSocket>): SecurityBackend<DatagramSocket> =>
      opensslDtls({ datagramSocket }),
  };
  describe('DTLS', () => {
    brokenBackendCases([datagrams]);

    it('a peer in virtual time is refused at once', () => {
      assert.throws(
        () => backendCases({ ...datagrams, peer: conformancePeer() }),
        /DTLS: expected a peer in real time, for the backend's clock is the system's/,
      );
    });

    it('cases of virtual time are skipped by name: OpenSSL reads the system clock', () => {
      const skipped = backendCases(datagrams).filter(({ skipped: reason }) => reason?.includes('virtual time'));
      assert.deepEqual(
        skipped.map(({ name, skipped: reason }) => `${name}: ${reason}`),
        ['times of retransmission', 'dtlsHandshakeTimeouts'].map(
          (name) => `${name}: needs virtual time: the backend reads the system clock`,
        ),
      );
    });
  });

  for (const version of ['TLS1.2', 'TLS1.3'] as const) {
    describe(version, () => {
      const backend = (streamSocket: RawSockets<StreamSocket>): SecurityBackend<StreamSocket> =>
        opensslTls({ streamSocket });
      brokenBackendCases([{ name: version, peer: tlsPeer(), backend, configuration: { versions: [version] } }]);
    });
  }
});
