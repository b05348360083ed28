// What the operating system trusts: Node's own list of it where it has one, else the bundle of the distribution.

import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { parsePem } from '../pem.ts';
import type { SystemTrustStore } from '../system-trust-store.ts';

/** Where distributions keep all roots in one PEM file: Debian and Arch, Fedora and RHEL, openSUSE, Alpine and BSD, macOS. */
export const SYSTEM_BUNDLES: readonly string[] = Object.freeze([
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]);

export interface NodeSystemTrustStoreOptions {
  /** PEM files, of which the first that is there is read. Default `SYSTEM_BUNDLES`. */
  readonly bundles?: readonly string[] | undefined;
}

/** Reads when it is first needed, and then no more. */
export function nodeSystemTrustStore({ bundles = SYSTEM_BUNDLES }: NodeSystemTrustStoreOptions = {}): SystemTrustStore {
  let known: readonly Uint8Array[] | undefined;
  return { certificates: () => (known ??= fromNode() ?? fromBundle(bundles)) };
}

/** Since Node 22.15 and 23.10. */
function fromNode(): readonly Uint8Array[] | undefined {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'system') => readonly string[] };
  const found = getCACertificates?.('system') ?? [];
  return found.length === 0 ? undefined : found.flatMap((text) => certificatesOf(Buffer.from(text)));
}

/** @throws Error with the host's code if there is none */
function fromBundle(bundles: readonly string[]): readonly Uint8Array[] {
  let failure: unknown;
  for (const path of bundles) {
    try {
      return certificatesOf(readFileSync(path));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure ?? new Error('no file is named');
}

function certificatesOf(pem: Uint8Array): readonly Uint8Array[] {
  return parsePem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ bytes }) => bytes);
}
