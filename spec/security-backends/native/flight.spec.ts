import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Reader } from '../../../lib/bytes/index.ts';
import type { Instant } from '../../../lib/runtime/index.ts';
import { NEVER, seconds } from '../../../lib/runtime/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { AEAD_SUITES } from '../../../security-backends/native/ciphersuites.ts';
import { DEFAULT_LIMITS } from '../../../security-backends/native/connection.ts';
import { Counters } from '../../../security-backends/native/counters.ts';
import type { FlightItem } from '../../../security-backends/native/flight.ts';
import { Flight, packFlight } from '../../../security-backends/native/flight.ts';
import { Reassembly } from '../../../security-backends/native/fragments.ts';
import { decodeHandshakeFragment, handshakeMessage } from '../../../security-backends/native/handshake-messages.ts';
import type { DtlsRecord } from '../../../security-backends/native/record.ts';
import { CONTENT_TYPE, decodeRecord } from '../../../security-backends/native/record.ts';
import { RecordLayer } from '../../../security-backends/native/record-layer.ts';
import { RecordProtection } from '../../../security-backends/native/record-protection.ts';

const KEYS = { key: new Uint8Array(16), fixedNonce: new Uint8Array(4) };

function recordLayer(): RecordLayer {
  const records = new RecordLayer(DEFAULT_LIMITS, new Counters(), 0);
  records.protectWrites(new RecordProtection(nodeProvider, AEAD_SUITES[0]!, KEYS));
  return records;
}

function pack(items: readonly FlightItem[], mtu: number, records = recordLayer()): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  packFlight(items, mtu, records, (datagram) => datagrams.push(datagram));
  return datagrams;
}

function recordsOf(datagrams: readonly Uint8Array[]): DtlsRecord[] {
  return datagrams.flatMap((datagram) => {
    const reader = new Reader(datagram);
    const records: DtlsRecord[] = [];
    while (reader.remaining > 0) records.push(decodeRecord(reader));
    return records;
  });
}

/** Item for the n-th message, with a body of so many bytes that tell their place. */
function item(messageSeq: number, length: number, epoch: 0 | 1 = 0): FlightItem {
  const body = Uint8Array.from({ length }, (_, at) => at * 7 + messageSeq);
  return { kind: 'handshake', epoch, message: handshakeMessage(11, messageSeq, body) };
}

describe('flight', () => {
  it('fits every datagram to the mtu and loses nothing, for any messages and any mtu', () => {
    const flights = fc.array(fc.nat(1_500), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(flights, fc.integer({ min: 128, max: 1_400 }), (lengths, mtu) => {
        const items = lengths.map((length, messageSeq) => item(messageSeq, length));
        const datagrams = pack(items, mtu);
        assert.ok(datagrams.every(({ length }) => length <= mtu));
        const reassembly = new Reassembly(DEFAULT_LIMITS, 0);
        for (const { fragment } of recordsOf(datagrams)) reassembly.add(decodeHandshakeFragment(new Reader(fragment)));
        for (const expected of items) {
          assert.ok(expected.kind === 'handshake');
          assert.deepEqual(reassembly.peek(), expected.message);
          reassembly.consume();
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('needs no more datagrams than the bytes do, where no message has to be split', () => {
    assert.equal(pack([item(0, 100), item(1, 100), item(2, 100)], 1_000).length, 1);
    assert.equal(pack([item(0, 400), item(1, 400), item(2, 400)], 1_000).length, 2);
  });

  it('keeps each message in its own epoch, with record numbers that only grow', () => {
    const records = recordLayer();
    const items: FlightItem[] = [item(0, 20), { kind: 'changeCipherSpec' }, item(1, 12, 1)];
    const [first, second] = [recordsOf(pack(items, 500, records)), recordsOf(pack(items, 500, records))];
    const shape = (list: readonly DtlsRecord[]): string[] =>
      list.map(({ type, epoch, sequence }) => `${type} ${epoch} ${sequence}`);
    assert.deepEqual(shape(first), ['22 0 0', '20 0 1', '22 1 0']);
    assert.deepEqual(shape(second), ['22 0 2', '20 0 3', '22 1 1'], 'a retransmission');
    assert.deepEqual(first[0]?.fragment, second[0]?.fragment, 'with the same message_seq');
    assert.equal(first[1]?.type, CONTENT_TYPE.changeCipherSpec);
  });

  it('doubles the wait up to the maximum', () => {
    const timeouts = { min: seconds(1), max: seconds(60) };
    const flight = new Flight([], -1, timeouts, 0 as Instant);
    const waits = [flight.deadline as number];
    for (let i = 0; i < 7; i++) {
      const now = flight.deadline;
      flight.retry(timeouts, now);
      waits.push(flight.deadline - now);
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    assert.equal(flight.tries, 8);
    flight.disarm();
    assert.equal(flight.deadline, NEVER);
  });

  it('assumes a smaller mtu once it was lost repeatedly', () => {
    const timeouts = { min: seconds(1), max: seconds(60) };
    const flight = new Flight([], -1, timeouts, 0 as Instant);
    assert.equal(flight.mtu(1_252), 1_252);
    for (let i = 0; i < 3; i++) flight.retry(timeouts, flight.deadline);
    assert.equal(flight.mtu(1_252), 548);
    assert.equal(flight.mtu(228), 228);
  });
});
