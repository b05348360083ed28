import assert from 'node:assert/strict';
import { type Findable, PeerTable } from '../../../security-backends/native/peer-table.ts';

interface Peer extends Findable {
  key: string;
}

function peer(key: string, ownConnectionId?: Uint8Array): Peer {
  return { key, ownConnectionId };
}

describe('PeerTable', () => {
  it('finds by address and by connection id', () => {
    const table = new PeerTable<Peer>();
    const [a, b] = [peer('a', Uint8Array.of(1, 2)), peer('b')];
    table.add(a);
    table.add(b);
    assert.equal(table.at('a'), a);
    assert.equal(table.at('b'), b);
    assert.equal(table.withId(Uint8Array.of(1, 2)), a);
    assert.equal(table.withId(Uint8Array.of(1)), undefined);
    assert.equal(table.withId(new Uint8Array(0)), undefined);
    assert.equal(table.size, 2);
  });

  it('forgets both ways to find a peer that is removed, and leaves a namesake alone', () => {
    const table = new PeerTable<Peer>();
    const [old, young] = [peer('a', Uint8Array.of(1)), peer('a', Uint8Array.of(2))];
    table.add(old);
    table.add(young);
    assert.equal(table.withId(Uint8Array.of(1)), undefined);
    assert.equal(table.remove(old), false);
    assert.equal(table.at('a'), young);
    assert.equal(table.remove(young), true);
    assert.equal(table.withId(Uint8Array.of(2)), undefined);
    assert.equal(table.size, 0);
  });

  it('is in the order of use', () => {
    const table = new PeerTable<Peer>();
    const [a, b] = [peer('a'), peer('b')];
    table.add(a);
    table.add(b);
    assert.equal(table.first, a);
    table.touch(a);
    assert.deepEqual([...table], [b, a]);
    table.touch(peer('b'));
    assert.deepEqual([...table], [b, a]);
  });

  it('moves a peer to another address and names whom it displaced there', () => {
    const table = new PeerTable<Peer>();
    const [a, b] = [peer('a', Uint8Array.of(1)), peer('b')];
    table.add(a);
    table.add(b);
    const displaced = table.move(a, () => {
      a.key = 'b';
    });
    assert.equal(displaced, b);
    assert.equal(table.at('a'), undefined);
    assert.equal(table.at('b'), a);
    assert.equal(table.withId(Uint8Array.of(1)), a);
    assert.equal(table.size, 1);
  });
});
