// Tickets (RFC 5077 §4): what is sealed comes back; tampered, expired and foreign ones are nobody's; no nonce comes twice.

import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes, toHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { type Instant, type RandomSource, SeededRandom, hours } from '../../../lib/runtime/index.ts';
import { type ResumableSession, decodeSession } from '../../../security-backends/native/resumable-session.ts';
import { TicketKeys } from '../../../security-backends/native/ticket-keys.ts';

const HOUR = 3_600_000;
const NONCE = { from: 16, to: 28 }; // behind the key's name
const TAG_BYTES = 16;

const at = (milliseconds: number): Instant => milliseconds as Instant;

const keys = (seed: number, random: RandomSource = new SeededRandom(seed)): TicketKeys =>
  new TicketKeys({ provider: nodeProvider, random, lifetime: hours(1) });

const session = (fill = 7): ResumableSession => ({
  credential: 'psk',
  ciphersuite: 0xc0a8,
  extendedMasterSecret: true,
  master: new Uint8Array(48).fill(fill),
  serverName: undefined,
  identification: { pskIdentity: Uint8Array.of(1, 2, 3) },
  keyFingerprint: new Uint8Array(16).fill(9),
  validUntil: 123_456,
});

describe('TicketKeys', () => {
  it('opens what it sealed', () => {
    const ours = keys(1);
    assert.deepEqual(ours.open(ours.seal(session(), at(0)), at(0)), session());
  });

  it('seals by AES-128-GCM with the name of the key authenticated: OpenSSL opens it', () => {
    const drawn: Uint8Array[] = [];
    const random = new SeededRandom(4);
    const recording: RandomSource = {
      bytes(length) {
        const bytes = random.bytes(length);
        drawn.push(bytes.slice());
        return bytes;
      },
    };
    const ticket = keys(4, recording).seal(session(), at(0));
    const secret = drawn.find(({ length }) => length === 16)!;
    const open = createDecipheriv('aes-128-gcm', secret, ticket.subarray(NONCE.from, NONCE.to));
    open.setAAD(ticket.subarray(0, NONCE.from));
    open.setAuthTag(ticket.subarray(-TAG_BYTES));
    const plaintext = concatBytes(open.update(ticket.subarray(NONCE.to, -TAG_BYTES)), open.final());
    assert.deepEqual(decodeSession(plaintext), session());
  });

  it('tampered, in any bit: nobody’s', () => {
    const ours = keys(1);
    const ticket = ours.seal(session(), at(0));
    for (let bit = 0; bit < 8 * ticket.length; bit++) {
      const tampered = ticket.slice();
      tampered[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(ours.open(tampered, at(0)), undefined, `bit ${bit}`);
    }
  });

  it('cut, longer, or put together from two: nobody’s', () => {
    const ours = keys(1);
    const [one, other] = [ours.seal(session(1), at(0)), ours.seal(session(2), at(0))];
    for (let length = 0; length < one.length; length++) {
      assert.equal(ours.open(one.subarray(0, length), at(0)), undefined);
    }
    assert.equal(ours.open(concatBytes(one, Uint8Array.of(0)), at(0)), undefined);
    assert.equal(ours.open(new Uint8Array(100_000), at(0)), undefined);
    for (const cut of [NONCE.from + 8, NONCE.to, one.length - TAG_BYTES]) {
      const mixed = concatBytes(one.subarray(0, cut), other.subarray(cut));
      if (toHex(mixed) !== toHex(one) && toHex(mixed) !== toHex(other)) {
        assert.equal(ours.open(mixed, at(0)), undefined, `cut at ${cut}`);
      }
    }
  });

  it('foreign, of another server or of this one before it was started anew: nobody’s', () => {
    const ticket = keys(1).seal(session(), at(0));
    const theirs = keys(2);
    theirs.seal(session(), at(0));
    assert.equal(theirs.open(ticket, at(0)), undefined);
    const named = concatBytes(theirs.seal(session(), at(0)).subarray(0, NONCE.from), ticket.subarray(NONCE.from));
    assert.equal(theirs.open(named, at(0)), undefined, 'under the name of a key of theirs');
  });

  it('a key seals for one lifetime and opens for two: then its tickets are nobody’s', () => {
    const ours = keys(1);
    const first = ours.seal(session(1), at(0));
    const last = ours.seal(session(2), at(HOUR - 1));
    const next = ours.seal(session(3), at(HOUR));
    const name = (ticket: Uint8Array): string => toHex(ticket.subarray(0, NONCE.from));
    assert.equal(name(first), name(last));
    assert.notEqual(name(first), name(next));
    for (const ticket of [first, last, next]) assert.notEqual(ours.open(ticket, at(2 * HOUR - 1)), undefined);
    for (const ticket of [first, last]) assert.equal(ours.open(ticket, at(2 * HOUR)), undefined);
    assert.notEqual(ours.open(next, at(2 * HOUR)), undefined);
    assert.equal(ours.open(next, at(3 * HOUR)), undefined);
  });

  it('after its keys are destroyed: nobody’s', () => {
    const ours = keys(1);
    const ticket = ours.seal(session(), at(0));
    ours.destroy();
    assert.equal(ours.open(ticket, at(0)), undefined);
  });

  it('never uses a nonce twice under one key', () => {
    const ours = keys(1);
    const seen = new Set<string>();
    for (let i = 0; i < 3_000; i++) seen.add(toHex(ours.seal(session(), at(i * 1_000)).subarray(0, NONCE.to)));
    assert.equal(seen.size, 3_000);
  });

  it('arbitrary bytes are nobody’s, also behind the name of a key', () => {
    const ours = keys(1);
    const name = ours.seal(session(), at(0)).slice(0, NONCE.from);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (garbage, isNamed) => {
        assert.equal(ours.open(isNamed ? concatBytes(name, garbage) : garbage, at(0)), undefined);
      }),
      { numRuns: 1_000 },
    );
  });
});
