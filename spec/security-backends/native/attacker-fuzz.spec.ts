// Mutated datagrams against both roles, from the first hello to an open session: nothing throws, nothing forged is heard,
// nothing goes out beyond a bound, and no session ends. FUZZ_SEEDS=n tries more; a failure names its seed.

import assert from 'node:assert/strict';
import { SeededRandom } from '../../../lib/runtime/index.ts';
import { Pair, type Side } from './pair.ts';
import { join } from './scripted-peer.ts';

const SEEDS = Number(process.env['FUZZ_SEEDS'] ?? 60);
const INJECTED = 40; // mutated datagrams per seed, beside those of the handshake itself
const MOST_DATAGRAMS = 64; // for one that came: a flight, and an answer to each record in it
const MTU = 1_232;

const EDGES = [0, 1, 2, 0x7f, 0x80, 0xfd, 0xfe, 0xff];
const HEADER_OFFSETS = [0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];

/** One to three changes: of bits, header fields, lengths, order, or parts of other datagrams. */
function mutated(datagram: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = datagram.slice();
  for (let n = 1 + (random.uint32() % 3); n > 0; n--) bytes = mutatedOnce(bytes, random, corpus);
  return bytes;
}

function mutatedOnce(bytes: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  const pick = (below: number): number => (below === 0 ? 0 : random.uint32() % below);
  const other = corpus[pick(corpus.length)] ?? bytes;
  const at = pick(bytes.length);
  const copy = bytes.slice();
  switch (pick(9)) {
    case 0:
      if (bytes.length > 0) copy[at]! ^= 1 << pick(8);
      return copy;
    case 1:
      if (bytes.length > 0) copy[at] = EDGES[pick(EDGES.length)]!;
      return copy;
    case 2: {
      const header = HEADER_OFFSETS[pick(HEADER_OFFSETS.length)]!;
      if (header < copy.length) copy[header] = pick(2) === 0 ? pick(256) : EDGES[pick(EDGES.length)]!;
      return copy;
    }
    case 3:
      return copy.subarray(0, at);
    case 4:
      return join(copy, random.bytes(pick(40)));
    case 5:
      return join(copy.subarray(0, at), other.subarray(pick(other.length)));
    case 6:
      return join(other, copy);
    case 7:
      return join(copy, copy);
    default:
      if (copy.length > 4) copy[4] = pick(3); // epoch
      return copy;
  }
}

/** Counts what goes out for each datagram that comes in. */
function boundedDelivery(pair: Pair, datagram: Uint8Array, to: Side, what: string): void {
  const party = to === 'client' ? pair.client : pair.server;
  const before = party?.outbox.length ?? 0;
  try {
    pair.deliver(datagram, to);
  } catch (error) {
    throw new Error(`${what}: ${Buffer.from(datagram).toString('hex')} made it throw`, { cause: error });
  }
  const after = (to === 'client' ? pair.client : pair.server)?.outbox ?? [];
  assert.ok(after.length - before <= MOST_DATAGRAMS, `${what}: ${after.length - before} datagrams for one`);
  assert.ok(
    after.every((bytes) => bytes.length <= MTU),
    `${what}: a datagram beyond the mtu`,
  );
}

function fuzzHandshake(seed: number): number {
  const random = new SeededRandom(seed);
  const pair = new Pair({ seed });
  const corpus: Uint8Array[] = [];
  let mutations = 0;
  pair.wire = (datagram, to) => {
    corpus.push(datagram);
    for (let n = random.uint32() % 8; n > 0; n--) {
      mutations++;
      boundedDelivery(pair, mutated(datagram, random, corpus), to, `seed ${seed}, handshake`);
    }
    return random.unit() < 0.8 ? [datagram] : [];
  };
  pair.start();
  pair.run(() => pair.client.negotiated !== undefined && pair.server?.negotiated !== undefined);
  assert.equal(pair.client.data.length + (pair.server?.data.length ?? 0), 0, `seed ${seed}: data out of a handshake`);
  return mutations;
}

function fuzzSession(seed: number): number {
  const random = new SeededRandom(seed);
  const pair = new Pair({ seed }).handshake();
  for (const n of ['1', '2', '3']) {
    pair.say('client', `question ${n}`);
    pair.say('server', `answer ${n}`);
  }
  const corpus = pair.log.map(({ datagram }) => datagram);
  const heard = { client: pair.client.data.length, server: pair.server!.data.length };
  for (let n = 0; n < INJECTED; n++) {
    const { datagram, to } = pair.log[random.uint32() % pair.log.length]!;
    const towards = random.unit() < 0.8 ? to : to === 'client' ? 'server' : 'client';
    boundedDelivery(pair, mutated(datagram, random, corpus), towards, `seed ${seed}, session`);
  }
  pair.client.take();
  pair.server!.take();
  assert.equal(pair.client.data.length, heard.client, `seed ${seed}: the client heard what nobody said`);
  assert.equal(pair.server!.data.length, heard.server, `seed ${seed}: the server heard what nobody said`);
  assert.ok(pair.talks(), `seed ${seed}: the session does not talk any more`);
  return INJECTED;
}

describe('attacker: mutated datagrams', () => {
  it(`in a handshake, seeds 1 to ${SEEDS}: no throw, no data, bounded answers`, function () {
    this.timeout(600_000);
    let mutations = 0;
    for (let seed = 1; seed <= SEEDS; seed++) mutations += fuzzHandshake(seed);
    assert.ok(mutations >= 10 * SEEDS, `only ${mutations} mutations`);
  });

  it(`in a session, seeds 1 to ${SEEDS}: nothing forged or repeated is heard, and the session lives`, function () {
    this.timeout(600_000);
    for (let seed = 1; seed <= SEEDS; seed++) fuzzSession(seed);
  });
});
