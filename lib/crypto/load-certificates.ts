// From security infos to certificates and revocation lists: PEM or DER, files, whole directories, compounds, engines.

import { DecodeError } from '../bytes/index.ts';
import { type RevocationList, parseRevocationList } from './crl.ts';
import { type SecurityInfoLeaf, leaves } from './leaves.ts';
import { type LoadOptions, expectType, leafContent, parsed, readable } from './load-options.ts';
import { looksLikePem, parsePem } from './pem.ts';
import { SecurityInfoError } from './security-info-error.ts';
import type { CertificateChainInfo, CertificateRevocationListInfo, SecurityInfo } from './security-info.ts';
import { type Certificate, parseCertificate } from './x509.ts';

type Listed = 'certificateChain' | 'certificateRevocationList';

interface Kind<T> {
  readonly what: string;
  /** PEM labels: RFC 7468 §5 and §6, and what older tools write. Not OpenSSL's TRUSTED CERTIFICATE, which holds more. */
  readonly labels: ReadonlySet<string>;
  readonly parse: (der: Uint8Array, options: LoadOptions) => T;
}

const CERTIFICATES: Kind<Certificate> = {
  what: 'certificate',
  labels: new Set(['CERTIFICATE', 'X509 CERTIFICATE']),
  parse: (der, { maxCertificateLength }) => parseCertificate(der, maxCertificateLength),
};

const LISTS: Kind<RevocationList> = {
  what: 'revocation list',
  labels: new Set(['X509 CRL', 'CRL']),
  parse: (der, { maxRevocationListLength }) => parseRevocationList(der, maxRevocationListLength),
};

/**
 * The certificates in order: as our own chain the leaf first, then CAs to send; as trust anchors in no order. Empty for
 * `empty`. A directory's files that hold no certificate are skipped with a line in the log.
 * @throws SecurityInfoError EINVAL (malformed, or no certificate at all), ENOTSUP, EIO
 */
export function loadCertificateChain(info: CertificateChainInfo, options: LoadOptions = {}): readonly Certificate[] {
  expectType(info, 'certificateChain');
  return loadAll(info, CERTIFICATES, options);
}

/** What is trusted: the same sources, with what is listed twice taken once. @throws as `loadCertificateChain` does */
export function loadTrustAnchors(info: CertificateChainInfo, options: LoadOptions = {}): readonly Certificate[] {
  const seen = new Set<string>();
  return loadCertificateChain(info, options).filter(({ der }) => {
    const key = der.join();
    return seen.has(key) ? false : seen.add(key);
  });
}

/**
 * What the operating system trusts. Of the many it has, those that we cannot use are passed over, and told.
 * @throws SecurityInfoError ENOTSUP, EIO, ENODATA if there is none to use
 */
export function loadSystemTrustAnchors(options: LoadOptions = {}): readonly Certificate[] {
  const { systemTrustStore, log } = options;
  const place = { type: 'certificateChain', source: 'path', position: 'systemTrustStore' } as const;
  if (systemTrustStore === undefined) {
    throw new SecurityInfoError('ENOTSUP', place, 'expected to be told where the trust store of this system is');
  }
  const anchors = readable(place, 'the trust store of this system', () => systemTrustStore.certificates()).flatMap(
    (der) => {
      try {
        return [CERTIFICATES.parse(der, options)];
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        log?.debug({ reason: error.message }, 'a certificate of the system was skipped');
        return [];
      }
    },
  );
  if (anchors.length === 0) throw new SecurityInfoError('ENODATA', place, 'expected certificates, found none');
  return anchors;
}

/** Empty for `empty`. Their signatures are checked when they are used. @throws as `loadCertificateChain` does */
export function loadCertificateRevocationLists(
  info: CertificateRevocationListInfo,
  options: LoadOptions = {},
): readonly RevocationList[] {
  expectType(info, 'certificateRevocationList');
  return loadAll(info, LISTS, options);
}

function loadAll<T>(info: SecurityInfo<Listed>, kind: Kind<T>, options: LoadOptions): readonly T[] {
  const all: T[] = [];
  for (const leaf of leaves(info, options)) all.push(...loadLeaf(leaf, kind, options));
  return all;
}

function loadLeaf<T>(leaf: SecurityInfoLeaf<Listed>, kind: Kind<T>, options: LoadOptions): readonly T[] {
  const { source } = leaf.info;
  if (source.kind === 'path') return loadDirectory(leaf, source.directory, kind, options);
  if (source.kind === 'engine') return loadFromEngine(leaf, source.query, kind, options);
  const bytes = leafContent(leaf, options);
  return bytes === undefined ? [] : parsed(leaf, () => parseAll(bytes, kind, options));
}

/** Blocks of other kinds (a private key, EC PARAMETERS) may stand in the same file. */
function parseAll<T>(bytes: Uint8Array, kind: Kind<T>, options: LoadOptions): readonly T[] {
  if (!looksLikePem(bytes)) return [kind.parse(bytes, options)];
  const blocks = parsePem(bytes);
  const ours = blocks.filter(({ label }) => kind.labels.has(label));
  for (const each of blocks) if (!ours.includes(each)) each.bytes.fill(0);
  if (ours.length > 0)
    return ours.map(({ bytes: der }, i) => numbered(i + 1, ours.length, () => kind.parse(der, options)));
  throw new DecodeError('PEM', `a block with a ${kind.what}`, `${blocks.length} blocks of other kinds`);
}

/** Says which block of many is malformed. */
function numbered<T>(number: number, count: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof DecodeError) || count === 1) throw error;
    throw new DecodeError(`block ${number} of ${count}: ${error.field}`, error.expected, error.found, error.offset);
  }
}

/** A trust store has READMEs, hashes as links, keys: what is no certificate is passed over, and told. */
function loadDirectory<T>(
  leaf: SecurityInfoLeaf<Listed>,
  directory: string,
  kind: Kind<T>,
  options: LoadOptions,
): readonly T[] {
  const { files, log } = options;
  if (files === undefined) throw new SecurityInfoError('ENOTSUP', leaf, 'expected a file source, found none');
  const paths = readable(leaf, directory, () => files.list(directory));
  const all: T[] = [];
  for (const path of paths) {
    try {
      all.push(...parseAll(files.read(path), kind, options));
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unreadable';
      log?.warn({ position: leaf.position, path, reason }, `a file without a ${kind.what} was skipped`);
    }
  }
  if (all.length > 0) return all;
  const detail = `'${directory}': expected a file with a ${kind.what}, found none in ${paths.length} files`;
  throw new SecurityInfoError('EINVAL', leaf, detail);
}

function loadFromEngine<T>(
  leaf: SecurityInfoLeaf<Listed>,
  query: string,
  kind: Kind<T>,
  options: LoadOptions,
): readonly T[] {
  const { engine } = options;
  if (engine?.certificates === undefined) {
    throw new SecurityInfoError('ENOTSUP', leaf, 'expected an engine with certificates, found none');
  }
  const found = engine.certificates(query);
  if (found === undefined) throw new SecurityInfoError('ENODATA', leaf, 'the engine has no such certificate');
  return parsed(leaf, () => found.map((der) => kind.parse(der, options)));
}
