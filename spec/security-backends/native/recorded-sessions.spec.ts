import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fromHex, toHex, utf8Decode, utf8Encode } from '../../../lib/bytes/index.ts';
import { defaultProvider } from '../../../lib/crypto/provider/default.ts';
import { nobleProvider } from '../../../lib/crypto/provider/noble/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { CryptoProvider } from '../../../lib/crypto/provider/provider.ts';
import type { Endpoint, Negotiated } from '../../../lib/net/index.ts';
import { type Instant, SeededRandom } from '../../../lib/runtime/index.ts';
import { DtlsClient } from '../../../security-backends/native/client.ts';
import type { DtlsConnection, DtlsOptions } from '../../../security-backends/native/connection.ts';
import { CookieGate } from '../../../security-backends/native/cookie-gate.ts';
import { DtlsServer } from '../../../security-backends/native/server.ts';

interface Session {
  readonly source: string;
  readonly role: 'client' | 'server';
  readonly seed: number;
  readonly gateSeed?: number;
  readonly from?: Endpoint;
  readonly mtu: number;
  readonly suite: number;
  readonly hint?: string;
  readonly psk: string;
  readonly identity: string;
  readonly keyLog: string;
  readonly sent: string;
  readonly received: string;
  readonly extendedMasterSecret?: 'prefer';
  readonly datagrams: readonly { readonly from: 'client' | 'server'; readonly hex: string }[];
}

// Sessions over loopback, recorded with our randomness seeded, so that every byte of ours repeats. GnuTLS was told to
// leave out the extended master secret.
const sessions: readonly Session[] = ['openssl', 'gnutls'].flatMap((peer) =>
  JSON.parse(readFileSync(new URL(`fixtures/${peer}-sessions.json`, import.meta.url), 'utf8')),
);

const NOW = 1_000 as Instant;
const PROVIDERS: readonly CryptoProvider[] = [nodeProvider, nobleProvider, defaultProvider()];

/** Our side of a recorded session. */
class Replayed {
  readonly sent: string[] = [];
  readonly keyLog: string[] = [];
  received = '';
  negotiated: Negotiated | undefined;
  #connection: DtlsConnection | undefined;
  readonly #gate: CookieGate;
  readonly #session: Session;
  readonly #options: DtlsOptions;

  constructor(session: Session, provider: CryptoProvider) {
    this.#session = session;
    this.#options = {
      mtu: session.mtu,
      provider,
      random: new SeededRandom(session.seed),
      ciphersuites: [session.suite],
      extendedMasterSecret: session.extendedMasterSecret,
      keyLog: (line) => this.keyLog.push(line),
    };
    this.#gate = new CookieGate({ provider, random: new SeededRandom(session.gateSeed ?? 0) });
    if (session.role === 'server') return;
    this.#connection = new DtlsClient(this.#options);
    this.#connection.start(NOW);
    this.#pump();
  }

  get state(): string {
    return this.#connection?.state ?? 'none';
  }

  take(datagram: Uint8Array): void {
    if (this.#connection === undefined) return this.#admit(datagram);
    this.#connection.handleDatagram(datagram, NOW);
    this.#pump();
  }

  #admit(datagram: Uint8Array): void {
    const verdict = this.#gate.inspect(datagram, this.#session.from!, NOW);
    if (verdict.kind === 'reply') this.sent.push(toHex(verdict.datagram));
    if (verdict.kind !== 'verified') return;
    const { hint } = this.#session;
    const identityHint = hint === undefined ? undefined : utf8Encode(hint);
    this.#connection = new DtlsServer({ ...this.#options, verified: verdict, identityHint });
    this.#connection.start(NOW);
    this.#pump();
  }

  #pump(): void {
    const connection = this.#connection!;
    const { role, psk, identity, sent } = this.#session;
    for (let output = connection.poll(); output !== undefined; output = connection.poll()) {
      if (output.kind === 'transmit') this.sent.push(toHex(output.datagram));
      else if (output.kind === 'job') {
        connection.answer(output.job.id, { identity: utf8Encode(identity), key: fromHex(psk) }, NOW);
      } else if (output.kind === 'connected') {
        this.negotiated = output.negotiated;
        if (role === 'client') connection.send(utf8Encode(sent));
      } else if (output.kind === 'data') {
        this.received += utf8Decode(output.bytes);
        if (role === 'client') connection.close(NOW);
        else connection.send(utf8Encode(sent));
      }
    }
  }
}

describe('sessions recorded with other stacks', () => {
  it('are there: two stacks, both roles, both suites', () => {
    const kinds = sessions.map(({ source, role, suite }) => `${source.split(' ')[0]} ${role} ${suite.toString(16)}`);
    assert.deepEqual(kinds, [
      'OpenSSL client c0a8',
      'OpenSSL client a8',
      'OpenSSL server c0a8',
      'OpenSSL server a8',
      'GnuTLS client c0a8',
      'GnuTLS server c0a8',
    ]);
  });

  for (const session of sessions) {
    for (const provider of PROVIDERS) {
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
