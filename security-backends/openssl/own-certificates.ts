// Our own certificates: loaded with their keys, and given to OpenSSL when the server asks (RFC 5246 §7.4.4, RFC 8446 §4.3.2).

import {
  KEY_MATERIAL,
  type Certificate,
  type CertificateRequest,
  type LoadOptions,
  type PrivateKeyMaterial,
  SIGNATURE_PARAMETERS,
  SIGNATURE_SCHEMES,
  chooseCertificate,
  completeChain,
  loadOwnCertificate,
} from '../../lib/crypto/index.ts';
import { type CertificateSecurity, SocketError } from '../../lib/net/index.ts';
import type { Log } from '../../lib/runtime/index.ts';
import { SSL_CTRL } from './constants.ts';
import type { Pointer } from './functions.ts';
import type { OpenSsl } from './library.ts';
import { derOf, fromDer } from './native-memory.ts';

/** What is shown, and what signs for it. */
export interface OwnCertificate {
  /** What is shown: leaf first. */
  readonly chain: readonly Certificate[];
  /** `chain`, and the CAs above it as far as they are known: by their names a server may choose. */
  readonly path: readonly Certificate[];
  readonly key: PrivateKeyMaterial;
}

/** All of a configuration, in order of preference. @throws SecurityInfoError; then no key stays open */
export function loadOwnCertificates(
  security: CertificateSecurity,
  anchors: readonly Certificate[],
  loading: LoadOptions,
): readonly OwnCertificate[] {
  const { clientChain, clientKey, clientCredentials = [], rebuildClientChain } = security;
  const own: OwnCertificate[] = [];
  try {
    for (const { chain, key } of [{ chain: clientChain, key: clientKey }, ...clientCredentials]) {
      const loaded = loadOwnCertificate(chain, key, loading, KEY_MATERIAL);
      if (loaded === undefined) continue;
      const path = completeChain(loaded.chain, anchors);
      own.push({ key: loaded.key, path, chain: rebuildClientChain === true ? path : loaded.chain });
    }
  } catch (error) {
    for (const { key } of own) key.pkcs8.close();
    throw error;
  }
  return own;
}

/** A connection whose server asks for a certificate. */
interface Asked {
  readonly library: OpenSsl;
  readonly ssl: Pointer;
  readonly log: Log;
}

/** Gives OpenSSL the first that the request accepts; none is an answer too, and the log says why. @throws SocketError EIO */
export function showOneOf(own: readonly OwnCertificate[], asked: Asked): void {
  if (own.length === 0) return;
  const request = requestOf(asked);
  const candidates = own.map((each) => {
    const { algorithm } = each.key;
    const schemes = SIGNATURE_SCHEMES.filter((scheme) => SIGNATURE_PARAMETERS[scheme].key === algorithm.name);
    return { chain: each.path, key: { algorithm, schemes }, own: each };
  });
  const chosen = chooseCertificate(candidates, request)?.certificate.own;
  if (chosen !== undefined) return show(chosen, asked);
  const { authorities, signatureAlgorithms } = request;
  const facts = { certificates: own.length, authorities: authorities.length, signatureAlgorithms };
  const problem =
    'no certificate of ours is shown: the server takes none by kind of key, signature algorithm or authority';
  queueMicrotask(() => asked.log.warn(facts, problem)); // a log's code may close this connection: not while OpenSSL is inside
}

function show({ chain, key }: OwnCertificate, { library, ssl }: Asked): void {
  const [leaf, ...above] = chain;
  withNative(library, library.symbols.d2i_X509, leaf!.der, library.X509_free, (certificate) =>
    library.SSL_use_certificate(ssl, certificate),
  );
  for (const { der } of above) {
    withNative(library, library.symbols.d2i_X509, der, library.X509_free, (certificate) =>
      library.SSL_ctrl(ssl, SSL_CTRL.chainCertificate, 1, certificate),
    );
  }
  withNative(library, library.symbols.d2i_AutoPrivateKey, key.pkcs8.bytes, library.EVP_PKEY_free, (privateKey) =>
    library.SSL_use_PrivateKey(ssl, privateKey),
  );
}

/** `use` takes a reference of its own. */
function withNative(
  library: OpenSsl,
  d2i: Pointer,
  der: Uint8Array,
  free: (thing: Pointer) => void,
  use: (thing: Pointer) => number,
): void {
  const thing = fromDer(library, d2i, der);
  if (thing === null) throw new SocketError('EIO', 'OpenSSL does not read our certificate or key');
  try {
    if (use(thing) !== 1) throw new SocketError('EIO', 'OpenSSL does not take our certificate or key');
  } finally {
    free(thing);
  }
}

const ANY_TYPE = [1, 64]; // rsa_sign, ecdsa_sign: TLS 1.3 names no kinds of keys

function requestOf({ library, ssl }: Asked): CertificateRequest {
  const types = certificateTypes(library, ssl);
  return {
    certificateTypes: types.length > 0 ? types : ANY_TYPE,
    signatureAlgorithms: signatureAlgorithms(library, ssl),
    authorities: authorities(library, ssl),
  };
}

function certificateTypes(library: OpenSsl, ssl: Pointer): readonly number[] {
  const address = new BigUint64Array(1);
  const count = library.SSL_ctrl_bytes(ssl, SSL_CTRL.clientCertificateTypes, 0, new Uint8Array(address.buffer));
  return count > 0 && address[0] !== 0n ? [...library.copyFrom(address[0]!, count)] : [];
}

function signatureAlgorithms(library: OpenSsl, ssl: Pointer): readonly number[] {
  const [signature, hash] = [new Uint8Array(1), new Uint8Array(1)];
  const found: number[] = [];
  const read = (at: number): number => library.SSL_get_sigalgs(ssl, at, null, null, null, signature, hash);
  const count = read(0);
  for (let at = 0; at < count; at++) {
    read(at);
    found.push((hash[0]! << 8) | signature[0]!);
  }
  return found;
}

function authorities(library: OpenSsl, ssl: Pointer): readonly Uint8Array[] {
  const names = library.SSL_get0_peer_CA_list(ssl);
  const count = names === null ? 0 : library.OPENSSL_sk_num(names);
  return Array.from({ length: Math.max(0, count) }, (_, at) =>
    derOf(library, library.symbols.i2d_X509_NAME, library.OPENSSL_sk_value(names, at)),
  );
}
