// Our side's certificates and raw public keys in the interop specs, from the files of one Pki.

import { certificateChainFromBuffer, privateKeyFromBuffer, rawPublicKeyFromBuffer } from '../../lib/crypto/index.ts';
import type {
  CertificateSecurity,
  CertificateServerSecurity,
  RawPublicKeySecurity,
  RawPublicKeyServerSecurity,
} from '../../lib/net/index.ts';
import type { CertificateName, Pki } from './peers/pki.ts';

/** Trusts the root; shows the chain of `own` if that is given. */
export function clientSecurity(pki: Pki, own?: CertificateName): CertificateSecurity {
  const trustAnchors = certificateChainFromBuffer(pki.bytes('root.pem'));
  if (own === undefined) return { mode: 'certificate', trustAnchors };
  return {
    mode: 'certificate',
    trustAnchors,
    clientChain: certificateChainFromBuffer(pki.bytes(`${own}-chain.pem`)),
    clientKey: privateKeyFromBuffer(pki.bytes(`${own}.key`)),
  };
}

export function serverSecurity(
  pki: Pki,
  clientCertificate: 'require' | 'none' = 'require',
  own: CertificateName = 'server',
): CertificateServerSecurity {
  return {
    mode: 'certificate',
    chain: certificateChainFromBuffer(pki.bytes(`${own}-chain.pem`)),
    key: privateKeyFromBuffer(pki.bytes(`${own}.key`)),
    clientCertificate,
    trustAnchors: certificateChainFromBuffer(pki.bytes('root.pem')),
  };
}

/** Knows the key of `server` and shows that of `client`. */
export function rawClient(pki: Pki): RawPublicKeySecurity {
  return {
    mode: 'rawPublicKey',
    serverKeys: rawPublicKeyFromBuffer(pki.bytes('server.pub')),
    privateKey: privateKeyFromBuffer(pki.bytes('client.key')),
  };
}

/** The reverse. */
export function rawServer(pki: Pki): RawPublicKeyServerSecurity {
  const known = pki.text('client.pub').replace(/-----.*?-----|\s/g, '');
  return {
    mode: 'rawPublicKey',
    publicKey: rawPublicKeyFromBuffer(pki.bytes('server.pub')),
    privateKey: privateKeyFromBuffer(pki.bytes('server.key')),
    accept: (spki) => Buffer.from(spki).toString('base64') === known,
  };
}
