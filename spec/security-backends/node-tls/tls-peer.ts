// A plain node:tls server as the far end of the conformance kit, on the host's loopback.

import type { TlsOptions } from 'node:tls';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import type { SecurityInfo } from '../../../lib/crypto/index.ts';
import type { ConformancePeer } from '../../../lib/net/conformance/backend/index.ts';
import type { ServerConfiguration, StreamSocket } from '../../../lib/net/index.ts';
import { tcpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { deadTcpPort } from '../../net/fixtures.ts';
import { TlsServer } from './tls-server.ts';

const ADDRESS = '127.0.0.1';

/** IANA ids and OpenSSL's names. */
const SUITES = {
  0x1301: 'TLS_AES_128_GCM_SHA256',
  0xc0a8: 'PSK-AES128-CCM8',
  0x00a8: 'PSK-AES128-GCM-SHA256',
  0xc0ae: 'ECDHE-ECDSA-AES128-CCM8',
  0xc02b: 'ECDHE-ECDSA-AES128-GCM-SHA256',
} as const;

export function tlsPeer(): ConformancePeer<StreamSocket> {
  const environment = systemEnvironment();
  return {
    transport: 'stream',
    capabilities: {
      versions: ['TLS1.3', 'TLS1.2'],
      ciphersuites: Object.keys(SUITES).map(Number),
      credentials: ['psk', 'certificate'],
      roles: ['server'],
      resumption: true,
      connectionId: false,
      dane: false,
      clock: 'system',
    },
    environment,
    virtualTime: false,
    address: ADDRESS,
    host: 'peer.example',
    rawSocket: (configuration, env) => tcpSocket(configuration, env, { resolver: async () => [ADDRESS] }),
    server: (configuration) => new TlsServer(environment, undefined, tlsOptions(configuration)),
    run: (promise) => promise,
    deadPort: () => deadTcpPort(ADDRESS),
  };
}

function tlsOptions({ security }: ServerConfiguration): TlsOptions {
  const ciphers = [...Object.values(SUITES), '@SECLEVEL=0'].join(':'); // OpenSSL 3.2 and later would drop CCM_8
  if (security.mode === 'psk') {
    return {
      ciphers,
      pskCallback: (_socket, identity) => {
        const known = security.lookup(utf8Encode(identity), { address: ADDRESS, port: 0 });
        return known === undefined || known instanceof Promise ? null : bytesOf(known);
      },
    };
  }
  if (security.mode !== 'certificate') throw new Error('node:tls has no raw public keys');
  return {
    ciphers,
    cert: new X509Certificate(bytesOf(security.chain)).toString(),
    key: createPrivateKey({ key: Buffer.from(bytesOf(security.key)), format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString(),
    ...(security.trustAnchors && { ca: new X509Certificate(bytesOf(security.trustAnchors)).toString() }),
    requestCert: security.clientCertificate !== 'none',
    rejectUnauthorized: security.clientCertificate !== 'none',
  };
}

function bytesOf({ source }: SecurityInfo): Uint8Array {
  if (source.kind === 'buffer') return source.bytes;
  throw new Error(`expected the bytes of a credential, found a ${source.kind}`);
}
