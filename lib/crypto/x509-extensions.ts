// The extensions of certificates that decide about trust (RFC 5280 §4.2).

import { DecodeError } from '../bytes/index.ts';
import { DER_TAG, DerReader, bitString, derContext, derContextConstructed, derWhole } from './der.ts';
import { OID } from './oids.ts';
import { type GeneralName, readGeneralName } from './x509-name.ts';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** What its OCTET STRING holds. */
  readonly value: Uint8Array;
}

export interface BasicConstraints {
  readonly ca: boolean;
  /** How many CAs may follow below, self-issued ones not counted. Undefined: any number. */
  readonly pathLength: number | undefined;
}

/** In the order of their bits (RFC 5280 §4.2.1.3). */
export const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What the known extensions say; undefined where they are absent. */
export interface ExtensionFacts {
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Object identifiers of purposes. */
  readonly extKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
}

/** Most extensions of one certificate, and most names of one extension. */
const MAX_EXTENSIONS = 100;
const MAX_NAMES = 1000;

/** The next element as Extensions. @throws DecodeError, also for two of one kind (RFC 5280 §4.2) */
export function readExtensions(reader: DerReader, field: string): ReadonlyMap<string, Extension> {
  const list = reader.sequence(field);
  const extensions = new Map<string, Extension>();
  do {
    const each = list.sequence(`${field} extension`);
    const oid = each.oid(`${field} extnID`);
    const critical = each.peek() === DER_TAG.boolean && each.boolean(`${field} critical`);
    const value = each.octetString(`${field} extnValue`);
    each.end(`${field} extension`);
    if (extensions.has(oid)) throw new DecodeError(field, 'one extension of each kind', `two of ${oid}`);
    if (extensions.size >= MAX_EXTENSIONS) throw new DecodeError(field, `at most ${MAX_EXTENSIONS}`, 'more');
    extensions.set(oid, { oid, critical, value });
  } while (!list.ended);
  return extensions;
}

/** @throws DecodeError if a known extension is malformed */
export function extensionFacts(extensions: ReadonlyMap<string, Extension>): ExtensionFacts {
  const fact = <T>(oid: string, parse: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(oid);
    return extension === undefined ? undefined : parse(extension.value);
  };
  return {
    basicConstraints: fact(OID.basicConstraints, basicConstraints),
    keyUsage: fact(OID.keyUsage, keyUsage),
    extKeyUsage: fact(OID.extKeyUsage, extKeyUsage),
    subjectAltName: fact(OID.subjectAltName, subjectAltName),
    nameConstraints: fact(OID.nameConstraints, nameConstraints),
    subjectKeyIdentifier: fact(OID.subjectKeyIdentifier, subjectKeyIdentifier),
    authorityKeyIdentifier: fact(OID.authorityKeyIdentifier, authorityKeyIdentifier),
  };
}

function basicConstraints(value: Uint8Array): BasicConstraints {
  const inside = derWhole(value, DER_TAG.sequence, 'basicConstraints');
  // Some issuers write the default FALSE out, against X.690 §11.5; it says the same.
  const ca = inside.peek() === DER_TAG.boolean && inside.boolean('cA');
  const pathLength = inside.peek() === DER_TAG.integer ? inside.number('pathLenConstraint', 0xffff) : undefined;
  inside.end('basicConstraints');
  return { ca, pathLength };
}

function keyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const outer = new DerReader(value);
  const { bytes } = bitString(outer.expect(DER_TAG.bitString, 'keyUsage').content, 'keyUsage');
  outer.end('after keyUsage');
  return new Set(KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function extKeyUsage(value: Uint8Array): readonly string[] {
  const inside = derWhole(value, DER_TAG.sequence, 'extKeyUsage');
  const purposes: string[] = [];
  do purposes.push(inside.oid('KeyPurposeId'));
  while (!inside.ended);
  return purposes;
}

function subjectAltName(value: Uint8Array): readonly GeneralName[] {
  const inside = derWhole(value, DER_TAG.sequence, 'subjectAltName');
  const names: GeneralName[] = [];
  do names.push(readGeneralName(inside, 'subjectAltName'));
  while (!inside.ended && notTooMany(names, 'subjectAltName'));
  return names;
}

function nameConstraints(value: Uint8Array): NameConstraints {
  const inside = derWhole(value, DER_TAG.sequence, 'nameConstraints');
  const permitted = inside.enterOptional(derContextConstructed(0), 'permittedSubtrees');
  const excluded = inside.enterOptional(derContextConstructed(1), 'excludedSubtrees');
  inside.end('nameConstraints');
  return { permitted: subtrees(permitted), excluded: subtrees(excluded) };
}

function subtrees(list: DerReader | undefined): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (list !== undefined && !list.ended && notTooMany(names, 'GeneralSubtrees')) {
    const subtree = list.sequence('GeneralSubtree');
    names.push(readGeneralName(subtree, 'GeneralSubtree base', true));
    subtree.end('GeneralSubtree'); // RFC 5280 §4.2.1.10: minimum is 0, so not written, and maximum is absent
  }
  return names;
}

function subjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const outer = new DerReader(value);
  const identifier = outer.octetString('subjectKeyIdentifier');
  outer.end('after subjectKeyIdentifier');
  return identifier;
}

function authorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const inside = derWhole(value, DER_TAG.sequence, 'authorityKeyIdentifier');
  return inside.optional(derContext(0), 'authorityKeyIdentifier')?.content;
}

function notTooMany(names: readonly GeneralName[], field: string): true {
  if (names.length < MAX_NAMES) return true;
  throw new DecodeError(field, `at most ${MAX_NAMES} names`, 'more');
}
