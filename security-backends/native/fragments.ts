// Reassembly of handshake messages (RFC 6347 §4.2.3): fragments overlap, repeat, come in any order and may be empty.

import type { HandshakeFragment, HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_HEADER_BYTES, handshakeMessage, writeHandshakeHeader } from './handshake-messages.ts';
import type { DropReason, DtlsLimits } from './connection.ts';

interface Held {
  readonly type: number;
  readonly length: number;
  /** Header and body. */
  readonly raw: Uint8Array;
  /** Byte ranges that have come, ascending, apart from each other: start, end, start, end, … */
  ranges: readonly number[];
}

/** Collects messages by message_seq and gives them out in order. Bounded in messages, message size and bytes. */
export class Reassembly {
  readonly #limits: DtlsLimits;
  #partials: Map<number, Held> | undefined; // only while something is held: a session holds nothing
  #heldBytes = 0;
  #next: number;

  constructor(limits: DtlsLimits, firstMessageSeq: number) {
    this.#limits = limits;
    this.#next = firstMessageSeq;
  }

  /** message_seq of the message to come. */
  get next(): number {
    return this.#next;
  }

  /** Bytes held for messages that are incomplete or early. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes a fragment of `next` or a later message. @returns why it was dropped, if it was */
  add(fragment: HandshakeFragment): DropReason | undefined {
    const { messageSeq, length, offset, bytes } = fragment;
    if (messageSeq < this.#next) return 'unexpectedMessage';
    if (messageSeq >= this.#next + this.#limits.reassemblyMessages) return 'reassemblyOverflow';
    if (length > this.#limits.handshakeMessageBytes) return 'reassemblyOverflow';
    if (bytes.length === 0 && length > 0) return 'badFragment';
    const conflict = this.#discardConflicting(fragment);
    const partial = this.#partials?.get(messageSeq) ?? this.#open(fragment);
    if (partial === undefined) return 'reassemblyOverflow';
    const ranges = withRange(partial.ranges, offset, offset + bytes.length);
    if (ranges.length > 2 * this.#limits.reassemblyPieces) return 'reassemblyOverflow';
    // The later copy wins, so that a retransmission heals what was damaged on the way.
    partial.raw.set(bytes, HANDSHAKE_HEADER_BYTES + offset);
    partial.ranges = ranges;
    return conflict ? 'badFragment' : undefined;
  }

  /** The next message, once complete; stays until `consume`. */
  peek(): HandshakeMessage | undefined {
    const partial = this.#partials?.get(this.#next);
    if (partial === undefined) return undefined;
    const complete = partial.length === 0 || (partial.ranges[0] === 0 && partial.ranges[1] === partial.length);
    if (!complete) return undefined;
    const { type, raw } = partial;
    return { type, messageSeq: this.#next, body: raw.subarray(HANDSHAKE_HEADER_BYTES), raw };
  }

  /** Goes on to the message after `next`. */
  consume(): void {
    this.reject();
    this.#next++;
  }

  /** Forgets the next message, to take a better copy of it. */
  reject(): void {
    this.#discard(this.#next);
  }

  /** Forgets all that is held: nothing of the old epoch may complete a message of the new one. */
  clear(): void {
    this.#partials = undefined;
    this.#heldBytes = 0;
  }

  // Same message_seq but another type or length: one of the two is wrong, and which one is unknown. The newer may be
  // the peer's retransmission, so the older goes.
  #discardConflicting(fragment: HandshakeFragment): boolean {
    const known = this.#partials?.get(fragment.messageSeq);
    if (known === undefined || (known.type === fragment.type && known.length === fragment.length)) return false;
    this.#discard(fragment.messageSeq);
    return true;
  }

  #discard(messageSeq: number): void {
    const partial = this.#partials?.get(messageSeq);
    if (partial === undefined) return;
    this.#heldBytes -= partial.raw.length;
    this.#partials?.delete(messageSeq);
  }

  #open({ type, length, messageSeq }: HandshakeFragment): Held | undefined {
    const bytes = HANDSHAKE_HEADER_BYTES + length;
    // Early messages give way to the one that lets the handshake go on.
    if (messageSeq === this.#next && this.#heldBytes + bytes > this.#limits.reassemblyBytes) this.clear();
    if (this.#heldBytes + bytes > this.#limits.reassemblyBytes) return undefined;
    const raw = new Uint8Array(bytes);
    writeHandshakeHeader(raw, 0, { type, length, messageSeq }, 0, length);
    const partial: Held = { type, length, raw, ranges: [] };
    (this.#partials ??= new Map()).set(messageSeq, partial);
    this.#heldBytes += bytes;
    return partial;
  }
}

/** A message that came whole in one fragment, copied. */
export function wholeMessage(fragment: HandshakeFragment): HandshakeMessage | undefined {
  if (fragment.bytes.length !== fragment.length) return undefined;
  return handshakeMessage(fragment.type, fragment.messageSeq, fragment.bytes);
}

function withRange(ranges: readonly number[], start: number, end: number): readonly number[] {
  const result: number[] = [];
  let from = start;
  let to = end;
  let placed = false;
  for (let i = 0; i < ranges.length; i += 2) {
    const [a, b] = [ranges[i]!, ranges[i + 1]!];
    if (b < from) result.push(a, b);
    else if (a > to) {
      if (!placed) result.push(from, to);
      placed = true;
      result.push(a, b);
    } else {
      from = Math.min(from, a);
      to = Math.max(to, b);
    }
  }
  if (!placed) result.push(from, to);
  return result;
}
