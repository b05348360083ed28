// What is read of records on their way: how a stream ended, what is held back, and PEM for node:tls.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes } from '../../../lib/bytes/index.ts';
import { FlightGate, clientRecord, serverRecord } from '../../../security-backends/node-tls/flight-gate.ts';
import { pemBlock } from '../../../security-backends/node-tls/pem.ts';
import { RecordWatch } from '../../../security-backends/node-tls/record-watch.ts';
import { certificateDer, keyPem, toPem } from '../../crypto/fixtures/fixtures.ts';

const TAG = 16;

function record(type: number, body: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(type, 3, 3, body.length >> 8, body.length & 0xff), body);
}

const hello = (length = 40): Uint8Array => {
  const body = new Uint8Array(length);
  body.set([1, 0, 0, length - 4, 3, 3]);
  return record(22, body);
};
const records = fc.array(fc.tuple(fc.constantFrom(20, 21, 22, 23), fc.uint8Array({ maxLength: 80 })), {
  maxLength: 12,
});

/** In pieces of the sizes given, again and again. */
function* pieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.slice(at, at + size);
    at += size;
  }
}

describe('node-tls: how a stream of records ended', () => {
  const watched = (...all: readonly Uint8Array[]): RecordWatch => {
    const watch = new RecordWatch();
    for (const each of all) watch.take(each);
    return watch;
  };

  it('by an alert, in either version', () => {
    assert.equal(
      watched(record(23, new Uint8Array(30)), record(21, new Uint8Array(26))).endedByAlert('TLS1.2', TAG),
      true,
    );
    assert.equal(watched(record(23, new Uint8Array(19))).endedByAlert('TLS1.3', TAG), true);
    assert.equal(watched(record(23, new Uint8Array(11))).endedByAlert('TLS1.3', 8), true);
  });

  it('not by an alert: nothing at all, other records, the middle of one', () => {
    assert.equal(watched().endedByAlert('TLS1.2', TAG), false);
    assert.equal(watched(record(23, new Uint8Array(26))).endedByAlert('TLS1.2', TAG), false);
    assert.equal(watched(record(23, new Uint8Array(20))).endedByAlert('TLS1.3', TAG), false);
    assert.equal(watched(record(21, new Uint8Array(26)).subarray(0, 30)).endedByAlert('TLS1.2', TAG), false);
    assert.equal(watched(record(21, new Uint8Array(26)), Uint8Array.of(23, 3)).endedByAlert('TLS1.2', TAG), false);
  });

  it('by an alert of TLS 1.3 only if nothing came of a record of that length', () => {
    const like = record(23, new Uint8Array(19));
    const watch = watched(like);
    watch.delivered(Uint8Array.of(0x00, 0xe2)); // a ping of CoAP over TCP
    assert.equal(watch.endedByAlert('TLS1.3', TAG), false);
    watch.take(like);
    assert.equal(watch.endedByAlert('TLS1.3', TAG), true);
  });

  it('is told alike whatever the pieces', () => {
    const property = fc.property(records, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (all, sizes) => {
      const bytes = concatBytes(...all.map(([type, body]) => record(type, body)));
      const watch = watched(...pieces(bytes, sizes));
      const last = all.at(-1);
      assert.equal(watch.endedByAlert('TLS1.2', TAG), last?.[0] === 21);
      const alike = all.filter(([type, body]) => type === 23 && body.length === 19);
      for (let more = 1; more < alike.length; more++) watch.delivered(new Uint8Array(2));
      const alert = last?.[0] === 23 ? last[1].length === 19 : last?.[0] === 21;
      assert.equal(watch.endedByAlert('TLS1.3', TAG), alert);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('node-tls: what is held back', () => {
  it('of a client: all but hellos and alerts, a ChangeCipherSpec with what follows it', () => {
    let held = 0;
    const gate = new FlightGate(clientRecord, () => held++);
    const change = record(20, Uint8Array.of(1));
    const alert = record(21, Uint8Array.of(2, 40));
    assert.deepEqual(gate.take(hello()), hello());
    assert.deepEqual(gate.take(change), new Uint8Array(0));
    assert.equal(held, 0);
    assert.deepEqual(gate.take(hello(60)), concatBytes(change, hello(60)), 'the second hello of TLS 1.3');
    assert.deepEqual(gate.take(alert), alert);
    const finished = record(23, new Uint8Array(53));
    assert.deepEqual(gate.take(concatBytes(change, finished)), new Uint8Array(0));
    assert.equal(gate.isHolding, true);
    assert.deepEqual(gate.take(hello()), new Uint8Array(0), 'nothing overtakes what is held back');
    assert.equal(held, 1);
    assert.deepEqual(gate.open(), concatBytes(change, finished, hello()));
    assert.deepEqual(gate.take(finished), finished);
  });

  it('of a client: what only looks like a hello by its type', () => {
    for (const body of [Uint8Array.of(1), Uint8Array.of(1, 0, 0, 9, 3, 3, 0), Uint8Array.of(16, 0, 0, 2, 3, 3)]) {
      const gate = new FlightGate(clientRecord, () => undefined);
      assert.deepEqual(gate.take(record(22, body)), new Uint8Array(0));
      assert.equal(gate.isHolding, true);
    }
  });

  it('of a server: from its ChangeCipherSpec on', () => {
    const gate = new FlightGate(serverRecord, () => undefined);
    const flight = record(22, new Uint8Array(200));
    assert.deepEqual(gate.take(flight), flight);
    assert.deepEqual(gate.take(record(20, Uint8Array.of(1))), new Uint8Array(0));
    gate.discard();
    assert.deepEqual(gate.open(), new Uint8Array(0));
  });

  it('loses nothing and changes no order, whatever the pieces', () => {
    const property = fc.property(records, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (all, sizes) => {
      const bytes = concatBytes(...all.map(([type, body]) => record(type, body)));
      const gate = new FlightGate(clientRecord, () => undefined);
      const passed = [...pieces(bytes, sizes)].map((piece) => gate.take(piece));
      assert.deepEqual(concatBytes(...passed, gate.open()), bytes);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('node-tls: PEM', () => {
  it('is what OpenSSL writes, and node:crypto reads', () => {
    const der = certificateDer('server');
    assert.equal(Buffer.from(pemBlock('CERTIFICATE', der)).toString(), toPem('CERTIFICATE', der));
    assert.deepEqual(new Uint8Array(new X509Certificate(pemBlock('CERTIFICATE', der)).raw), der);
    const key = createPrivateKey(Buffer.from(keyPem('p256 pkcs8')));
    const pkcs8 = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
    assert.equal(Buffer.from(pemBlock('PRIVATE KEY', pkcs8)).toString(), key.export({ format: 'pem', type: 'pkcs8' }));
  });

  it('is base64 of anything', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (der) => {
      assert.equal(
        Buffer.from(pemBlock('X', der)).toString(),
        der.length === 0 ? '-----BEGIN X-----\n-----END X-----\n' : toPem('X', der),
      );
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
