// Distinguished names and general names (RFC 5280 §4.1.2.4 and §4.2.1.6).

import { DecodeError, toHex, utf8Decode } from '../bytes/index.ts';
import { DER_TAG, type DerElement, DerReader, derContext, derContextConstructed } from './der.ts';
import { OID } from './oids.ts';

export interface DistinguishedName {
  /** The Name's DER. */
  readonly der: Uint8Array;
  /** One text per relative name, equal when RFC 5280 §7.1 calls the names equal (case and white space folded). */
  readonly canonical: readonly string[];
  /** Values of commonName, in order. */
  readonly commonNames: readonly string[];
  /** Values of emailAddress (RFC 5280 §4.2.1.10 has constraints apply to them). */
  readonly emailAddresses: readonly string[];
}

export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly value: string }
  /** 4 or 16 bytes; 8 or 32 (address and mask) in name constraints. */
  | { readonly kind: 'ip'; readonly value: Uint8Array }
  | { readonly kind: 'directory'; readonly value: DistinguishedName }
  /** otherName, x400Address, ediPartyName, registeredID: which of the alternatives. */
  | { readonly kind: 'other'; readonly alternative: number };

/** Whether RFC 5280 §7.1 calls the names equal. */
export function sameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.canonical.length === b.canonical.length && a.canonical.every((each, i) => each === b.canonical[i]);
}

/** For messages: the common names, or what there is. Not unique, and whoever made the certificate chose it. */
export function nameText(name: DistinguishedName): string {
  const text = name.commonNames.join(', ') || name.canonical.join(', ') || 'no name';
  const printable = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return printable.length > 64 ? `${printable.slice(0, 61)}...` : printable;
}

/** The next element as a Name. @throws DecodeError */
export function readName(reader: DerReader, field: string): DistinguishedName {
  const { der } = reader.expect(DER_TAG.sequence, field);
  const relative = new DerReader(der).sequence(field);
  const canonical: string[] = [];
  const commonNames: string[] = [];
  const emailAddresses: string[] = [];
  while (!relative.ended) {
    const attributes = relative.enter(DER_TAG.set, `${field} RelativeDistinguishedName`);
    const texts: string[] = [];
    do {
      const attribute = attributes.sequence(`${field} attribute`);
      const oid = attribute.oid(`${field} attribute type`);
      const value = attribute.element(`${field} attribute value`);
      attribute.end(`${field} attribute`);
      const text = stringValue(value, field);
      texts.push(`${oid}=${text === undefined ? `#${toHex(value.der)}` : folded(text)}`);
      if (text !== undefined && oid === OID.commonName) commonNames.push(text);
      if (text !== undefined && oid === OID.emailAddress) emailAddresses.push(text);
    } while (!attributes.ended);
    canonical.push(texts.sort().join('+'));
  }
  return { der, canonical, commonNames, emailAddresses };
}

/** The next element as a GeneralName. `constraint` allows what only name constraints have. @throws DecodeError */
export function readGeneralName(reader: DerReader, field: string, constraint = false): GeneralName {
  const { tag, content, der } = reader.element(field);
  if (tag === derContext(1)) return { kind: 'email', value: ia5(content, field) };
  if (tag === derContext(2)) return { kind: 'dns', value: ia5(content, field) };
  if (tag === derContext(6)) return { kind: 'uri', value: ia5(content, field) };
  if (tag === derContext(7)) return { kind: 'ip', value: addressOf(content, field, constraint) };
  if (tag === derContextConstructed(4)) {
    const inside = new DerReader(der).enter(tag, field);
    const value = readName(inside, field);
    inside.end(field);
    return { kind: 'directory', value };
  }
  if ((tag & 0xc0) !== 0x80 || (tag & 0x1f) > 8) throw new DecodeError(field, 'a GeneralName', 'another element');
  return { kind: 'other', alternative: tag & 0x1f };
}

/** Printable ASCII: NUL and other controls have served to make one name look like another. */
function ia5(content: Uint8Array, field: string): string {
  if (content.some((byte) => byte < 0x20 || byte > 0x7e)) {
    throw new DecodeError(field, 'printable ASCII', 'other bytes');
  }
  return utf8Decode(content, field);
}

function addressOf(content: Uint8Array, field: string, constraint: boolean): Uint8Array {
  const factor = constraint ? 2 : 1;
  if (content.length === 4 * factor || content.length === 16 * factor) return content;
  throw new DecodeError(field, `an address of ${4 * factor} or ${16 * factor} bytes`, `${content.length} bytes`);
}

/** The text of a DirectoryString, or undefined for types whose encoding is not sure (T61, Universal) or no string. */
function stringValue({ tag, content }: DerElement, field: string): string | undefined {
  if (tag === DER_TAG.utf8String) return utf8Decode(content, field);
  if (tag === DER_TAG.printableString || tag === DER_TAG.ia5String) {
    if (content.some((byte) => byte > 0x7e)) throw new DecodeError(field, 'ASCII', 'other bytes');
    return utf8Decode(content, field);
  }
  if (tag !== DER_TAG.bmpString) return undefined;
  if (content.length % 2 !== 0) throw new DecodeError(field, 'a BMPString of whole characters', 'half a character');
  let text = '';
  for (let i = 0; i < content.length; i += 2) text += String.fromCharCode((content[i]! << 8) | content[i + 1]!);
  return text;
}

/** JSON keeps what a value may contain (`+`, `=`) from looking like structure. */
function folded(text: string): string {
  return JSON.stringify(text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' '));
}
