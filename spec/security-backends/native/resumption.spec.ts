// Resumption by id and by ticket (RFC 5246 §7.3, RFC 5077, RFC 7627 §5.3) between two connections: what is resumed, what
// leads to a full handshake, and what ends the attempt.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, toHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { TlsAlertError } from '../../../lib/net/index.ts';
import { SeededRandom, VirtualTime, hours, silentLog } from '../../../lib/runtime/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../../security-backends/native/connection.ts';
import {
  type OfferedSession,
  type ResumableSession,
  decodeOffered,
  decodeSession,
  encodeOffered,
  encodeSession,
} from '../../../security-backends/native/resumable-session.ts';
import { SessionResumption } from '../../../security-backends/native/session-resumption.ts';
import { certificatePair, holder } from './certificate-pair.ts';
import { IDENTITY, KEY, Pair, type PairOptions } from './pair.ts';

const time = new VirtualTime();

function keeping(more: { tickets?: boolean; sessionIds?: boolean; lifetime?: ReturnType<typeof hours> } = {}) {
  const settings = { tickets: true, sessionIds: true, lifetime: hours(24), maxSessions: 2, ...more };
  const random = new SeededRandom(11);
  const environment = { clock: time, timers: time, random, log: silentLog };
  return new SessionResumption(settings, nodeProvider, environment);
}

/** Answers as a server does that knows IDENTITY by `key`, and keeps sessions. */
function serverAnswer(resumption: SessionResumption, key: Uint8Array | undefined = KEY) {
  return (job: DtlsJob): DtlsJobAnswer => {
    if (job.type === 'resumeSession') return resumption.find(job.sessionId, job.ticket);
    return job.type === 'lookupPsk' && key !== undefined ? { key } : undefined;
  };
}

function pskPair(resumption: SessionResumption, offered?: OfferedSession, more: PairOptions = {}): Pair {
  return new Pair({
    serverAnswer: serverAnswer(resumption),
    ...more,
    client: { ...more.client },
    clientHello: { resumption: { offered }, ...more.clientHello },
    server: { resumption, ...more.server },
  });
}

/** What the client keeps of a full handshake; the server keeps its part. */
function first(resumption: SessionResumption, more: PairOptions = {}): OfferedSession {
  const pair = pskPair(resumption, undefined, more).handshake();
  assert.ok(pair.talks());
  assert.equal(pair.client.negotiated?.resumed, undefined);
  for (const each of pair.server!.resumable) resumption.keep(each);
  const [kept] = pair.client.resumable;
  assert.ok(kept !== undefined, 'the client keeps nothing');
  return kept;
}

const isResumed = (pair: Pair): boolean =>
  pair.client.negotiated?.resumed === true && pair.server?.negotiated?.resumed === true;

describe('resumption', () => {
  for (const [name, tickets] of [
    ['by ticket', true],
    ['by id', false],
  ] as const) {
    describe(name, () => {
      it('goes on from the session, with new keys, and asks nobody for the key of the client', () => {
        const resumption = keeping({ tickets });
        const offered = first(resumption);
        assert.equal(offered.ticket !== undefined, tickets);
        const pair = pskPair(resumption, offered).handshake();
        assert.ok(isResumed(pair));
        assert.ok(pair.talks());
        assert.deepEqual(pair.client.jobs, [], 'the client did not need its key');
        assert.deepEqual(pair.server?.negotiated?.pskIdentity, IDENTITY);
        assert.equal(pair.client.negotiated?.extendedMasterSecret, true);
      });

      it('again and again', () => {
        const resumption = keeping({ tickets });
        let offered = first(resumption);
        for (let i = 0; i < 3; i++) {
          const pair = pskPair(resumption, offered, { seed: 100 + i }).handshake();
          assert.ok(isResumed(pair) && pair.talks());
          offered = pair.client.resumable[0] ?? offered;
        }
      });

      it('is refused for a key that has changed, or is gone, in favour of a full handshake', () => {
        const resumption = keeping({ tickets });
        const other = KEY.map((byte) => byte ^ 1);
        const changed = pskPair(resumption, first(resumption), {
          serverAnswer: serverAnswer(resumption, other),
          clientAnswer: () => ({ identity: IDENTITY, key: other }),
        }).handshake();
        assert.ok(changed.talks());
        assert.equal(changed.client.negotiated?.resumed, undefined);
        const answer = (job: DtlsJob): DtlsJobAnswer =>
          job.type === 'resumeSession' ? resumption.find(job.sessionId, job.ticket) : undefined;
        const gone = pskPair(resumption, first(resumption), { serverAnswer: answer });
        gone.start().run();
        assert.equal(gone.server?.negotiated, undefined);
      });

      it('is refused for another name asked for', () => {
        const resumption = keeping({ tickets });
        const offered = first(resumption, { clientHello: { serverName: 'a.example' } });
        const renamed = { ...offered, session: { ...offered.session, serverName: 'b.example' } };
        const pair = pskPair(resumption, renamed, { clientHello: { serverName: 'b.example' } }).handshake();
        assert.ok(pair.talks());
        assert.equal(pair.client.negotiated?.resumed, undefined);
      });

      it('is refused where the suite is no longer on', () => {
        const resumption = keeping({ tickets });
        const offered = first(resumption);
        const pair = pskPair(resumption, offered, { server: { resumption, ciphersuites: [0x00a8] } }).handshake();
        assert.ok(pair.talks());
        assert.deepEqual([pair.client.negotiated?.resumed, pair.client.negotiated?.ciphersuite], [undefined, 0x00a8]);
      });

      it('is over with its lifetime, which resuming does not move', async () => {
        const resumption = keeping({ tickets, lifetime: hours(2) });
        let offered = first(resumption);
        await time.advance(hours(1.5));
        const pair = pskPair(resumption, offered).handshake();
        assert.ok(isResumed(pair));
        offered = pair.client.resumable[0] ?? offered;
        await time.advance(hours(1));
        const late = pskPair(resumption, offered).handshake();
        assert.ok(late.talks());
        assert.equal(late.client.negotiated?.resumed, undefined);
      });

      it('still takes a cookie: nothing is looked up before', () => {
        const resumption = keeping({ tickets });
        const pair = pskPair(resumption, first(resumption));
        pair.start();
        const [hello] = pair.client.take();
        pair.deliver(hello!, 'server');
        assert.equal(pair.server, undefined);
      });

      it('survives loss, duplication and reordering of every flight', () => {
        for (let seed = 1; seed <= 200; seed++) {
          const resumption = keeping({ tickets });
          const offered = first(resumption);
          const random = new SeededRandom(seed);
          const patient = { handshakeTries: 40 };
          const pair = pskPair(resumption, offered, { seed, client: patient, server: { ...patient, resumption } });
          let held: Uint8Array | undefined;
          pair.wire = (datagram) => {
            const dice = random.bytes(1)[0]!;
            if (dice < 60) return [];
            if (dice < 90) return [datagram, datagram];
            if (dice < 120 && held === undefined) {
              held = datagram;
              return [];
            }
            const late = held;
            held = undefined;
            return late === undefined ? [datagram] : [datagram, late];
          };
          pair.handshake();
          assert.ok(
            isResumed(pair),
            `seed ${seed}: ${pair.endOf('client')?.message} ${pair.server?.closed?.cause?.message}`,
          );
          assert.ok(pair.talks(), `seed ${seed}`);
        }
      });

      it("repeats the client's last flight when the server's comes again", () => {
        const resumption = keeping({ tickets });
        const pair = pskPair(resumption, first(resumption));
        let lost = 0;
        pair.wire = (datagram, to) => {
          const isLast = to === 'server' && pair.client.negotiated !== undefined;
          return isLast && lost++ === 0 ? [] : [datagram];
        };
        pair.handshake();
        assert.equal(lost, 2);
        assert.ok(isResumed(pair) && pair.talks());
      });

      it('by a client with another master secret ends in silence or an alert, never in a session', () => {
        const resumption = keeping({ tickets });
        const offered = first(resumption);
        const stolen = { ...offered, session: { ...offered.session, master: new Uint8Array(48) } };
        const pair = pskPair(resumption, stolen);
        pair.start().run();
        assert.deepEqual([pair.client.negotiated, pair.server?.negotiated], [undefined, undefined]);
      });
    });
  }

  it('of a session with extended master secret by a hello without it is refused with an alert (RFC 7627 §5.3)', () => {
    const resumption = keeping();
    const offered = first(resumption);
    const pair = pskPair(resumption, offered, { server: { resumption, extendedMasterSecret: 'prefer' } });
    pair.wire = (datagram, to) => [to === 'server' ? withoutExtension(datagram, 23) : datagram];
    pair.start().run();
    assert.equal(pair.server?.negotiated, undefined);
    const cause = pair.endOf('server');
    assert.ok(cause === undefined || !(cause instanceof TlsAlertError) || cause.description === 40, cause?.message);
  });

  it('of a session without extended master secret by a hello with it is a full handshake (RFC 7627 §5.3)', () => {
    const resumption = keeping();
    const offered = first(resumption);
    const plain: ResumableSession = {
      ...offered.session,
      extendedMasterSecret: false,
      validUntil: time.wallTime() + 1e6,
    };
    const sealed = resumption.seal(plain)!;
    const pair = pskPair(resumption, { ...offered, ticket: sealed.ticket, session: plain }).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.client.negotiated?.resumed, undefined);
  });

  it('by a server that leaves extended master secret out is refused by the client', () => {
    const resumption = keeping();
    const pair = pskPair(resumption, first(resumption), { client: { extendedMasterSecret: 'prefer' } });
    pair.wire = (datagram, to) => [to === 'client' ? withoutExtension(datagram, 23) : datagram];
    pair.start().run();
    assert.equal(pair.client.negotiated, undefined);
  });

  it('a ticket damaged in any byte, cut or made up leads to a full handshake', () => {
    const resumption = keeping();
    const offered = first(resumption);
    const ticket = offered.ticket!;
    const flipped = [...ticket.keys()]
      .filter((at) => at % 7 === 0)
      .map((at) => ticket.map((b, i) => (i === at ? b ^ 1 : b)));
    for (const bad of [...flipped, ticket.slice(0, -1), ticket.slice(0, 20), new Uint8Array(1), new Uint8Array(500)]) {
      const pair = pskPair(resumption, { ...offered, ticket: bad }).handshake();
      assert.ok(pair.talks());
      assert.equal(pair.client.negotiated?.resumed, undefined);
    }
  });

  it('tickets of another server are nobody’s', () => {
    const [one, other] = [keeping(), keeping({ lifetime: hours(3) })];
    const mine = first(one);
    other.newSessionId(); // the random source goes another way
    const pair = pskPair(other, mine).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.client.negotiated?.resumed, undefined);
  });

  it('a ticket that would not fit the first datagram is not offered', () => {
    const resumption = keeping();
    const offered = { ...first(resumption), ticket: new Uint8Array(1_150) };
    const pair = pskPair(resumption, offered).handshake();
    assert.ok(pair.talks());
    assert.ok(pair.log.every(({ datagram }) => datagram.length <= 1_232));
  });

  it('a client that keeps nothing asks for nothing, and a server that keeps nothing gives nothing', () => {
    const resumption = keeping();
    const plain = new Pair({ server: { resumption }, serverAnswer: serverAnswer(resumption) }).handshake();
    assert.ok(plain.talks());
    assert.deepEqual(plain.client.resumable, []);
    const alone = new Pair({ clientHello: { resumption: { offered: undefined } } }).handshake();
    assert.ok(alone.talks());
    assert.deepEqual(alone.client.resumable, []);
  });

  it('sessions kept by id are bounded: the oldest gives way', () => {
    const resumption = keeping({ tickets: false });
    const offered = [1, 2, 3].map((seed) => first(resumption, { seed }));
    const resumed = offered.map((each) => isResumed(pskPair(resumption, each).handshake()));
    assert.deepEqual(resumed, [false, true, true]);
  });

  for (const credential of ['certificate', 'rawPublicKey'] as const) {
    it(`of ${credential}: the client is judged again, and shows nothing`, () => {
      const resumption = keeping();
      const clientHolder = holder('ec-p256', 'client');
      const judged: number[] = [];
      const make = (offered: OfferedSession | undefined, trusted = true): Pair => {
        const spki = clientHolder.spki;
        const server = (job: DtlsJob): DtlsJobAnswer => {
          if (job.type === 'resumeSession') return resumption.find(job.sessionId, job.ticket);
          if (job.type !== 'verifyChain') return undefined;
          judged.push(job.chain.length);
          return trusted ? { publicKey: spki } : { alert: 44, reason: 'revoked' };
        };
        return certificatePair({
          credential,
          clientHolder,
          clientHello: { resumption: { offered } },
          server: { resumption },
          serverAnswer: (job) => server(job) ?? answerHonestly(job, credential === 'rawPublicKey'),
        });
      };
      const full = make(undefined).handshake();
      assert.ok(full.talks());
      for (const each of full.server!.resumable) resumption.keep(each);
      const [kept] = full.client.resumable;
      assert.equal(kept?.ticket === undefined, credential === 'certificate', 'a long chain is kept by the server');
      judged.length = 0;
      const again = make(kept).handshake();
      assert.ok(isResumed(again) && again.talks());
      assert.equal(judged.length, 1);
      assert.deepEqual(again.client.jobs, []);
      assert.deepEqual(again.server?.negotiated?.peerPublicKey, clientHolder.spki);
      const refused = make(kept, false);
      refused.start().run();
      assert.equal(refused.server?.negotiated, undefined, 'whom nobody trusts any more is not let in by a ticket');
    });
  }

  it('of one kind of credential is never by another', () => {
    const resumption = keeping();
    const { session } = first(resumption);
    const certificate = { ...session, credential: 'certificate' as const, validUntil: time.wallTime() + 1e6 };
    const ticket = resumption.seal(certificate)!.ticket;
    const pair = pskPair(resumption, { sessionId: new Uint8Array(0), ticket, session }).handshake();
    assert.ok(pair.talks());
    assert.equal(pair.client.negotiated?.resumed, undefined);
  });

  it('sessions are written and read as they are, and what is damaged is a DecodeError', () => {
    const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
    const session = fc.record(
      {
        credential: fc.constantFrom('psk' as const, 'certificate' as const, 'rawPublicKey' as const),
        ciphersuite: fc.nat(0xffff),
        extendedMasterSecret: fc.boolean(),
        master: bytes(48),
        serverName: fc.option(fc.domain(), { nil: undefined }),
        keyFingerprint: fc.uint8Array({ maxLength: 32 }),
        validUntil: fc.nat(2 ** 40),
        identification: fc.constantFrom(
          {},
          { pskIdentity: IDENTITY },
          {
            peerCertificates: [Uint8Array.of(1, 2), Uint8Array.of(3)],
            peerPublicKey: Uint8Array.of(4),
            group: 'x25519',
          },
        ),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        session,
        bytes(32),
        fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
        (one, id, ticket) => {
          assert.deepEqual(decodeSession(encodeSession(one)), one);
          const offered = { sessionId: id, ticket, session: one };
          assert.deepEqual(decodeOffered(encodeOffered(offered)), offered);
        },
      ),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        for (const decode of [decodeSession, decodeOffered]) {
          try {
            decode(garbage);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
            assert.ok(!error.message.includes(toHex(garbage)) || garbage.length < 3);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

/** As certificatePair's server does: shows its own, signs with it. */
function answerHonestly(job: DtlsJob, raw: boolean): DtlsJobAnswer {
  const own = holder('ec-p256');
  if (job.type === 'chooseCertificate') return { chain: raw ? [own.spki] : own.chain, algorithm: own.algorithm };
  if (job.type !== 'sign') return undefined;
  return { signature: nodeProvider.sign(job.scheme, own.pkcs8, job.message) };
}

/** Turns the type of a hello's extension into one that nobody knows. */
function withoutExtension(datagram: Uint8Array, type: number): Uint8Array {
  const isHello = datagram[0] === 22 && (datagram[13] === 1 || datagram[13] === 2);
  if (!isHello) return datagram;
  const changed = datagram.slice();
  for (let at = changed.length - 4; at > 40; at--) {
    const found = changed[at] === 0 && changed[at + 1] === type && changed[at + 2] === 0 && changed[at + 3] === 0;
    if (!found) continue;
    changed[at] = 0xfa;
    break;
  }
  return changed;
}
