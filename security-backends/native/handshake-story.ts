// What an error of a handshake tells beyond its cause: what either side offered and chose on the way there, and what an
// alert mostly means. For people; nothing secret is in it, and nothing of a peer that a terminal would act on.

import { type Ciphersuite, EMPTY_RENEGOTIATION_INFO_SCSV } from './ciphersuites.ts';
import { toHex, utf8Decode } from '../../lib/bytes/index.ts';

/** One fact of each kind, so that a peer cannot make the story long. */
export type StoryTopic = 'offer' | 'choice' | 'identity' | 'certificate';

/** Facts in the order they became known. */
export class HandshakeStory {
  #facts: Map<StoryTopic, string> | undefined;

  /** Takes the place of the fact on the same topic, if there is one. */
  note(topic: StoryTopic, fact: string): void {
    (this.#facts ??= new Map()).set(topic, fact);
  }

  /** Nothing more will fail here. */
  forget(): void {
    this.#facts = undefined;
  }

  /** What went wrong, in which state, and the facts. */
  tell(what: string, state: string): string {
    const where = what.includes(state) ? what : `${what}, while ${state}`;
    return [where, ...(this.#facts?.values() ?? [])].join('; ');
  }
}

const VERSIONS: Readonly<Record<number, string>> = { 0xfeff: 'DTLS 1.0', 0xfefd: 'DTLS 1.2', 0xfefc: 'DTLS 1.3' };
const MOST_SUITES = 16;
const MOST_IDENTITY_BYTES = 64;

/** IANA ids, the signalling ones left out. */
export function suiteList(ids: readonly number[]): string {
  const suites = ids.filter((id) => id !== EMPTY_RENEGOTIATION_INFO_SCSV);
  const shown = suites.slice(0, MOST_SUITES).map(suiteNumber).join(', ');
  return suites.length > MOST_SUITES ? `${shown} and ${suites.length - MOST_SUITES} more` : shown;
}

/** A DTLS version by its number, which counts down from 0xfeff. */
export function versionText(version: number): string {
  return VERSIONS[version] ?? `version 0x${version.toString(16).padStart(4, '0')}`;
}

/** Name and IANA id. */
export function suiteText({ id, name }: Ciphersuite): string {
  return `${name} (${suiteNumber(id)})`;
}

/** Quoted if it is printable ASCII, else in hex; cut where it is long. */
export function identityText(identity: Uint8Array): string {
  const shown = identity.subarray(0, MOST_IDENTITY_BYTES);
  const more = identity.length > shown.length ? '…' : '';
  const printable = shown.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? `${JSON.stringify(utf8Decode(shown))}${more}` : `0x${toHex(shown)}${more}`;
}

/** What a received alert mostly means, by its AlertDescription; undefined where its name says all there is. */
export function alertMeaning(description: number): string | undefined {
  return MEANINGS[description];
}

const NOT_UNDERSTOOD = 'the peer did not understand a message of ours, or it was damaged';
const WRONG_KEY = 'keys or signatures do not fit: a wrong key is likely';

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'the peer closed',
  10: NOT_UNDERSTOOD,
  20: WRONG_KEY,
  40: 'the peer takes nothing of what was offered or shown',
  42: 'the peer does not take our certificate or key',
  43: 'the peer takes no certificate of our kind or purpose',
  44: 'to the peer our certificate is revoked',
  45: 'to the peer our certificate is not valid now',
  46: 'the peer does not take our certificate or key',
  47: NOT_UNDERSTOOD,
  48: 'the peer does not trust who issued our certificate',
  49: 'the peer knows us and does not let us in',
  50: NOT_UNDERSTOOD,
  51: WRONG_KEY,
  70: 'the peer does not speak DTLS 1.2',
  71: 'the peer wants stronger cipher suites than were offered',
  80: 'the peer has a fault of its own',
  112: 'the peer does not know the server name asked for',
  115: 'the peer has no key for our identity',
  116: 'the peer wants a certificate of ours',
  120: 'the peer has no application protocol in common with us',
};

function suiteNumber(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}
