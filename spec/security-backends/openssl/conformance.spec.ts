// Sockets of the OpenSSL backend pass every case of their kind over the host's loopback, with other stacks at the far end.

import { type Feature, type SocketFixture, socketCases } from '../../../lib/net/conformance/index.ts';
import { SocketError, type Resolver } from '../../../lib/net/index.ts';
import { systemResolver, udpSocket } from '../../../lib/net/node/index.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { PSK, udpDtls } from '../native/sockets.ts';
import { tlsFixture } from '../node-tls/tls-fixture.ts';
import { describeOpenSsl } from './available.ts';

/** The native backend's fixture with this backend's client in place of its own. */
function dtls(address: string): SocketFixture {
  const native = udpDtls(address);
  const resolver: Resolver = async (host, options) => {
    if (host === 'listener.example') return [address];
    if (host === 'unknown.invalid') throw new SocketError('ENOTFOUND', 'no such name');
    return systemResolver(host, options);
  };
  const backend = opensslDtls({ datagramSocket: (configuration, env) => udpSocket(configuration, env, { resolver }) });
  return {
    ...native,
    name: `DTLS at ${address}`,
    features: new Set<Feature>(['decorate', 'names', 'reset', 'handshakeTimeouts', 'system']),
    socket: (socket) => backend.createSocket({ security: PSK, socket }, native.environment),
  };
}

describeOpenSsl('OpenSSL: conformance', () => {
  const fixtures = [
    () => dtls('127.0.0.1'),
    () => dtls('::1'),
    () => tlsFixture(opensslTls, 'TLS1.2'),
    () => tlsFixture(opensslTls, 'TLS1.3'),
  ];
  for (const make of fixtures) {
    const fixture = make();
    describe(fixture.name, () => {
      for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
    });
  }
});
