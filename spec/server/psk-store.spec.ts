import assert from 'node:assert/strict';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { PskStore } from '../../lib/server/index.ts';

const alice = utf8Encode('alice');
const key = fromHex('000102030405060708090a0b0c0d0e0f');

describe('server/psk-store', () => {
  it('looks keys up by identity, and copies them in', () => {
    const store = new PskStore();
    const mine = key.slice();
    store.add({ identity: alice, key: mine });
    mine.fill(0);
    const found = store.lookup(alice);
    assert.ok(found?.source.kind === 'buffer');
    assert.deepEqual(found.source.bytes, key);
    assert.equal(store.lookup(utf8Encode('bob')), undefined);
  });

  it('binds an identity to its endpoint name where one is given', () => {
    const store = new PskStore();
    store.add({ identity: alice, key, endpoint: 'thing' });
    store.add({ identity: utf8Encode('bob'), key });
    assert.equal(store.mayRegister(alice, 'thing'), true);
    assert.equal(store.mayRegister(alice, 'other'), false);
    assert.equal(store.mayRegister(utf8Encode('bob'), 'anything'), true);
    assert.equal(store.mayRegister(utf8Encode('carol'), 'thing'), false);
  });

  it('refuses lengths that a handshake does not carry, without quoting the key', () => {
    const store = new PskStore();
    assert.throws(() => store.add({ identity: new Uint8Array(129), key }), /identity.*1 to 128 bytes, found 129/);
    assert.throws(() => store.add({ identity: alice, key: new Uint8Array(65) }), /key.*1 to 64 bytes, found 65/);
    assert.throws(() => store.add({ identity: alice, key: new Uint8Array() }), /key.*found 0/);
    assert.equal(store.lookup(alice), undefined);
  });

  it('forgets what is removed and everything on close', () => {
    const store = new PskStore();
    store.add({ identity: alice, key });
    assert.equal(store.remove(alice), true);
    assert.equal(store.remove(alice), false);
    store.add({ identity: alice, key });
    store.close();
    assert.equal(store.lookup(alice), undefined);
  });
});
