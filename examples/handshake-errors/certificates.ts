// What goes wrong with certificates and raw public keys.

import {
  certificateChainFromBuffer,
  certificateRevocationListFromBuffer,
  privateKeyFromBuffer,
  rawPublicKeyFromBuffer,
  utf8Encode,
} from '../../lib/index.ts';
import type {
  CertificateSecurity,
  CertificateServerSecurity,
  RawPublicKeySecurity,
  RawPublicKeyServerSecurity,
} from '../../lib/net/index.ts';
import * as pki from './pki.ts';
import { type Attempt, type Failure, Stage } from './stage.ts';

const chain = (pem: string): CertificateSecurity['clientChain'] & object => certificateChainFromBuffer(utf8Encode(pem));
const key = (pem: string): CertificateSecurity['clientKey'] & object => privateKeyFromBuffer(utf8Encode(pem));

/** A client that trusts the root, and a server with a certificate of it that asks for none; a failure changes one thing. */
export function certificateServer(
  client: Partial<CertificateSecurity> = {},
  server: Partial<CertificateServerSecurity> = {},
): Attempt & { readonly server: NonNullable<Attempt['server']> } {
  const ours = { mode: 'certificate', trustAnchors: chain(pki.root), ...client } as const;
  const theirs = { mode: 'certificate', chain: chain(pki.server), key: key(pki.serverKey), ...server } as const;
  return {
    client: { security: ours },
    server: { security: { clientCertificate: 'none', ...theirs } },
  };
}

function failure(title: string, attempt: () => Attempt): Failure {
  return { title, run: () => new Stage().fail(attempt()) };
}

export const serverCertificateFailures: readonly Failure[] = [
  failure('No trust configured', () => certificateServer({ trustAnchors: undefined })),
  failure('Unknown CA', () => certificateServer({ trustAnchors: chain(pki.other) })),
  failure('Expired', () => certificateServer({}, { chain: chain(pki.expired) })),
  failure('Wrong host', () => ({ ...certificateServer(), host: 'other.example' })),
  failure('Wrong purpose', () => certificateServer({}, { chain: chain(pki.purpose) })),
  failure('Revoked', () =>
    certificateServer(
      { revocationLists: certificateRevocationListFromBuffer(utf8Encode(pki.crl)) },
      { chain: chain(pki.revoked) },
    ),
  ),
  failure('Another certificate than the one configured', () =>
    certificateServer({ serverCertificate: { certificate: chain(pki.expired), usage: 3 } }),
  ),
  failure('No certificate for what the client offers', () => {
    const { client, server } = certificateServer();
    const rsaAlone = [0xc02f];
    return {
      client: { ...client, ciphersuites: rsaAlone },
      server: { ...server, ciphersuites: [0xc02b, 0xc02f] },
    };
  }),
];

const requiring = { clientCertificate: 'require', trustAnchors: chain(pki.root) } as const;

export const clientCertificateFailures: readonly Failure[] = [
  failure('The server wants a certificate and the client has none', () => certificateServer({}, requiring)),
  failure('The client has a certificate of another CA', () =>
    certificateServer({ clientChain: chain(pki.stranger), clientKey: key(pki.deviceKey) }, requiring),
  ),
  failure('The server refuses the client’s certificate', () =>
    certificateServer({ clientChain: chain(pki.worn), clientKey: key(pki.deviceKey) }, requiring),
  ),
];

const rawKey = (pem: string): RawPublicKeySecurity['serverKeys'] => rawPublicKeyFromBuffer(utf8Encode(pem));

function rawKeys(client: Partial<RawPublicKeySecurity>, server: Partial<RawPublicKeyServerSecurity>): Attempt {
  const device = { privateKey: key(pki.deviceKey) };
  const own = { publicKey: rawKey(pki.serverPublic), privateKey: key(pki.serverKey) };
  return {
    client: { security: { mode: 'rawPublicKey', serverKeys: rawKey(pki.serverPublic), ...device, ...client } },
    server: { security: { mode: 'rawPublicKey', accept: () => true, ...own, ...server } },
  };
}

export const rawKeyFailures: readonly Failure[] = [
  failure('The server has another raw public key', () => rawKeys({ serverKeys: rawKey(pki.devicePublic) }, {})),
  failure('The server does not know the client’s raw public key', () => rawKeys({}, { accept: () => false })),
];
