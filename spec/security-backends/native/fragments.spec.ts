import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_LIMITS } from '../../../security-backends/native/connection.ts';
import { Reassembly } from '../../../security-backends/native/fragments.ts';
import type { HandshakeFragment } from '../../../security-backends/native/handshake-messages.ts';
import { handshakeMessage } from '../../../security-backends/native/handshake-messages.ts';

function fragment(body: Uint8Array, start: number, end: number, messageSeq = 0, type = 1): HandshakeFragment {
  return { type, length: body.length, messageSeq, offset: start, bytes: body.slice(start, end) };
}

const BODY = Uint8Array.from({ length: 100 }, (_, at) => at);

describe('Reassembly', () => {
  it('rebuilds messages from fragments that overlap, repeat and come in any order', () => {
    const cases = fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }))
      .chain(([body, extra]) => {
        const cuts = [...new Set([0, body.length, ...extra.map(([at]) => at % body.length)])].sort((a, b) => a - b);
        const cover = cuts.slice(1).map((end, index) => fragment(body, cuts[index]!, end));
        const overlaps = extra.map(([from, length]) => {
          const start = from % body.length;
          return fragment(body, start, Math.min(body.length, start + 1 + (length % 50)));
        });
        const all = [...cover, ...overlaps, ...cover.slice(0, 2)];
        return fc.record({ body: fc.constant(body), fragments: fc.shuffledSubarray(all, { minLength: all.length }) });
      });
    fc.assert(
      fc.property(cases, ({ body, fragments }) => {
        const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
        for (const piece of fragments) assert.equal(reassembly.add(piece), undefined);
        assert.deepEqual(reassembly.peek(), handshakeMessage(1, 0, body));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is complete exactly when every byte has come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(99), fc.nat(40)), { maxLength: 15 }), (pieces) => {
        const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
        const covered = new Set<number>();
        for (const [start, length] of pieces) {
          const end = Math.min(100, start + 1 + length);
          for (let at = start; at < end; at++) covered.add(at);
          reassembly.add(fragment(BODY, start, end));
          assert.equal(reassembly.peek() !== undefined, covered.size === 100);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes a message without a body from one empty fragment', () => {
    const reassembly = new Reassembly(DEFAULT_LIMITS, 3);
    assert.equal(reassembly.add(fragment(new Uint8Array(0), 0, 0, 3, 14)), undefined);
    assert.equal(reassembly.peek()?.type, 14);
  });

  it('drops empty fragments of a message that has a body, and holds nothing for them', () => {
    const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
    for (let i = 0; i < 1_000; i++) assert.equal(reassembly.add(fragment(BODY, 50, 50)), 'badFragment');
    assert.equal(reassembly.heldBytes, 0);
  });

  it('gives early messages out in order', () => {
    const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
    reassembly.add(fragment(BODY, 0, 100, 1, 12));
    assert.equal(reassembly.peek(), undefined);
    reassembly.add(fragment(BODY, 0, 100, 0, 2));
    assert.equal(reassembly.peek()?.type, 2);
    reassembly.consume();
    assert.equal(reassembly.peek()?.type, 12);
    reassembly.consume();
    assert.equal(reassembly.heldBytes, 0);
  });

  it('counts a changed type or length as an error, and lets the newer copy heal it', () => {
    for (const damaged of [fragment(BODY, 0, 60, 0, 9), fragment(BODY.subarray(0, 99), 0, 60)]) {
      const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
      assert.equal(reassembly.add(damaged), undefined);
      assert.equal(reassembly.add(fragment(BODY, 50, 100)), 'badFragment');
      assert.equal(reassembly.peek(), undefined, 'nothing of the older copy counts');
      reassembly.add(fragment(BODY, 0, 60));
      assert.deepEqual(reassembly.peek()?.body, BODY);
    }
  });

  it('lets a later copy of the same bytes win', () => {
    const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
    reassembly.add(fragment(new Uint8Array(100).fill(0xff), 0, 60));
    reassembly.add(fragment(BODY, 0, 60));
    reassembly.add(fragment(BODY, 60, 100));
    assert.deepEqual(reassembly.peek()?.body, BODY);
  });

  it('is bounded in messages, message size and bytes', () => {
    const limits = { ...DEFAULT_LIMITS, handshakeMessageBytes: 100, reassemblyBytes: 250, reassemblyMessages: 4 };
    const reassembly = new Reassembly(limits, 0);
    assert.equal(reassembly.add(fragment(BODY, 0, 1, 4)), 'reassemblyOverflow', 'too far ahead');
    assert.equal(reassembly.add(fragment(new Uint8Array(101), 0, 1)), 'reassemblyOverflow', 'too large');
    assert.equal(reassembly.add(fragment(BODY, 0, 1, 1)), undefined);
    assert.equal(reassembly.add(fragment(BODY, 0, 1, 2)), undefined);
    assert.equal(reassembly.add(fragment(BODY, 0, 1, 3)), 'reassemblyOverflow', 'too many bytes');
    assert.ok(reassembly.heldBytes <= 250);
  });

  it('lets early messages give way to the one that is due', () => {
    const reassembly = new Reassembly({ ...DEFAULT_LIMITS, reassemblyBytes: 250 }, 0);
    reassembly.add(fragment(BODY, 0, 1, 1));
    reassembly.add(fragment(BODY, 0, 1, 2));
    assert.equal(reassembly.add(fragment(BODY, 0, 100, 0)), undefined);
    assert.deepEqual(reassembly.peek()?.body, BODY);
    assert.ok(reassembly.heldBytes <= 250);
  });
});
