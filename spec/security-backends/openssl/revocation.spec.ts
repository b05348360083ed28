// Revocation lists with OpenSSL beneath: the verdict is the project's own, by DTLS and by both versions of TLS.

import assert from 'node:assert/strict';
import { certificateRevocationListFromArray, certificateRevocationListFromBuffer } from '../../../lib/crypto/index.ts';
import { type AnySocket, type CertificateSecurity, TlsAlertError } from '../../../lib/net/index.ts';
import { tcpSocket, udpSocket } from '../../../lib/net/node/index.ts';
import { nativeDtls } from '../../../security-backends/native/index.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { revocationListDer } from '../../crypto/fixtures/fixtures.ts';
import { ADDRESS, HOST, SERVER, TRUSTING, World } from '../node-tls/sockets.ts';
import { describeOpenSsl } from './available.ts';

const VISITED = { ...SERVER, clientCertificate: 'none' } as const;
const lists = (...names: readonly string[]): CertificateSecurity => ({
  ...TRUSTING,
  revocationLists: certificateRevocationListFromArray(
    names.map((name) => certificateRevocationListFromBuffer(revocationListDer(name))),
  ),
});

describeOpenSsl('OpenSSL: revocation lists', () => {
  let world: World;
  beforeEach(() => (world = new World()));
  afterEach(() => world.close());

  for (const version of ['DTLS1.2', 'TLS1.2', 'TLS1.3'] as const) {
    const connect = async (security: CertificateSecurity): Promise<void> => {
      const server = await (version === 'DTLS1.2' ? dtlsServer() : world.server(VISITED));
      const configuration = { security, versions: [version] } as const;
      const resolver = async (): Promise<readonly string[]> => [ADDRESS];
      const client = world.keep<AnySocket>(
        version === 'DTLS1.2'
          ? opensslDtls({ datagramSocket: (socket, env) => udpSocket(socket, env, { resolver }) }).createSocket(
              configuration,
              world.environment,
            )
          : opensslTls({ streamSocket: (socket, env) => tcpSocket(socket, env, { resolver }) }).createSocket(
              configuration,
              world.environment,
            ),
      );
      await client.connect(HOST, server.local?.port ?? 0);
    };
    const dtlsServer = async (): Promise<AnySocket> => {
      const native = nativeDtls({ datagramSocket: udpSocket });
      const server = world.keep(native.createServer({ security: VISITED }, world.environment));
      await server.bind(ADDRESS, 0);
      return server;
    };

    it(`${version}: who is on no list gets in`, () => connect(lists('inter-crl', 'root-crl')));

    for (const [what, security, reason, description] of [
      ['an authority that was revoked', lists('inter-crl', 'root-crl-inter'), /revoked/, 44],
      ['a list that is out of date', lists('inter-crl-outdated', 'root-crl'), /revocation/, 46],
    ] as const) {
      it(`${version}: ${what} ends the handshake, and the server is told`, async () => {
        const error: unknown = await connect(security).catch((cause: unknown) => cause);
        assert.ok(error instanceof TlsAlertError && error.direction === 'sent', String(error));
        assert.match(error.message, reason);
        assert.equal(error.description, description);
      });
    }
  }
});
