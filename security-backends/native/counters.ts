// What a connection counts.

import type { DropReason, DtlsCounters } from './connection.ts';

const NONE: Readonly<Record<DropReason, number>> = Object.freeze({
  malformedRecord: 0,
  badVersion: 0,
  badType: 0,
  badMac: 0,
  oversizeRecord: 0,
  replayed: 0,
  wrongEpoch: 0,
  earlyRecordOverflow: 0,
  unexpectedChangeCipherSpec: 0,
  unexpectedApplicationData: 0,
  unexpectedMessage: 0,
  malformedMessage: 0,
  badFragment: 0,
  reassemblyOverflow: 0,
  unauthenticatedAlert: 0,
});

export class Counters implements DtlsCounters {
  #dropped: Record<DropReason, number> | undefined; // most sessions drop nothing
  recordsSent = 0;
  recordsReceived = 0;
  retransmissions = 0;

  get dropped(): Readonly<Record<DropReason, number>> {
    return this.#dropped ?? NONE;
  }

  drop(reason: DropReason): void {
    this.#dropped ??= { ...NONE };
    this.#dropped[reason]++;
  }
}
