// Both directions of the record layer: epoch 0 in the clear, epoch 1 protected (RFC 6347 §4.1), with connection ids where
// they were agreed on (RFC 9146).

import { equalBytes } from '../../lib/bytes/index.ts';
import { SocketError } from '../../lib/net/index.ts';
import type { DropReason, DtlsLimits } from './connection.ts';
import type { Counters } from './counters.ts';
import { decodeInner, encodeInner, innerLength, largestContent } from './inner-plaintext.ts';
import { ReplayWindow, type WindowState } from './replay-window.ts';
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

/** Connection ids as agreed on. An empty one means that records of that direction have the plain form. */
export interface ConnectionIds {
  /** In what the peer sends. */
  readonly own: Uint8Array;
  /** In what we send. */
  readonly peer: Uint8Array;
  /** What we send is filled up to a multiple of so many bytes of content and type; 1: not at all. */
  readonly padding: number;
}

const NO_IDS: ConnectionIds = Object.freeze({ own: new Uint8Array(0), peer: new Uint8Array(0), padding: 1 });

/** What a record said. */
export interface OpenedRecord {
  readonly type: number;
  readonly plaintext: Uint8Array;
}

/** Writes records, opens records, and holds those of the next epoch that came too early. */
export class RecordLayer {
  readonly #limits: DtlsLimits;
  readonly #counters: Counters;
  /** Next sequence number to write, by epoch. They only grow: rewinding one would reuse a nonce. */
  readonly #sequence: [number, number];
  readonly #window = new ReplayWindow();
  #early: DtlsRecord[] = [];
  /** Numbers of epoch 1 from here on need a reservation first. */
  #unreserved = Infinity;
  #reserve: (() => number) | undefined;
  #ids = NO_IDS;
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
    if (this.#writes === undefined) return Math.min(this.#sizes.send, mtu - RECORD_HEADER_BYTES);
    const peer = this.#ids.peer;
    const padding = this.#padding;
    const room = this.#writes.largestPlaintext(mtu - RECORD_HEADER_BYTES - peer.length);
    const inner = Math.min(this.#sizes.send, room);
    return peer.length === 0 ? inner : largestContent(inner, padding);
  }

  /** From now on protected records bear these ids. */
  identify(ids: ConnectionIds): void {
    this.#ids = ids;
  }

  /** Length of the id in records of type tls12_cid that come in. */
  get ownIdBytes(): number {
    return this.#ids.own.length;
  }

  /** The highest sequence number that has authenticated in epoch 1; -1 before the first. */
  get newest(): number {
    return this.#window.newest;
  }

  /**
   * From now on numbers of epoch 1 are used up to, and not including, `unreserved`; then `reserve` is asked for a later one.
   * What it throws is thrown by the write, and nothing is sealed.
   */
  reserveBy(unreserved: number, reserve: () => number): void {
    this.#unreserved = unreserved;
    this.#reserve = reserve;
  }

  /** Goes on where another record layer stopped. */
  restore(nextSequence: number, window: WindowState): void {
    this.#sequence[1] = Math.max(this.#sequence[1], nextSequence);
    this.#window.restore(window);
  }

  get limits(): RecordLimits {
    return this.#sizes;
  }

  get window(): WindowState {
    return this.#window.state;
  }

  /** The next number of epoch 1. */
  get nextSequence(): number {
    return this.#sequence[1];
  }

  limit(sizes: RecordLimits): void {
    this.#sizes = sizes;
  }

  /** Longest plaintext of a record of this epoch, whatever the MTU. */
  largestRecord(epoch: Epoch): number {
    if (epoch === 0) return this.#sizes.clear;
    const peer = this.#ids.peer;
    const padding = this.#padding;
    return peer.length === 0 ? this.#sizes.send : largestContent(this.#sizes.send, padding);
  }

  /** Bytes a record has beside its plaintext, at most. */
  overhead(epoch: Epoch): number {
    if (epoch === 0) return RECORD_HEADER_BYTES;
    const peer = this.#ids.peer;
    const padding = this.#padding;
    return RECORD_HEADER_BYTES + (this.#writes?.overhead ?? 0) + (peer.length === 0 ? 0 : peer.length + padding);
  }

  /** Writes one record at `at`. @returns where it ends. @throws SocketError EPIPE if the epoch's numbers are used up */
  write(target: Uint8Array, at: number, type: number, epoch: Epoch, plaintext: Uint8Array): number {
    const sequence = this.#sequence[epoch];
    const last = epoch === 0 ? MAX_SEQUENCE : Math.min(MAX_SEQUENCE, this.#limits.sealedRecords - 1);
    if (sequence > last) throw new SocketError('EPIPE', 'the record sequence numbers of this session are used up');
    if (epoch === 1 && sequence >= this.#unreserved) this.#unreserved = this.#reserve!();
    this.#sequence[epoch] = sequence + 1;
    this.#counters.recordsSent++;
    if (epoch === 1 && this.#ids.peer.length > 0) return this.#writeWithId(target, at, type, sequence, plaintext);
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
    const target = new Uint8Array(RECORD_HEADER_BYTES + (epoch === 0 ? plaintext.length : this.#sealed(plaintext)));
    this.write(target, 0, type, epoch, plaintext);
    return target;
  }

  /** What a record says, or undefined if it was dropped or held. */
  open(record: DtlsRecord): OpenedRecord | undefined {
    const { type, epoch, fragment, connectionId } = record;
    if (epoch === 0) return type === CONTENT_TYPE.tls12Cid ? this.#drop('badType') : { type, plaintext: fragment };
    if (epoch !== 1) return this.#drop('wrongEpoch');
    const { own } = this.#ids;
    // RFC 9146 §3: all protected records of a direction bear its id, or none does.
    if ((type === CONTENT_TYPE.tls12Cid) !== own.length > 0) return this.#drop('badType');
    if (own.length > 0 && !equalBytes(connectionId!, own)) return this.#drop('badType');
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

  /** No more than the largest record that the peer takes. */
  get #padding(): number {
    return Math.min(this.#ids.padding, this.#sizes.send);
  }

  #writeWithId(target: Uint8Array, at: number, type: number, sequence: number, plaintext: Uint8Array): number {
    const peer = this.#ids.peer;
    const padding = this.#padding;
    const inner = encodeInner(type, plaintext, padding);
    const length = this.#writes!.sealedLength(inner.length);
    const header = { type: CONTENT_TYPE.tls12Cid, version: DTLS_1_2, epoch: 1, sequence };
    writeRecordHeader(target, at, header, length, peer);
    const body = at + RECORD_HEADER_BYTES + peer.length;
    this.#writes!.sealInto(target, body, CONTENT_TYPE.tls12Cid, 1, sequence, inner);
    return body + length;
  }

  /** Bytes of a protected record beside the plain header. */
  #sealed({ length }: Uint8Array): number {
    const peer = this.#ids.peer;
    const padding = this.#padding;
    if (peer.length === 0) return this.#writes!.sealedLength(length);
    return peer.length + this.#writes!.sealedLength(innerLength(length, padding));
  }

  #openProtected(reads: Protection, record: DtlsRecord): OpenedRecord | undefined {
    const { type, epoch, sequence, fragment } = record;
    if (!this.#window.isNew(sequence)) return this.#drop('replayed');
    const plaintext = reads.open(type, epoch, sequence, fragment);
    if (plaintext === undefined) {
      // What has no room for a tag guesses none: it must not bring the bound nearer, at 13 bytes a time.
      if (fragment.length >= reads.overhead) this.#forged++;
      return this.#drop('badMac');
    }
    this.#window.accept(sequence);
    const opened = type === CONTENT_TYPE.tls12Cid ? decodeInner(plaintext) : { type, plaintext };
    if (opened === undefined) return this.#drop('malformedRecord');
    return opened.plaintext.length > this.#sizes.receive ? this.#drop('oversizeRecord') : opened;
  }

  // Only handshake records: nothing else of the new epoch may be acted upon before its Finished.
  #hold(record: DtlsRecord): undefined {
    if (record.type !== CONTENT_TYPE.handshake && record.type !== CONTENT_TYPE.tls12Cid)
      return this.#drop('wrongEpoch');
    if (this.#early.length >= this.#limits.earlyRecords || record.fragment.length > MAX_EARLY_BYTES) {
      return this.#drop('earlyRecordOverflow');
    }
    this.#early.push({ ...record, fragment: record.fragment.slice(), connectionId: record.connectionId?.slice() });
    return undefined;
  }

  #drop(reason: DropReason): undefined {
    this.#counters.drop(reason);
    return undefined;
  }
}

const MAX_EARLY_BYTES = 256; // a Finished with any protection is a fraction of it
