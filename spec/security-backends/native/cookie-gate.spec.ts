import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Reader, fromHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { Endpoint } from '../../../lib/net/index.ts';
import type { Instant } from '../../../lib/runtime/index.ts';
import { SeededRandom, seconds } from '../../../lib/runtime/index.ts';
import type { CookieVerdict } from '../../../security-backends/native/cookie-gate.ts';
import { CookieGate, isClientHello } from '../../../security-backends/native/cookie-gate.ts';
import type { ClientHello } from '../../../security-backends/native/handshake-messages.ts';
import {
  decodeHandshakeFragment,
  decodeHelloVerifyRequest,
  encodeClientHello,
  handshakeMessage,
} from '../../../security-backends/native/handshake-messages.ts';
import { decodeRecord, encodePlaintextRecord } from '../../../security-backends/native/record.ts';

const FROM: Endpoint = { address: '192.0.2.1', port: 40_000 };
const START = 1_000 as Instant;

const HELLO: ClientHello = {
  version: 0xfefd,
  random: new Uint8Array(32).fill(0x11),
  sessionId: new Uint8Array(0),
  cookie: new Uint8Array(0),
  ciphersuites: [0xc0a8, 0x00ff],
  compressionMethods: Uint8Array.of(0),
  extensions: [{ type: 23, body: new Uint8Array(0) }],
};

function newGate(): CookieGate {
  return new CookieGate({ provider: nodeProvider, random: new SeededRandom(3), rotation: seconds(60) });
}

function helloDatagram(changes: Partial<ClientHello> = {}, sequence = 0, messageSeq = 0): Uint8Array {
  const message = handshakeMessage(1, messageSeq, encodeClientHello({ ...HELLO, ...changes }));
  return encodePlaintextRecord({ type: 22, version: 0xfeff, epoch: 0, sequence, fragment: message.raw });
}

function parseReply(verdict: CookieVerdict): { cookie: Uint8Array; sequence: number; messageSeq: number } {
  assert.ok(verdict.kind === 'reply');
  const record = decodeRecord(new Reader(verdict.datagram));
  const fragment = decodeHandshakeFragment(new Reader(record.fragment));
  const { cookie } = decodeHelloVerifyRequest(fragment.bytes);
  return { cookie, sequence: record.sequence, messageSeq: fragment.messageSeq };
}

describe('CookieGate', () => {
  it('answers a hello without cookie, in no more bytes, with its record number', () => {
    const datagram = helloDatagram({}, 0x0a0b0c0d0e);
    const verdict = newGate().inspect(datagram, FROM, START);
    assert.ok(verdict.kind === 'reply' && verdict.datagram.length <= datagram.length);
    const { sequence, messageSeq } = parseReply(verdict);
    assert.deepEqual([sequence, messageSeq], [0x0a0b0c0d0e, 0]);
  });

  it('lets the second hello through, with what a server goes on from', () => {
    const gate = newGate();
    const { cookie } = parseReply(gate.inspect(helloDatagram(), FROM, START));
    const datagram = helloDatagram({ cookie }, 7, 1);
    const verdict = gate.inspect(datagram, FROM, START);
    assert.ok(verdict.kind === 'verified');
    datagram.fill(0); // the verdict must not look into the datagram
    assert.deepEqual(verdict.hello, { ...HELLO, cookie });
    assert.deepEqual([verdict.recordSequence, verdict.message.messageSeq], [7, 1]);
    assert.deepEqual(verdict.message.body, encodeClientHello({ ...HELLO, cookie }));
  });

  it('binds the cookie to address, port and each parameter', () => {
    const gate = newGate();
    const { cookie } = parseReply(gate.inspect(helloDatagram(), FROM, START));
    const others: readonly [string, Partial<ClientHello>, Endpoint][] = [
      ['address', {}, { ...FROM, address: '192.0.2.2' }],
      ['port', {}, { ...FROM, port: 40_001 }],
      ['version', { version: 0xfefc }, FROM],
      ['random', { random: new Uint8Array(32).fill(0x12) }, FROM],
      ['session_id', { sessionId: Uint8Array.of(1) }, FROM],
      ['cipher_suites', { ciphersuites: [0xc0a8] }, FROM],
      ['compression_methods', { compressionMethods: Uint8Array.of(0, 1) }, FROM],
    ];
    for (const [what, changes, from] of others) {
      assert.equal(gate.inspect(helloDatagram({ ...changes, cookie }), from, START).kind, 'reply', what);
    }
    assert.equal(gate.counters.forged, others.length);
    assert.equal(gate.inspect(helloDatagram({ cookie }), FROM, START).kind, 'verified');
  });

  it('takes cookies of the previous secret, and counts older ones as expired', () => {
    const gate = newGate();
    const datagram = helloDatagram({ cookie: parseReply(gate.inspect(helloDatagram(), FROM, START)).cookie });
    assert.equal(gate.inspect(datagram, FROM, 61_000 as Instant).kind, 'verified');
    const verdict = gate.inspect(datagram, FROM, 121_000 as Instant);
    assert.equal(gate.counters.expired, 1);
    const fresh = helloDatagram({ cookie: parseReply(verdict).cookie });
    assert.equal(gate.inspect(fresh, FROM, 121_000 as Instant).kind, 'verified', 'the reply carries a new one');
  });

  it('forgets both secrets after a silence', () => {
    const gate = newGate();
    const datagram = helloDatagram({ cookie: parseReply(gate.inspect(helloDatagram(), FROM, START)).cookie });
    assert.equal(gate.inspect(datagram, FROM, 600_000 as Instant).kind, 'reply');
  });

  it('takes no cookie with a single bit changed', () => {
    const gate = newGate();
    const { cookie } = parseReply(gate.inspect(helloDatagram(), FROM, START));
    for (let bit = 0; bit < cookie.length * 8; bit++) {
      const changed = cookie.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(gate.inspect(helloDatagram({ cookie: changed }), FROM, START).kind, 'reply', `bit ${bit}`);
    }
    assert.equal(gate.counters.verified, 0);
  });

  it('keeps nothing of a fragmented hello', () => {
    const datagram = helloDatagram();
    datagram[13 + 3]! += 1; // the whole is one byte longer than this fragment
    assert.deepEqual(newGate().inspect(datagram, FROM, START), { kind: 'drop', reason: 'fragmented' });
  });

  it('never says more than it heard', () => {
    const body = fromHex('fefd' + '11'.repeat(32) + '0000' + '0002c0a8' + '0100');
    const datagram = encodePlaintextRecord({
      type: 22,
      version: 0xfefd,
      epoch: 0,
      sequence: 0,
      fragment: handshakeMessage(1, 0, body).raw,
    });
    const verdict = newGate().inspect(datagram, FROM, START);
    assert.ok(verdict.kind === 'reply' && verdict.datagram.length <= datagram.length, 'even the shortest hello');
  });

  it('drops and counts what is no hello, whatever the bytes', () => {
    const gate = newGate();
    let inspected = 0;
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.uint8Array({ maxLength: 150 }), fc.nat(24), fc.nat(255)).map(([tail, at, value]) => {
        const bytes = Uint8Array.of(...helloDatagram().subarray(0, 60), ...tail);
        bytes[at] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        inspected++;
        const verdict = gate.inspect(bytes, FROM, START);
        assert.notEqual(verdict.kind, 'verified');
        if (verdict.kind === 'reply') assert.ok(isClientHello(bytes) && verdict.datagram.length <= bytes.length);
      }),
      { numRuns: 2_000 },
    );
    assert.equal(gate.counters.dropped + gate.counters.requests, inspected);
  });
});
