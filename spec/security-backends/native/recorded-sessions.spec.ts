import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fromHex } from '../../../lib/bytes/index.ts';
import { defaultProvider } from '../../../lib/crypto/provider/default.ts';
import { nobleProvider } from '../../../lib/crypto/provider/noble/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { CryptoProvider } from '../../../lib/crypto/provider/provider.ts';
import { CIPHERSUITES } from '../../../security-backends/native/ciphersuites.ts';
import { hasPrimitivesFor } from '../../../security-backends/native/registries.ts';
import { Replayed, type Session } from './recorded-session.ts';

// Sessions over loopback, recorded with our randomness seeded, so that every byte of ours repeats. GnuTLS was told to
// leave out the extended master secret.
const sessions: readonly Session[] = ['openssl', 'gnutls', 'suite'].flatMap((peer) =>
  JSON.parse(readFileSync(new URL(`fixtures/${peer}-sessions.json`, import.meta.url), 'utf8')),
);

const PROVIDERS: readonly CryptoProvider[] = [nodeProvider, nobleProvider, defaultProvider()];

describe('sessions recorded with other stacks', () => {
  it('are there: two stacks, both roles, every suite that one of them has', () => {
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
      const missing = CIPHERSUITES.filter(({ id }) => !recorded.has(id)).map(({ name }) => name);
      // Scandium has these two, OpenSSL 3.0 and GnuTLS 3.7 do not.
      const expected = ['TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256'];
      assert.deepEqual(missing, expected);
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
        assert.ok(ours.every((hex) => hex.length / 2 <= session.mtu));
      });
    }
  }
});
