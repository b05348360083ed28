// PEM (RFC 7468): labelled base64 blocks with any text around them, and RFC 1421 headers inside as OpenSSL writes them.

import { DecodeError, fromBase64 } from '../bytes/index.ts';

/** One block of a PEM text. */
export interface PemBlock {
  /** e.g. `CERTIFICATE`. */
  readonly label: string;
  /** Encapsulated headers, e.g. `Proc-Type` → `4,ENCRYPTED`; mostly none. */
  readonly headers: ReadonlyMap<string, string>;
  /** What the base64 says: a new array, which the caller may zero. */
  readonly bytes: Uint8Array;
}

const BEGIN = /^-----BEGIN ([A-Z0-9]+(?:[ -][A-Z0-9]+)*)-----$/;
const HEADER = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/;
const MARK = '-----BEGIN ';

/** Whether `bytes` contain a line that begins a block; what has none is taken for DER. */
export function looksLikePem(bytes: Uint8Array): boolean {
  // A DER structure begins with a SEQUENCE; no text does, since 0x30 is a digit and then comes a length.
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return false;
  return latin1(bytes).includes(MARK);
}

/**
 * The blocks in order. Text before, between and after them is skipped, as RFC 7468 §2 has it.
 * @param maxBlocks Default 1,000: three times a system's trust store
 * @throws DecodeError for a block that does not end, ends under another label, or is not base64
 */
export function parsePem(bytes: Uint8Array, maxBlocks = 1000): readonly PemBlock[] {
  const lines = latin1(bytes).split(/\r\n|\n|\r/);
  const blocks: PemBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trimEnd();
    if (!line.startsWith(MARK)) continue;
    const label = BEGIN.exec(line)?.[1];
    if (label === undefined) throw new DecodeError('PEM', 'a BEGIN line with a label in capitals', 'another', at + 1);
    let end = at + 1;
    while (end < lines.length && !lines[end]!.startsWith('-----')) end++;
    if (end === lines.length) throw new DecodeError(`PEM ${label}`, 'an END line', 'the end of the text');
    if (lines[end]!.trimEnd() !== `-----END ${label}-----`) {
      throw new DecodeError(`PEM ${label}`, 'an END line of the same label', 'another line');
    }
    if (blocks.length >= maxBlocks) throw new DecodeError('PEM', `at most ${maxBlocks} blocks`, 'more');
    blocks.push(block(label, lines.slice(at + 1, end)));
    at = end;
  }
  if (blocks.length === 0) throw new DecodeError('PEM', 'a BEGIN line', 'none');
  return blocks;
}

function block(label: string, lines: readonly string[]): PemBlock {
  const headers = new Map<string, string>();
  let at = 0;
  for (; at < lines.length; at++) {
    const [, name, value] = HEADER.exec(lines[at]!) ?? [];
    if (name === undefined || value === undefined) break;
    headers.set(name, value.trim());
  }
  const text = lines.slice(at).join('').replaceAll(/[ \t]/g, '');
  return { label, headers, bytes: fromBase64(text, `PEM ${label}`) };
}

/** One character a byte: bytes above 0x7f can only be in text around the blocks, or are refused as base64. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
