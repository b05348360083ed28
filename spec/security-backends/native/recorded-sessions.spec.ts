import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '../../../lib/bytes/index.ts';
import { defaultProvider } from '../../../lib/crypto/provider/default.ts';
import { nobleProvider } from '../../../lib/crypto/provider/noble/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { CryptoProvider } from '../../../lib/crypto/provider/provider.ts';
import { CIPHERSUITES } from '../../../security-backends/native/ciphersuites.ts';
import { hasPrimitivesFor } from '../../../security-backends/native/registries.ts';
import { Replayed, type Session } from './recorded-session.ts';

// Sessions over loopback, recorded with our randomness seeded, so that every byte of ours repeats. GnuTLS was told to
// leave out the extended master secret.
const sessions: readonly Session[] = ['openssl', 'gnutls', 'suite', 'scandium'].flatMap((peer) =>
  JSON.parse(readFileSync(new URL(`fixtures/${peer}-sessions.json`, import.meta.url), 'utf8')),
);

const PROVIDERS: readonly CryptoProvider[] = [nodeProvider, nobleProvider, defaultProvider()];

describe('sessions recorded with other stacks', () => {
  it('are there: both roles, every suite', () => {
    const kinds = sessions.map(({ source, role, suite }) => `${source.split(' ')[0]} ${role} ${suite.toString(16)}`);
    assert.deepEqual(kinds.slice(0, 6), [
      'OpenSSL client c0a8',
      'OpenSSL client a8',
      'OpenSSL server c0a8',
      'OpenSSL server a8',
      'GnuTLS client c0a8',
      'GnuTLS server c0a8',
    ]);
    for (const role of ['client', 'server']) {
      const recorded = new Set(sessions.filter((session) => session.role === role).map(({ suite }) => suite));
      assert.deepEqual(
        CIPHERSUITES.filter(({ id }) => !recorded.has(id)).map(({ name }) => name),
        [],
      );
    }
    assert.ok(sessions.some(({ certificate }) => certificate?.credential === 'rawPublicKey'));
  });

  for (const session of sessions) {
    const suite = CIPHERSUITES.find(({ id }) => id === session.suite)!;
    for (const provider of PROVIDERS.filter((each) => hasPrimitivesFor(suite, each))) {
      it(`${session.role} with ${provider.name}: ${session.source}`, () => {
        const replayed = new Replayed(session, provider);
        const ours = session.datagrams.filter(({ from }) => from === session.role).map(({ hex }) => hex);
        for (const { from, hex } of session.datagrams) if (from !== session.role) replayed.take(fromHex(hex));
        assert.deepEqual(replayed.sent, ours);
        assert.equal(replayed.received, session.received);
        assert.deepEqual(replayed.keyLog, [session.keyLog]);
        assert.equal(replayed.negotiated?.extendedMasterSecret, session.extendedMasterSecret === undefined);
        assert.equal(replayed.state, 'closed');
        checkConnectionIds(session, replayed);
        assert.ok(ours.every((hex) => hex.length / 2 <= session.mtu));
      });
    }
  }
});

/** Ids, where both offered some, are in every protected record of their direction: type 25 and the id (RFC 9146 §4). */
function checkConnectionIds({ connectionId, role, datagrams }: Session, { negotiated }: Replayed): void {
  assert.equal(negotiated?.connectionId === undefined, connectionId === undefined);
  if (negotiated?.connectionId === undefined) return;
  const { own, peer } = negotiated.connectionId;
  assert.equal(toHex(own), connectionId);
  const seen = { own: 0, peer: 0 };
  for (const { from, hex } of datagrams) {
    const side = from === role ? 'peer' : 'own'; // who receives it has given the id
    const id = toHex(side === 'own' ? own : peer);
    const isProtected = id === '' ? hex.slice(6, 10) === '0001' : hex.startsWith('19fefd0001');
    if (isProtected) seen[side]++;
    if (hex.startsWith('19')) assert.equal(hex.slice(22, 22 + id.length), id);
  }
  assert.ok(seen.own > 0 && seen.peer > 0, JSON.stringify(seen));
}
