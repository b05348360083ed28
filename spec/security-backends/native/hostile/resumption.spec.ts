// Who would like a session to be resumed that is not theirs, or without its proofs: RFC 5246 §7.3, RFC 5077 §3, RFC 7627 §5.3.

import assert from 'node:assert/strict';
import { Reader, concatBytes } from '../../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../../lib/crypto/provider/node/index.ts';
import { SeededRandom, VirtualTime, hours, silentLog } from '../../../../lib/runtime/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../../../security-backends/native/connection.ts';
import { CONTENT_TYPE, decodeRecord, encodePlaintextRecord } from '../../../../security-backends/native/record.ts';
import type { OfferedSession } from '../../../../security-backends/native/resumable-session.ts';
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

/** The records of a datagram that `keep` takes, by content type and epoch. */
function filtered(datagram: Uint8Array, keep: (type: number, epoch: number, first: number) => boolean): Uint8Array {
  const reader = new Reader(datagram);
  const kept: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const record = decodeRecord(reader);
    if (keep(record.type, record.epoch, record.fragment[0] ?? 0)) kept.push(encodePlaintextRecord(record));
  }
  return concatBytes(...kept);
}

describe('hostile: resumption', () => {
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

    it(`${how}: the client waits for ChangeCipherSpec, and for Finished`, () => {
      const { changeCipherSpec, handshake } = CONTENT_TYPE;
      for (const left of [
        (type: number): boolean => type === changeCipherSpec,
        (type: number, epoch: number): boolean => type === handshake && epoch === 1,
      ]) {
        const resumption = keeping(tickets);
        const pair = pairOf(resumption, first(resumption));
        pair.wire = (datagram, to) => [
          to === 'client' ? filtered(datagram, (...record) => !left(...record)) : datagram,
        ];
        pair.start().run();
        assert.deepEqual([pair.client.negotiated, pair.server?.negotiated], [undefined, undefined]);
      }
    });

    it(`${how}: the server waits for ChangeCipherSpec, and for Finished, and hears nothing before`, () => {
      const { changeCipherSpec, handshake } = CONTENT_TYPE;
      for (const left of [
        (type: number): boolean => type === changeCipherSpec,
        (type: number, epoch: number): boolean => type === handshake && epoch === 1,
      ]) {
        const resumption = keeping(tickets);
        const pair = pairOf(resumption, first(resumption), { client: { handshakeTries: 2 } });
        pair.wire = (datagram, to) => [
          to === 'server' ? filtered(datagram, (...record) => !left(...record)) : datagram,
        ];
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
    const isTicket = (type: number, epoch: number, message: number): boolean =>
      type === CONTENT_TYPE.handshake && epoch === 0 && message === 4;
    pair.wire = (datagram, to) => [
      to === 'client' ? filtered(datagram, (...record) => !isTicket(...record)) : datagram,
    ];
    pair.start().run();
    assert.equal(pair.client.negotiated, undefined);
  });
});
