// A path that swallows large datagrams: after repeated loss of a flight it is sent in smaller fragments
// (RFC 6347 §4.1.1.1), from either side.

import assert from 'node:assert/strict';
import type { Side } from './pair.ts';
import { certificatePair, holder } from './certificate-pair.ts';

const SMALL_PATH = 548; // bytes of UDP payload that every IPv4 path takes

describe('a path whose MTU is smaller than believed', () => {
  for (const [name, narrow] of [
    ['towards the client', ['client']],
    ['towards the server', ['server']],
    ['both ways', ['client', 'server']],
  ] as const) {
    it(`${name}: the handshake with certificates is completed in smaller fragments`, () => {
      const pair = certificatePair({ clientHolder: holder('ec-p256', 'client') });
      const swallowed: Record<Side, number> = { client: 0, server: 0 };
      pair.wire = (datagram, to) => {
        if (datagram.length <= SMALL_PATH || !(narrow as readonly Side[]).includes(to)) return [datagram];
        swallowed[to]++;
        return [];
      };
      pair.handshake();
      assert.ok(pair.talks());
      for (const side of narrow) assert.ok(swallowed[side] > 0, `nothing large went to the ${side}`);
    });
  }
});
