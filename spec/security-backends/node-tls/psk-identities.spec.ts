// The identities that clients name in the clear: read from what OpenSSL sends, in any pieces, and from anything else.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { Writer, concatBytes, utf8Encode } from '../../../lib/bytes/index.ts';
import { PskIdentities } from '../../../security-backends/node-tls/psk-identities.ts';

/** The first bytes that OpenSSL sends. */
function helloOf(options: ConnectionOptions): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        resolve(new Uint8Array(chunk));
        done();
      },
    });
    connect({ socket, ...options }).on('error', () => undefined);
  });
}

const record = (type: number, body: Uint8Array): Uint8Array =>
  new Writer().uint8(type).uint16(0x0303).vector16(body).finish();
const message = (type: number, body: Uint8Array): Uint8Array => new Writer().uint8(type).vector24(body).finish();

/** RFC 8446 §4.1.2 with pre_shared_key alone. */
function hello(...identities: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer().uint16(0x0303).bytes(new Uint8Array(32)).vector8(new Uint8Array(0));
  writer.vector16(Uint8Array.of(0x13, 1)).vector8(Uint8Array.of(0));
  writer.vector16((extensions) => {
    extensions.uint16(41).vector16((data) => {
      data.vector16((list) => {
        for (const identity of identities) list.vector16(identity).uint32(0);
      });
      data.vector16((binders) => binders.vector8(new Uint8Array(32)));
    });
  });
  return message(1, writer.finish());
}

const keyExchange = (identity: Uint8Array): Uint8Array => message(16, new Writer().vector16(identity).finish());

function readIn(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const identities = new PskIdentities();
  const found: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    found.push(...identities.take(bytes.slice(at, at + size)));
    at += size;
  }
  return found;
}

describe('node-tls: PSK identities', () => {
  it("of OpenSSL's hello of TLS 1.3", async () => {
    const bytes = await helloOf({
      ciphers: 'TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.3',
      pskCallback: () => ({ psk: new Uint8Array(16), identity: 'urn:dev:näme' }),
    });
    assert.deepEqual(readIn(bytes, [7]), [utf8Encode('urn:dev:näme')]);
  });

  it("of OpenSSL's hello of TLS 1.2 there are none", async () => {
    const bytes = await helloOf({
      ciphers: 'PSK-AES128-GCM-SHA256',
      maxVersion: 'TLSv1.2',
      pskCallback: () => ({ psk: new Uint8Array(16), identity: 'device' }),
    });
    assert.deepEqual(readIn(bytes, [bytes.length]), []);
  });

  it('of hellos and key exchanges, whatever the records and the pieces', () => {
    const some = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
    const property = fc.property(
      some,
      fc.uint8Array({ maxLength: 40 }),
      sizes,
      sizes,
      (offered, used, cuts, pieces) => {
        const messages = concatBytes(hello(...offered), keyExchange(used));
        const records: Uint8Array[] = [];
        for (let at = 0, i = 0; at < messages.length; i++) {
          const size = cuts[i % cuts.length]!;
          records.push(record(22, messages.slice(at, at + size)));
          at += size;
        }
        assert.deepEqual(readIn(concatBytes(...records), pieces), [...offered, used]);
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });

  it('of nothing that is encrypted, or comes after it', () => {
    const secret = record(22, keyExchange(utf8Encode('encrypted')));
    assert.deepEqual(readIn(concatBytes(record(20, Uint8Array.of(1)), secret), [500]), []);
    assert.deepEqual(readIn(concatBytes(record(23, new Uint8Array(30)), secret), [500]), []);
  });

  it('keeps no more than a message may be long', () => {
    const identities = new PskIdentities();
    const endless = record(22, concatBytes(Uint8Array.of(1, 0xff, 0xff, 0xff), new Uint8Array(10)));
    assert.deepEqual(identities.take(endless), []);
    assert.deepEqual(identities.take(record(22, keyExchange(utf8Encode('later')))), [], 'it has given up');
  });

  it('are none, and no error, in anything', () => {
    const anything = fc.array(fc.tuple(fc.constantFrom(20, 21, 22, 23), fc.uint8Array({ maxLength: 60 })));
    const property = fc.property(anything, fc.uint8Array({ maxLength: 20 }), (records, tail) => {
      const bytes = concatBytes(...records.map(([type, body]) => record(type, body)), tail);
      for (const identity of readIn(bytes, [11])) assert.ok(identity.length <= 60);
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
