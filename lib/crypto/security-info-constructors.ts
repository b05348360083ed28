// One constructor per type and source, for the combinations that make sense. Bytes are copied; nothing is read yet.

import { copyBytes } from '../bytes/index.ts';
import type {
  CertificateChainInfo,
  CertificateRevocationListInfo,
  PrivateKeyInfo,
  PskIdentityInfo,
  PskKeyInfo,
  RawPublicKeyInfo,
  SecurityInfo,
  SecurityInfoSource,
  SecurityInfoType,
} from './security-info.ts';

const SECRET_TYPES: ReadonlySet<SecurityInfoType> = new Set<SecurityInfoType>(['privateKey', 'pskKey']);

/** No certificate. */
export const certificateChainEmpty = (): CertificateChainInfo => info('certificateChain', { kind: 'empty' });

/** One file: PEM (several blocks) or DER. */
export const certificateChainFromFile = (path: string): CertificateChainInfo =>
  info('certificateChain', { kind: 'file', path });

/** Every certificate of a directory: a trust store. */
export const certificateChainFromPath = (directory: string): CertificateChainInfo =>
  info('certificateChain', { kind: 'path', directory });

/** PEM (several blocks) or DER. */
export const certificateChainFromBuffer = (bytes: Uint8Array): CertificateChainInfo =>
  info('certificateChain', { kind: 'buffer', bytes });

/** As a client certificate: the leaf first, then CAs to send. */
export const certificateChainFromArray = (elements: readonly CertificateChainInfo[]): CertificateChainInfo =>
  info('certificateChain', { kind: 'array', elements: [...elements] });

/** Like an array, but consumed only when loaded; kept by reference. */
export const certificateChainFromList = (elements: Iterable<CertificateChainInfo>): CertificateChainInfo =>
  info('certificateChain', { kind: 'list', elements });

/** A certificate kept by an engine (PKCS#11, TPM), named by `query`. */
export const certificateChainFromEngine = (query: string): CertificateChainInfo =>
  info('certificateChain', { kind: 'engine', query });

/** No private key. */
export const privateKeyEmpty = (): PrivateKeyInfo => info('privateKey', { kind: 'empty' });

/** PEM or DER; PKCS#8 (plain, or encrypted with `password`), SEC1, PKCS#1. */
export const privateKeyFromFile = (path: string, password?: string): PrivateKeyInfo =>
  info('privateKey', { kind: 'file', path, password });

/** PEM or DER; PKCS#8 (plain, or encrypted with `password`), SEC1, PKCS#1. */
export const privateKeyFromBuffer = (bytes: Uint8Array, password?: string): PrivateKeyInfo =>
  info('privateKey', { kind: 'buffer', bytes, password });

/** A key that stays in its engine, named by `query`. */
export const privateKeyFromEngine = (query: string): PrivateKeyInfo => info('privateKey', { kind: 'engine', query });

/** No revocation list. */
export const certificateRevocationListEmpty = (): CertificateRevocationListInfo =>
  info('certificateRevocationList', { kind: 'empty' });

/** One file: PEM (several blocks) or DER. */
export const certificateRevocationListFromFile = (path: string): CertificateRevocationListInfo =>
  info('certificateRevocationList', { kind: 'file', path });

/** Every revocation list of a directory. */
export const certificateRevocationListFromPath = (directory: string): CertificateRevocationListInfo =>
  info('certificateRevocationList', { kind: 'path', directory });

/** PEM (several blocks) or DER. */
export const certificateRevocationListFromBuffer = (bytes: Uint8Array): CertificateRevocationListInfo =>
  info('certificateRevocationList', { kind: 'buffer', bytes });

export const certificateRevocationListFromArray = (
  elements: readonly CertificateRevocationListInfo[],
): CertificateRevocationListInfo => info('certificateRevocationList', { kind: 'array', elements: [...elements] });

/** Like an array, but consumed only when loaded; kept by reference. */
export const certificateRevocationListFromList = (
  elements: Iterable<CertificateRevocationListInfo>,
): CertificateRevocationListInfo => info('certificateRevocationList', { kind: 'list', elements });

/** No identity. */
export const pskIdentityEmpty = (): PskIdentityInfo => info('pskIdentity', { kind: 'empty' });

/** A file whose bytes are the identity, less one line end (LF or CRLF) at its end. */
export const pskIdentityFromFile = (path: string): PskIdentityInfo => info('pskIdentity', { kind: 'file', path });

/** The identity's bytes; RFC 4279 §5.1 wants UTF-8, which is not enforced. */
export const pskIdentityFromBuffer = (bytes: Uint8Array): PskIdentityInfo =>
  info('pskIdentity', { kind: 'buffer', bytes });

/** An identity kept by an engine, named by `query`. */
export const pskIdentityFromEngine = (query: string): PskIdentityInfo => info('pskIdentity', { kind: 'engine', query });

/** No key. */
export const pskKeyEmpty = (): PskKeyInfo => info('pskKey', { kind: 'empty' });

/** A file with the key in hex; white space is skipped, anything else refused, so that no file can be read two ways. */
export const pskKeyFromFile = (path: string): PskKeyInfo => info('pskKey', { kind: 'file', path });

/** The key's bytes. */
export const pskKeyFromBuffer = (bytes: Uint8Array): PskKeyInfo => info('pskKey', { kind: 'buffer', bytes });

/** A key that stays in its engine, named by `query`. */
export const pskKeyFromEngine = (query: string): PskKeyInfo => info('pskKey', { kind: 'engine', query });

/** No raw public key. */
export const rawPublicKeyEmpty = (): RawPublicKeyInfo => info('rawPublicKey', { kind: 'empty' });

/** A file with a SubjectPublicKeyInfo: PEM or DER. */
export const rawPublicKeyFromFile = (path: string): RawPublicKeyInfo => info('rawPublicKey', { kind: 'file', path });

/** A SubjectPublicKeyInfo: PEM or DER. */
export const rawPublicKeyFromBuffer = (bytes: Uint8Array): RawPublicKeyInfo =>
  info('rawPublicKey', { kind: 'buffer', bytes });

/** Several keys: any of them is accepted from the peer. */
export const rawPublicKeyFromArray = (elements: readonly RawPublicKeyInfo[]): RawPublicKeyInfo =>
  info('rawPublicKey', { kind: 'array', elements: [...elements] });

/** Like an array, but consumed only when loaded; kept by reference. */
export const rawPublicKeyFromList = (elements: Iterable<RawPublicKeyInfo>): RawPublicKeyInfo =>
  info('rawPublicKey', { kind: 'list', elements });

/** A key kept by an engine, named by `query`. */
export const rawPublicKeyFromEngine = (query: string): RawPublicKeyInfo =>
  info('rawPublicKey', { kind: 'engine', query });

function info<T extends SecurityInfoType>(type: T, source: SecurityInfoSource<T>): SecurityInfo<T> {
  const copied = source.kind === 'buffer' ? { ...source, bytes: copyBytes(source.bytes) } : { ...source };
  if (SECRET_TYPES.has(type)) hideFromPrinting(copied);
  return Object.freeze({ type, source: Object.freeze(copied) });
}

/** Loggers, inspect and JSON show enumerable properties only. */
function hideFromPrinting(source: object): void {
  for (const property of ['bytes', 'password']) {
    if (property in source) Object.defineProperty(source, property, { enumerable: false });
  }
}
