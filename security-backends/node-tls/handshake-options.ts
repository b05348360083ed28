// What node:tls is told in either role. What its own defaults would allow beyond the configuration is taken back here.

import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { REGISTERED_SCHEMES } from '../../lib/crypto/index.ts';
import { cipherList } from './ciphersuites.ts';
import type { TlsSettings } from './configuration.ts';

const NODE_VERSIONS = { 'TLS1.2': 'TLSv1.2', 'TLS1.3': 'TLSv1.3' } as const;

/** In the order preferred; P-256 is the one LwM2M asks for (RFC 7925 §4.4). */
const GROUPS = 'X25519:P-256:P-384';

/** Those of PKCS#1 sign certificates, in TLS 1.2 also handshakes. */
const SIGNATURE_ALGORITHMS = REGISTERED_SCHEMES.join(':');

export interface HandshakeOptions extends SecureContextOptions {
  ALPNProtocols?: string[];
  requestCert: boolean;
  rejectUnauthorized: boolean;
}

/** Without credentials. */
export function handshakeOptions({ suites, versions, alpn }: TlsSettings): HandshakeOptions {
  const oldestFirst = (['TLS1.2', 'TLS1.3'] as const).filter((version) => versions.includes(version));
  return {
    ciphers: cipherList(suites),
    honorCipherOrder: true,
    minVersion: NODE_VERSIONS[oldestFirst[0] ?? 'TLS1.2'],
    maxVersion: NODE_VERSIONS[oldestFirst.at(-1) ?? 'TLS1.3'],
    sigalgs: SIGNATURE_ALGORITHMS,
    ecdhCurve: GROUPS,
    // A renegotiation could bring another peer after our verdict (RFC 5746 §1).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // OpenSSL's verdict would be a second policy, and it refuses by default what has no anchors: lib/crypto/trust judges.
    rejectUnauthorized: false,
    requestCert: true,
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
  };
}
