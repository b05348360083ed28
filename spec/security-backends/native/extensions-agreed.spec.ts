// What both sides make of the extensions: record sizes, application protocols, names.

import assert from 'node:assert/strict';
import { TlsAlertError } from '../../../lib/net/index.ts';
import { certificatePair } from './certificate-pair.ts';
import { Pair } from './pair.ts';

const CBC = 0x00ae;

/** Plaintext bytes of the longest handshake record in the clear. */
function longestClearRecord(pair: Pair): number {
  let longest = 0;
  for (const { datagram } of pair.log) {
    for (let at = 0; at < datagram.length;) {
      const length = (datagram[at + 11]! << 8) | datagram[at + 12]!;
      if (datagram[at] === 22 && datagram[at + 4] === 0) longest = Math.max(longest, length);
      at += 13 + length;
    }
  }
  return longest;
}

describe('max_fragment_length', () => {
  it('bounds every record, handshake and data, of both sides', () => {
    const mtu = { mtu: 4_000 };
    const pair = certificatePair({ client: mtu, server: mtu, clientHello: { maxFragmentLength: 512 } }).handshake();
    assert.ok(pair.talks());
    assert.equal(longestClearRecord(pair), 512);
    assert.equal(pair.client.connection.innerMtu, 512);
    assert.equal(pair.server?.connection.innerMtu, 512);
    assert.equal(longestClearRecord(certificatePair({ client: mtu, server: mtu }).handshake()), 1_524);
  });

  it('that is none of the four is refused by name', () => {
    assert.throws(() => new Pair({ clientHello: { maxFragmentLength: 600 } }), {
      code: 'EINVAL',
      message: /maxFragmentLength: expected one of 512, 1024, 2048, 4096, found 600/,
    });
  });
});

describe('record_size_limit', () => {
  it('bounds the protected records of each side by what the other takes', () => {
    const pair = new Pair({
      client: { mtu: 4_000, recordSizeLimit: 100 },
      server: { mtu: 4_000, recordSizeLimit: 200 },
    }).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.client.connection.innerMtu, 200);
    assert.equal(pair.server?.connection.innerMtu, 100);
  });

  it('of a client is respected by a server that has none of its own', () => {
    const pair = new Pair({ client: { mtu: 4_000, recordSizeLimit: 100 } }).handshake();
    assert.equal(pair.server?.connection.innerMtu, 100);
    assert.ok(pair.talks());
  });

  it('goes before max_fragment_length', () => {
    const options = { client: { mtu: 4_000, recordSizeLimit: 100 }, clientHello: { maxFragmentLength: 512 } };
    const pair = new Pair(options).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.server?.connection.innerMtu, 100);
  });

  it('out of range is refused by name', () => {
    for (const recordSizeLimit of [63, 16_385, 100.5]) {
      assert.throws(() => new Pair({ client: { recordSizeLimit } }), { code: 'EINVAL', message: /recordSizeLimit/ });
    }
  });
});

describe('application protocols', () => {
  it('are agreed on in the order of the server', () => {
    const pair = new Pair({ client: { alpn: ['x', 'coap'] }, server: { alpn: ['coap', 'x'] } }).handshake();
    assert.equal(pair.client.negotiated?.alpn, 'coap');
    assert.equal(pair.server?.negotiated?.alpn, 'coap');
  });

  it('of the client alone are not agreed on', () => {
    const pair = new Pair({ client: { alpn: ['coap'] } }).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.client.negotiated?.alpn, undefined);
  });

  it('none in common ends the handshake', () => {
    const pair = new Pair({ client: { alpn: ['coap'] }, server: { alpn: ['h2'] } }).handshake();
    const cause = pair.endOf('server');
    assert.ok(cause instanceof TlsAlertError && cause.description === 120);
  });
});

describe('encrypt_then_mac', () => {
  it('is offered only with CBC suites, which are off unless named', () => {
    const offers = (options: { ciphersuites?: readonly number[] }): boolean => {
      const pair = new Pair({ client: options }).start();
      const [hello] = pair.client.take();
      return Buffer.from(hello!).includes(Buffer.from('00160000', 'hex'));
    };
    assert.equal(offers({}), false);
    assert.equal(offers({ ciphersuites: [CBC, 0xc0a8] }), true);
  });
});
