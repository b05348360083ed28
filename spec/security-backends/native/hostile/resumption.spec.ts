// Who would like a session to be resumed that is not theirs, or without its proofs: RFC 5246 §7.3, RFC 5077 §3, RFC 7627 §5.3.

import assert from 'node:assert/strict';
import { DecodeError, Reader, concatBytes } from '../../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../../lib/crypto/provider/node/index.ts';
import { SeededRandom, VirtualTime, hours, silentLog } from '../../../../lib/runtime/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../../../security-backends/native/connection.ts';
import { CONTENT_TYPE, decodeRecord, encodePlaintextRecord } from '../../../../security-backends/native/record.ts';
import {
  type OfferedSession,
  decodeOffered,
  encodeOffered,
} from '../../../../security-backends/native/resumable-session.ts';
import { SessionResumption } from '../../../../security-backends/native/session-resumption.ts';
import { KEY, Pair, type PairOptions } from '../pair.ts';

const time = new VirtualTime();

function keeping(tickets: boolean): SessionResumption {
  const settings = { tickets, sessionIds: true, lifetime: hours(24), maxSessions: 8 };
  const environment = { clock: time, timers: time, random: new SeededRandom(11), log: silentLog };
  return new SessionResumption(settings, nodeProvider, environment);
}

function pairOf(resumption: SessionResumption, offered?: OfferedSession, more: PairOptions = {}): Pair {
  return new Pair({
    serverAnswer: (job) => answerOf(resumption, job),
    ...more,
    clientHello: { resumption: { offered } },
    server: { resumption, ...more.server },
  });
}

function answerOf(resumption: SessionResumption, job: DtlsJob): DtlsJobAnswer {
  return job.type === 'resumeSession' ? resumption.find(job.sessionId, job.ticket) : { key: KEY };
}

function first(resumption: SessionResumption): OfferedSession {
  const pair = pairOf(resumption).handshake();
  for (const each of pair.server!.resumable) resumption.keep(each);
  return pair.client.resumable[0]!;
}

type Chosen = (type: number, epoch: number, first: number) => boolean;

const { changeCipherSpec, handshake } = CONTENT_TYPE;

/** What a flight of the other side would leave out. */
const LEFT_OUT: readonly Chosen[] = [
  (type) => type === changeCipherSpec,
  (type, epoch) => type === handshake && epoch === 1,
];

/** A datagram without the records that are chosen, by content type, epoch and first byte. */
function without(datagram: Uint8Array, chosen: Chosen): Uint8Array {
  const reader = new Reader(datagram);
  const kept: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const record = decodeRecord(reader);
    if (!chosen(record.type, record.epoch, record.fragment[0] ?? 0)) kept.push(encodePlaintextRecord(record));
  }
  return concatBytes(...kept);
}

describe('hostile: resumption', () => {
  it('a stored session without any name is a DecodeError: a full handshake would be taken for its resumption', () => {
    const offered = { ...first(keeping(true)), ticket: undefined, sessionId: new Uint8Array(0) };
    assert.throws(() => decodeOffered(encodeOffered(offered)), DecodeError);
  });

  for (const [how, tickets] of [
    ['by ticket', true],
    ['by id', false],
  ] as const) {
    it(`${how}: a session that its keeper forgets while it is offered is never one with a secret of zeros`, () => {
      const resumption = keeping(tickets);
      const offered = first(resumption);
      const guessing = (job: DtlsJob): DtlsJobAnswer => {
        const known = answerOf(resumption, job);
        return known !== undefined && 'master' in known ? { ...known, master: new Uint8Array(48) } : known;
      };
      const pair = pairOf(resumption, offered, { serverAnswer: guessing });
      pair.start();
      offered.session.master.fill(0);
      pair.run();
      assert.equal(pair.client.negotiated, undefined);
    });

    it(`${how}: what the keeper forgets is still good for the handshake under way, and a copy is kept of it`, () => {
      const resumption = keeping(tickets);
      const offered = first(resumption);
      const pair = pairOf(resumption, offered).start();
      offered.session.master.fill(0);
      pair.run(() => pair.server?.negotiated !== undefined);
      assert.equal(pair.client.negotiated?.resumed, true);
      const [again] = pair.client.resumable;
      assert.equal(again !== undefined, tickets);
      if (again !== undefined) assert.equal(pairOf(resumption, again).handshake().client.negotiated?.resumed, true);
    });

    it(`${how}: connection ids are agreed on anew each time, whatever the session had`, () => {
      const resumption = keeping(tickets);
      const offered = first(resumption);
      const ids = (own: number[]): { readonly own: Uint8Array } => ({ own: Uint8Array.from(own) });
      for (const [client, server] of [
        [[], [1, 2, 3]],
        [[9], [4, 5, 6, 7]],
        [undefined, [8]],
        [[], undefined],
      ] as const) {
        const pair = pairOf(resumption, offered, {
          client: { connectionId: client && ids([...client]) },
          server: { resumption, connectionId: server && ids([...server]) },
        }).handshake();
        assert.equal(pair.client.negotiated?.resumed, true);
        const agreed = pair.server?.negotiated?.connectionId;
        const expected = client && server && { own: Uint8Array.from(server), peer: Uint8Array.from(client) };
        assert.deepEqual(agreed, expected);
        assert.ok(pair.talks());
        const last = pair.log.findLast(({ to }) => to === 'server')!.datagram;
        assert.equal(last[0] === CONTENT_TYPE.tls12Cid, expected !== undefined);
      }
    });

    it(`${how}: the client waits for ChangeCipherSpec, and for Finished`, () => {
      for (const isLeft of LEFT_OUT) {
        const resumption = keeping(tickets);
        const pair = pairOf(resumption, first(resumption));
        pair.wire = (datagram, to) => [to === 'client' ? without(datagram, isLeft) : datagram];
        pair.start().run();
        assert.deepEqual([pair.client.negotiated, pair.server?.negotiated], [undefined, undefined]);
      }
    });

    it(`${how}: the server waits for ChangeCipherSpec, and for Finished, and hears nothing before`, () => {
      for (const isLeft of LEFT_OUT) {
        const resumption = keeping(tickets);
        const pair = pairOf(resumption, first(resumption), { client: { handshakeTries: 2 } });
        pair.wire = (datagram, to) => [to === 'server' ? without(datagram, isLeft) : datagram];
        pair.start().settle();
        assert.equal(pair.client.negotiated?.resumed, true, 'the client speaks last');
        pair.say('client', 'too early');
        pair.run();
        assert.deepEqual([pair.server?.negotiated, pair.heard('server')], [undefined, []]);
      }
    });
  }

  it('a ticket that was announced must come before ChangeCipherSpec', () => {
    const resumption = keeping(true);
    const pair = pairOf(resumption, first(resumption));
    const isTicket: Chosen = (type, epoch, message) => type === handshake && epoch === 0 && message === 4;
    pair.wire = (datagram, to) => [to === 'client' ? without(datagram, isTicket) : datagram];
    pair.start().run();
    assert.equal(pair.client.negotiated, undefined);
  });

  it('by id: what a fatal alert has ended is not resumed again, full or resumed, whoever sent it (RFC 5246 §7.2.2)', () => {
    for (const resumedOnce of [false, true]) {
      for (const from of ['client', 'server'] as const) {
        const resumption = keeping(false);
        const pair = pairOf(resumption).handshake();
        for (const each of pair.server!.resumable) resumption.keep(each);
        const [offered] = pair.client.resumable;
        const last = resumedOnce ? pairOf(resumption, offered).handshake() : pair;
        assert.equal(last.client.negotiated?.resumed, resumedOnce || undefined);
        last.party(from).connection.abort(80, last.now);
        last.party(from).pump(last.now);
        last.settle();
        const again = pairOf(resumption, offered).handshake();
        assert.ok(again.talks());
        assert.equal(again.client.negotiated?.resumed, undefined);
      }
    }
  });

  it('by id: what ends in order, or by an alert that nobody proves, can be resumed', () => {
    const resumption = keeping(false);
    const offered = first(resumption);
    const pair = pairOf(resumption, offered).handshake();
    const alert = { type: CONTENT_TYPE.alert, version: 0xfefd, epoch: 0, sequence: 9, fragment: Uint8Array.of(2, 80) };
    pair.deliver(encodePlaintextRecord(alert), 'server');
    pair.client.connection.close(pair.now);
    pair.client.pump(pair.now);
    pair.settle();
    assert.equal(pairOf(resumption, offered).handshake().client.negotiated?.resumed, true);
  });

  it('by ticket: the id beside it, which may be another session’s, is not what a fatal alert ends', () => {
    const resumption = keeping(true);
    const mine = first(resumption);
    const sessionId = new Uint8Array(32).fill(7);
    resumption.keep({ ...mine, sessionId, session: { ...mine.session, master: mine.session.master.slice() } });
    const random = new SeededRandom(5);
    const bytes = (length: number): Uint8Array => (length === 32 ? sessionId.slice() : random.bytes(length));
    const pair = pairOf(resumption, mine, { client: { random: { bytes } } }).handshake();
    assert.equal(pair.client.negotiated?.resumed, true);
    pair.client.connection.abort(80, pair.now);
    pair.client.pump(pair.now);
    pair.settle();
    assert.ok(resumption.find(sessionId, undefined) !== undefined);
  });

  it('without extended master secret nothing is resumed from, offered or taken (RFC 7627 §5.3)', () => {
    for (const tickets of [true, false]) {
      const resumption = keeping(tickets);
      const prefer = { extendedMasterSecret: 'prefer' } as const;
      const more: PairOptions = { client: prefer, server: { ...prefer, resumption } };
      const session = { ...first(resumption).session, extendedMasterSecret: false };
      const sealed = resumption.seal(session)!;
      const plain = tickets
        ? { sessionId: new Uint8Array(0), ticket: sealed.ticket, session }
        : { sessionId: new Uint8Array(32).fill(7), ticket: undefined, session };
      if (!tickets) resumption.keep({ ...plain, session: { ...session, master: session.master.slice() } });
      const again = pairOf(resumption, plain, more).handshake();
      assert.ok(again.talks());
      assert.equal(again.client.negotiated?.resumed, undefined);
    }
  });
});
