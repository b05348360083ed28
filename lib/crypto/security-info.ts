// Credentials as a tagged union: what it is (`type`) and where it comes from (`source`). After avs_crypto's security info.

/** What a credential is. */
export type SecurityInfoType =
  | 'certificateChain'
  | 'privateKey'
  | 'certificateRevocationList'
  | 'pskIdentity'
  | 'pskKey'
  | 'rawPublicKey';

/** Where a credential comes from. Compound sources (`array`, `list`) nest; `T` keeps their elements of one type. */
export type SecurityInfoSource<T extends SecurityInfoType> =
  | { readonly kind: 'empty' }
  | { readonly kind: 'file'; readonly path: string; readonly password?: string | undefined }
  | { readonly kind: 'path'; readonly directory: string }
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array; readonly password?: string | undefined }
  | { readonly kind: 'array'; readonly elements: readonly SecurityInfo<T>[] }
  | { readonly kind: 'list'; readonly elements: Iterable<SecurityInfo<T>> }
  | { readonly kind: 'engine'; readonly query: string };

/** A credential of one type, from any source. */
export interface SecurityInfo<T extends SecurityInfoType = SecurityInfoType> {
  readonly type: T;
  readonly source: SecurityInfoSource<T>;
}

export type CertificateChainInfo = SecurityInfo<'certificateChain'>;
export type PrivateKeyInfo = SecurityInfo<'privateKey'>;
export type CertificateRevocationListInfo = SecurityInfo<'certificateRevocationList'>;
export type PskIdentityInfo = SecurityInfo<'pskIdentity'>;
export type PskKeyInfo = SecurityInfo<'pskKey'>;
export type RawPublicKeyInfo = SecurityInfo<'rawPublicKey'>;
