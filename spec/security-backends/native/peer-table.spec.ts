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

  it('at one address holds one peer, beside those that are found by their id', () => {
    const table = new PeerTable<Peer>();
    const [bare, identified, young] = [peer('a'), peer('a', Uint8Array.of(1)), peer('a', Uint8Array.of(2))];
    table.add(bare);
    table.add(identified);
    assert.equal(table.remove(bare), false, 'nothing finds it any more');
    table.add(young);
    assert.deepEqual([table.at('a'), table.withId(Uint8Array.of(1)), table.size], [young, identified, 2]);
    assert.equal(table.remove(young), true);
    assert.deepEqual([table.at('a'), table.withId(Uint8Array.of(2)), table.size], [undefined, undefined, 1]);
    assert.equal(table.remove(identified), true);
    assert.equal(table.size, 0);
  });

  it('goes by the id a peer had when it came', () => {
    const table = new PeerTable<Peer>();
    const a = { ...peer('a'), ownConnectionId: Uint8Array.of(7) as Uint8Array | undefined };
    table.add(a);
    a.ownConnectionId = undefined;
    assert.equal(table.withId(Uint8Array.of(7)), a);
    table.remove(a);
    assert.equal(table.withId(Uint8Array.of(7)), undefined);
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

  it('moves a peer to another address', () => {
    const table = new PeerTable<Peer>();
    const [a, b] = [peer('a', Uint8Array.of(1)), peer('b', Uint8Array.of(2))];
    table.add(a);
    table.add(b);
    table.move(a, () => {
      a.key = 'b';
    });
    assert.deepEqual([table.at('a'), table.at('b')], [undefined, a]);
    assert.deepEqual([table.withId(Uint8Array.of(1)), table.withId(Uint8Array.of(2))], [a, b]);
    assert.deepEqual([...table], [b, a]);
  });
});
