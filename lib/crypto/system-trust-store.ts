// The roots of the operating system as loaders see them: injected, like files.

/** What the host trusts. */
export interface SystemTrustStore {
  /** Certificates in DER. @throws Error if the host does not tell */
  certificates(): readonly Uint8Array[];
}
