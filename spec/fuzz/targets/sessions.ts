// Sessions to resume: as a client's store holds them, and as tickets that somebody sends to a server.

import { Reader, equalBytes } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { type Instant, hours, later } from '../../../lib/runtime/index.ts';
import {
  type OfferedSession,
  type ResumableSession,
  decodeOffered,
  decodeSession,
  encodeOffered,
  encodeSession,
} from '../../../security-backends/native/resumable-session.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../../../security-backends/native/session-ticket.ts';
import { TicketKeys } from '../../../security-backends/native/ticket-keys.ts';
import { NOW } from '../recordings.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';
import { toyRandom } from '../toy-provider.ts';

const SESSION: ResumableSession = {
  credential: 'certificate',
  ciphersuite: 0xc0ae,
  extendedMasterSecret: true,
  master: new Uint8Array(48).fill(3),
  serverName: 'lwm2m.example',
  identification: {
    peerCertificates: [Uint8Array.of(0x30, 0), Uint8Array.of(0x30, 1, 5)],
    peerPublicKey: Uint8Array.of(0x30, 0),
    group: 'x25519',
  },
  keyFingerprint: new Uint8Array(0),
  validUntil: 1_800_000_000_000,
};
const WITH_KEY: ResumableSession = {
  ...SESSION,
  credential: 'psk',
  serverName: undefined,
  identification: { pskIdentity: Uint8Array.of(65, 66), pskIdentityHint: new Uint8Array(0) },
  keyFingerprint: new Uint8Array(16).fill(4),
};

const OFFERED: readonly OfferedSession[] = [
  { sessionId: new Uint8Array(32).fill(5), ticket: undefined, session: SESSION },
  { sessionId: new Uint8Array(0), ticket: new Uint8Array(40).fill(6), session: WITH_KEY },
];

/** What a store gives back: refused, or the same once more. */
export const storedSession: FuzzTarget = {
  name: 'stored-session',
  maxBytes: 400,
  seeds: () => [...OFFERED.map(encodeOffered), ...[SESSION, WITH_KEY].map(encodeSession)],
  run(input) {
    const offered = orDecodeError(() => decodeOffered(input));
    if (offered !== undefined) {
      promise(
        equalBytes(encodeOffered(decodeOffered(encodeOffered(offered))), encodeOffered(offered)),
        'read as written',
      );
      promise(offered.ticket !== undefined || offered.sessionId.length > 0, 'it has a name');
    }
    const session = orDecodeError(() => decodeSession(input));
    if (session !== undefined) promise(session.master.length === 48, 'a whole secret');
    const message = orDecodeError(() => decodeNewSessionTicket(input));
    if (message !== undefined) promise(equalBytes(encodeNewSessionTicket(message), input), 'a message read as written');
  },
};

/** The first byte chooses how a good ticket is changed, and how late it comes; the rest is what it is changed by. */
export const ticket: FuzzTarget = {
  name: 'ticket',
  maxBytes: 400,
  seeds: () => [
    Uint8Array.of(0),
    Uint8Array.of(1, 0, 5, 1),
    Uint8Array.of(2, 20),
    Uint8Array.of(3, 1, 2, 3),
    Uint8Array.of(4),
  ],
  run(input) {
    const lifetime = hours(1);
    const keys = new TicketKeys({ provider: nodeProvider, random: toyRandom, lifetime });
    const good = keys.seal(WITH_KEY, NOW);
    const reader = new Reader(input);
    const choice = reader.remaining > 0 ? reader.uint8('choice') : 0;
    const rest = reader.bytes(reader.remaining, 'rest');
    const sent = changed(good, choice & 3, rest);
    const now: Instant = (choice & 4) === 0 ? NOW : later(NOW, hours(2));
    const session = keys.open(sent, now);
    promise(
      (session !== undefined) === (now === NOW && equalBytes(sent, good)),
      'the good one is opened, and no other',
    );
    keys.destroy();
    promise(keys.open(good, NOW) === undefined, 'without its key, none is opened');
  },
};

function changed(good: Uint8Array, how: number, by: Uint8Array): Uint8Array {
  if (how === 1 && by.length > 2) {
    const flipped = good.slice();
    const at = ((by[0]! << 8) | by[1]!) % good.length;
    flipped[at]! ^= by[2]!;
    return flipped;
  }
  if (how === 2) return good.subarray(0, (by[0] ?? 0) % (good.length + 1));
  return how === 3 ? by : good;
}
