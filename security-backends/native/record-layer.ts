// Both directions of the record layer: epoch 0 in the clear, epoch 1 protected (RFC 6347 §4.1).

import { SocketError } from '../../lib/net/index.ts';
import type { DtlsLimits } from './connection.ts';
import type { Counters } from './counters.ts';
import { ReplayWindow } from './replay-window.ts';
import type { DtlsRecord } from './record.ts';
import {
  CONTENT_TYPE,
  DTLS_1_2,
  MAX_PLAINTEXT_BYTES,
  MAX_SEQUENCE,
  RECORD_HEADER_BYTES,
  writeRecordHeader,
} from './record.ts';
import type { Protection } from './record-protection.ts';

export type Epoch = 0 | 1;

/** Largest plaintexts in bytes. */
export interface RecordLimits {
  /** Of records in the clear (RFC 6066 §4). */
  readonly clear: number;
  /** Of protected records that the peer takes. */
  readonly send: number;
  /** Of protected records that we take. */
  readonly receive: number;
}

/** Writes records, opens records, and holds those of the next epoch that came too early. */
export class RecordLayer {
  readonly #limits: DtlsLimits;
  readonly #counters: Counters;
  /** Next sequence number to write, by epoch. They only grow: rewinding one would reuse a nonce. */
  readonly #sequence: [number, number];
  readonly #window = new ReplayWindow();
  #early: DtlsRecord[] = [];
  #writes: Protection | undefined;
  #reads: Protection | undefined;
  #forged = 0;
  #sizes: RecordLimits = { clear: MAX_PLAINTEXT_BYTES, send: MAX_PLAINTEXT_BYTES, receive: MAX_PLAINTEXT_BYTES };

  /** @param firstSequence of epoch 0; a server goes on from the verified ClientHello's (RFC 6347 §4.2.1) */
  constructor(limits: DtlsLimits, counters: Counters, firstSequence: number) {
    this.#limits = limits;
    this.#counters = counters;
    this.#sequence = [firstSequence, 0];
  }

  /** The epoch that what is sent outside flights belongs to. */
  get writeEpoch(): Epoch {
    return this.#writes === undefined ? 0 : 1;
  }

  /** The newest epoch that can be read. */
  get readEpoch(): Epoch {
    return this.#reads === undefined ? 0 : 1;
  }

  /** Whether so many records failed authentication that the keys must no longer be used. */
  get forgeryLimitReached(): boolean {
    return this.#forged >= this.#limits.forgedRecords;
  }

  /** From now on epoch 1 can be written; epoch 0 stays writable for retransmissions. */
  protectWrites(protection: Protection): void {
    this.#writes = protection;
  }

  /** From now on epoch 1 can be read. */
  protectReads(protection: Protection): void {
    this.#reads = protection;
  }

  /** Longest plaintext that a datagram of `mtu` bytes carries in the current epoch. */
  largestPlaintext(mtu: number): number {
    const room = mtu - RECORD_HEADER_BYTES;
    return Math.min(this.#sizes.send, this.#writes === undefined ? room : this.#writes.largestPlaintext(room));
  }

  limit(sizes: RecordLimits): void {
    this.#sizes = sizes;
  }

  /** Longest plaintext of a record of this epoch, whatever the MTU. */
  largestRecord(epoch: Epoch): number {
    return epoch === 0 ? this.#sizes.clear : this.#sizes.send;
  }

  /** Bytes a record has beside its plaintext, at most. */
  overhead(epoch: Epoch): number {
    return RECORD_HEADER_BYTES + (epoch === 0 ? 0 : (this.#writes?.overhead ?? 0));
  }

  /** Writes one record at `at`. @returns where it ends. @throws SocketError EPIPE if the epoch's numbers are used up */
  write(target: Uint8Array, at: number, type: number, epoch: Epoch, plaintext: Uint8Array): number {
    const sequence = this.#sequence[epoch];
    const last = epoch === 0 ? MAX_SEQUENCE : Math.min(MAX_SEQUENCE, this.#limits.sealedRecords - 1);
    if (sequence > last) throw new SocketError('EPIPE', 'the record sequence numbers of this session are used up');
    this.#sequence[epoch] = sequence + 1;
    this.#counters.recordsSent++;
    const length = epoch === 0 ? plaintext.length : this.#writes!.sealedLength(plaintext.length);
    writeRecordHeader(target, at, { type, version: DTLS_1_2, epoch, sequence }, length);
    const body = at + RECORD_HEADER_BYTES;
    if (epoch === 0) target.set(plaintext, body);
    else this.#writes!.sealInto(target, body, type, epoch, sequence, plaintext);
    return body + length;
  }

  /** A datagram of one record in the current epoch. @throws SocketError EPIPE */
  datagram(type: number, plaintext: Uint8Array): Uint8Array {
    const epoch = this.writeEpoch;
    const length = epoch === 0 ? plaintext.length : this.#writes!.sealedLength(plaintext.length);
    const target = new Uint8Array(RECORD_HEADER_BYTES + length);
    this.write(target, 0, type, epoch, plaintext);
    return target;
  }

  /** Plaintext of a record, or undefined if it was dropped or held. */
  open(record: DtlsRecord): Uint8Array | undefined {
    if (record.epoch === 0) return record.fragment;
    if (record.epoch !== 1) return this.#drop('wrongEpoch');
    if (this.#reads === undefined) return this.#hold(record);
    return this.#openProtected(this.#reads, record);
  }

  /** The records held until now; they are held no longer. */
  releaseEarly(): readonly DtlsRecord[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** Zeroes the keys. */
  destroy(): void {
    this.#reads?.destroy();
    this.#writes?.destroy();
    this.#early = [];
  }

  #openProtected(reads: Protection, record: DtlsRecord): Uint8Array | undefined {
    const { type, epoch, sequence, fragment } = record;
    if (!this.#window.isNew(sequence)) return this.#drop('replayed');
    const plaintext = reads.open(type, epoch, sequence, fragment);
    if (plaintext === undefined) {
      // What has no room for a tag guesses none: it must not bring the bound nearer, at 13 bytes a time.
      if (fragment.length >= reads.overhead) this.#forged++;
      return this.#drop('badMac');
    }
    this.#window.accept(sequence);
    if (plaintext.length > this.#sizes.receive) return this.#drop('oversizeRecord');
    return plaintext;
  }

  // Only handshake records: nothing else of the new epoch may be acted upon before its Finished.
  #hold(record: DtlsRecord): undefined {
    if (record.type !== CONTENT_TYPE.handshake) return this.#drop('wrongEpoch');
    if (this.#early.length >= this.#limits.earlyRecords || record.fragment.length > MAX_EARLY_BYTES) {
      return this.#drop('earlyRecordOverflow');
    }
    this.#early.push({ ...record, fragment: record.fragment.slice() });
    return undefined;
  }

  #drop(reason: 'wrongEpoch' | 'replayed' | 'badMac' | 'oversizeRecord' | 'earlyRecordOverflow'): undefined {
    this.#counters.drop(reason);
    return undefined;
  }
}

const MAX_EARLY_BYTES = 256; // a Finished with any protection is a fraction of it
