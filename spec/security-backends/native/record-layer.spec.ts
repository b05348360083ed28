import assert from 'node:assert/strict';
import { Reader } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { AEAD_SUITES } from '../../../security-backends/native/ciphersuites.ts';
import { DEFAULT_LIMITS } from '../../../security-backends/native/connection.ts';
import { Counters } from '../../../security-backends/native/counters.ts';
import type { DtlsRecord } from '../../../security-backends/native/record.ts';
import { MAX_SEQUENCE, decodeRecord } from '../../../security-backends/native/record.ts';
import { RecordLayer } from '../../../security-backends/native/record-layer.ts';
import { RecordProtection } from '../../../security-backends/native/record-protection.ts';

const HANDSHAKE = 22;
const DATA = 23;
const BYTES = Uint8Array.of(1, 2, 3);

function protection(): RecordProtection {
  const keys = { key: new Uint8Array(16).fill(1), fixedNonce: new Uint8Array(4).fill(2) };
  return new RecordProtection(nodeProvider, AEAD_SUITES[0]!, keys);
}

class Side {
  readonly counters = new Counters();
  readonly records: RecordLayer;

  constructor(limits: Partial<typeof DEFAULT_LIMITS> = {}, firstSequence = 0) {
    this.records = new RecordLayer({ ...DEFAULT_LIMITS, ...limits }, this.counters, firstSequence);
  }
}

function parse(datagram: Uint8Array): DtlsRecord {
  return decodeRecord(new Reader(datagram));
}

/** A side that writes epoch 1, and one that can read it. */
function protectedPair(limits: Partial<typeof DEFAULT_LIMITS> = {}): { writer: Side; reader: Side } {
  const [writer, reader] = [new Side(limits), new Side(limits)];
  writer.records.protectWrites(protection());
  reader.records.protectReads(protection());
  return { writer, reader };
}

describe('RecordLayer', () => {
  it('counts each epoch from its own start, and never back', () => {
    const { records } = new Side({}, 41);
    const numbers = [parse(records.datagram(HANDSHAKE, BYTES)), parse(records.datagram(HANDSHAKE, BYTES))];
    records.protectWrites(protection());
    numbers.push(parse(records.datagram(DATA, BYTES)), parse(records.datagram(DATA, BYTES)));
    const target = new Uint8Array(100);
    records.write(target, 0, HANDSHAKE, 0, BYTES);
    numbers.push(parse(target));
    assert.deepEqual(
      numbers.map(({ epoch, sequence }) => `${epoch}:${sequence}`),
      ['0:41', '0:42', '1:0', '1:1', '0:43'],
    );
  });

  it('refuses to wrap a server that was led to the last number by a client', () => {
    const { records } = new Side({}, MAX_SEQUENCE);
    assert.equal(parse(records.datagram(HANDSHAKE, BYTES)).sequence, MAX_SEQUENCE);
    assert.throws(() => records.datagram(HANDSHAKE, BYTES), { code: 'EPIPE' });
  });

  it('refuses to seal beyond the limit of the key', () => {
    const { writer } = protectedPair({ sealedRecords: 2 });
    writer.records.datagram(DATA, BYTES);
    writer.records.datagram(DATA, BYTES);
    assert.throws(() => writer.records.datagram(DATA, BYTES), { code: 'EPIPE' });
  });

  it('opens a record once', () => {
    const { writer, reader } = protectedPair();
    const record = parse(writer.records.datagram(DATA, BYTES));
    assert.deepEqual(reader.records.open(record), { type: DATA, plaintext: BYTES });
    assert.equal(reader.records.open(record), undefined);
    assert.equal(reader.counters.dropped.replayed, 1);
  });

  it('moves the window only by what authenticates', () => {
    const { writer, reader } = protectedPair();
    const record = parse(writer.records.datagram(DATA, BYTES));
    reader.records.open({ ...record, sequence: 1_000_000 });
    assert.equal(reader.counters.dropped.badMac, 1);
    assert.deepEqual(reader.records.open(record)?.plaintext, BYTES, 'a forged number has not made it old');
  });

  it('holds early handshake records of the next epoch, so many and no more, as copies', () => {
    const [writer, reader] = [new Side(), new Side({ earlyRecords: 2 })];
    writer.records.protectWrites(protection());
    const datagrams = [1, 2, 3].map(() => writer.records.datagram(HANDSHAKE, BYTES));
    for (const datagram of datagrams) assert.equal(reader.records.open(parse(datagram)), undefined);
    assert.equal(reader.counters.dropped.earlyRecordOverflow, 1);
    for (const datagram of datagrams) datagram.fill(0);
    reader.records.protectReads(protection());
    const early = reader.records.releaseEarly();
    assert.deepEqual(
      early.map((record) => reader.records.open(record)?.plaintext),
      [BYTES, BYTES],
    );
    assert.deepEqual(reader.records.releaseEarly(), []);
  });

  it('holds no early data, no alerts and nothing large', () => {
    const [writer, reader] = [new Side(), new Side()];
    writer.records.protectWrites(protection());
    for (const type of [20, 21, DATA]) reader.records.open(parse(writer.records.datagram(type, BYTES)));
    assert.equal(reader.counters.dropped.wrongEpoch, 3);
    reader.records.open(parse(writer.records.datagram(HANDSHAKE, new Uint8Array(1_000))));
    assert.equal(reader.counters.dropped.earlyRecordOverflow, 1);
    assert.deepEqual(reader.records.releaseEarly(), []);
  });

  it('drops epochs that do not exist yet', () => {
    const { writer, reader } = protectedPair();
    const record = parse(writer.records.datagram(DATA, BYTES));
    assert.equal(reader.records.open({ ...record, epoch: 2 }), undefined);
    assert.equal(reader.counters.dropped.wrongEpoch, 1);
  });
});
