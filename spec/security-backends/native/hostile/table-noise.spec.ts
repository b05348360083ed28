// Noise as data, with the silent drop expected: records and fragments that anybody can send into a handshake, in both roles,
// while a Certificate is due. Each is counted, none is answered, and the handshake completes.

import assert from 'node:assert/strict';
import type { DropReason } from '../../../../security-backends/native/connection.ts';
import { MESSAGE, type ScriptedPeer, TYPE, join, u16, u24 } from '../scripted-peer.ts';
import {
  CLIENT_KEY,
  type CertificateBench,
  SERVER,
  certificateServer,
  clientAtCertificate,
  finish,
  finishWithClient,
  keyExchange,
} from '../tested-certificates.ts';

const NOTHING = new Uint8Array(0);

interface Noise {
  readonly name: string;
  readonly datagram: (script: ScriptedPeer, honest: Honest) => Uint8Array;
  /** Undefined: taken, and without effect. */
  readonly dropped: DropReason | undefined;
}

/** The message that is due: a Certificate. */
interface Honest {
  readonly body: Uint8Array;
  readonly seq: number;
}

const header = (type: number, length: number, seq: number, offset: number, fragment: number): Uint8Array =>
  join([type], u24(length), u16(seq), u24(offset), u24(fragment));
const handshake = (script: ScriptedPeer, ...parts: readonly Uint8Array[]): Uint8Array =>
  script.record(TYPE.handshake, 0, join(...parts));

/** Records with a header of this script's choice; epochs above 0 carry noise. */
function bare(type: number, version: number, epoch: number, payload: Uint8Array): Uint8Array {
  return join([type], u16(version), u16(epoch), [0, 0, 0, 0, 9, 9], u16(payload.length), payload);
}

const NOISE: readonly Noise[] = [
  ...[0, 19, 24, 25, 26, 255].map((type): Noise => {
    const datagram = (): Uint8Array => bare(type, 0xfefd, 0, new Uint8Array(20));
    return { name: `content type ${type}`, datagram, dropped: 'badType' };
  }),
  ...[0x0303, 0x0000, 0xffff, 0x7f17].map((version): Noise => {
    const datagram = (): Uint8Array => bare(22, version, 0, new Uint8Array(20));
    return { name: `record version 0x${version.toString(16).padStart(4, '0')}`, datagram, dropped: 'badVersion' };
  }),
  ...[2, 3, 255, 65_535].map((epoch): Noise => {
    const datagram = (): Uint8Array => bare(22, 0xfefd, epoch, new Uint8Array(40));
    return { name: `epoch ${epoch}`, datagram, dropped: 'wrongEpoch' };
  }),
  {
    name: 'application data in the clear',
    datagram: (s) => s.record(23, 0, new Uint8Array(9)),
    dropped: 'unexpectedApplicationData',
  },
  {
    name: 'application data of epoch 1',
    datagram: () => bare(23, 0xfefd, 1, new Uint8Array(40)),
    dropped: 'wrongEpoch',
  },
  {
    name: 'an alert of epoch 1 before there are keys',
    datagram: () => bare(21, 0xfefd, 1, new Uint8Array(26)),
    dropped: 'wrongEpoch',
  },
  { name: 'ChangeCipherSpec early', datagram: (s) => s.changeCipherSpec(), dropped: 'unexpectedChangeCipherSpec' },
  {
    name: 'ChangeCipherSpec of two bytes',
    datagram: (s) => s.record(20, 0, Uint8Array.of(1, 1)),
    dropped: 'unexpectedChangeCipherSpec',
  },
  {
    name: 'ChangeCipherSpec of value 2',
    datagram: (s) => s.record(20, 0, Uint8Array.of(2)),
    dropped: 'unexpectedChangeCipherSpec',
  },
  {
    name: 'an empty ChangeCipherSpec',
    datagram: (s) => s.record(20, 0, NOTHING),
    dropped: 'unexpectedChangeCipherSpec',
  },
  { name: 'an alert of no bytes', datagram: (s) => s.record(21, 0, NOTHING), dropped: 'malformedMessage' },
  {
    name: 'an alert of three bytes',
    datagram: (s) => s.record(21, 0, Uint8Array.of(2, 40, 0)),
    dropped: 'malformedMessage',
  },
  { name: 'an alert of level 0', datagram: (s) => s.alert(0, 40), dropped: 'malformedMessage' },
  { name: 'an alert of level 3', datagram: (s) => s.alert(3, 40), dropped: 'malformedMessage' },
  { name: 'a fatal alert in the clear', datagram: (s) => s.alert(2, 40), dropped: 'unauthenticatedAlert' },
  { name: 'close_notify in the clear', datagram: (s) => s.alert(1, 0), dropped: 'unauthenticatedAlert' },
  { name: 'a warning nobody knows', datagram: (s) => s.alert(1, 222), dropped: 'unauthenticatedAlert' },
  {
    name: 'a flood of 1,000 alerts',
    datagram: (s) => join(...Array.from({ length: 1_000 }, () => s.alert(1, 90))),
    dropped: 'unauthenticatedAlert',
  },
  { name: 'an empty handshake record', datagram: (s) => handshake(s), dropped: 'malformedMessage' },
  { name: 'half a handshake header', datagram: (s) => handshake(s, new Uint8Array(7)), dropped: 'malformedMessage' },
  {
    name: 'a fragment longer than its record',
    datagram: (s, { seq }) => handshake(s, header(11, 90, seq, 0, 90)),
    dropped: 'malformedMessage',
  },
  {
    name: 'a fragment beyond its message',
    datagram: (s, { seq }) => handshake(s, header(11, 9, seq, 8, 4), new Uint8Array(4)),
    dropped: 'malformedMessage',
  },
  {
    name: 'an offset of 2^24 - 1',
    datagram: (s, { seq }) => handshake(s, header(11, 9, seq, 2 ** 24 - 1, 1), new Uint8Array(1)),
    dropped: 'malformedMessage',
  },
  {
    name: 'a length of 2^24 - 1',
    datagram: (s, { seq }) => handshake(s, header(11, 2 ** 24 - 1, seq, 0, 4), new Uint8Array(4)),
    dropped: 'reassemblyOverflow',
  },
  {
    name: 'message_seq 1,000 ahead',
    datagram: (s, { seq }) => handshake(s, header(11, 4, seq + 1_000, 0, 4), new Uint8Array(4)),
    dropped: 'reassemblyOverflow',
  },
  {
    name: 'message_seq 65,535',
    datagram: (s) => handshake(s, header(11, 4, 65_535, 0, 4), new Uint8Array(4)),
    dropped: 'reassemblyOverflow',
  },
  {
    name: 'a message that was there before',
    datagram: (s, { seq }) => handshake(s, header(2, 4, seq - 1, 0, 4), new Uint8Array(4)),
    dropped: undefined,
  },
  {
    name: 'a fragment of no bytes',
    datagram: (s, { seq, body }) => handshake(s, header(11, body.length, seq, 5, 0)),
    dropped: undefined,
  },
  {
    name: 'another type for this message_seq',
    datagram: (s, { seq, body }) =>
      join(
        handshake(s, header(11, body.length, seq, 0, 4), body.subarray(0, 4)),
        handshake(s, header(12, body.length, seq, 4, 4), body.subarray(4, 8)),
      ),
    dropped: 'badFragment',
  },
  {
    name: 'another length for this message_seq',
    datagram: (s, { seq, body }) =>
      join(
        handshake(s, header(11, body.length, seq, 0, 4), body.subarray(0, 4)),
        handshake(s, header(11, body.length + 1, seq, 4, 4), body.subarray(4, 8)),
      ),
    dropped: 'badFragment',
  },
  {
    name: 'a record longer than its datagram',
    datagram: () => join([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 9, 9], u16(500), [1]),
    dropped: 'malformedRecord',
  },
  { name: 'half a record header', datagram: () => Uint8Array.of(22, 0xfe, 0xfd, 0), dropped: 'malformedRecord' },
  { name: 'an empty datagram', datagram: () => NOTHING, dropped: undefined },
  { name: 'zeros', datagram: () => new Uint8Array(64), dropped: 'badVersion' },
  {
    name: 'an HTTP request',
    datagram: () => new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    dropped: 'malformedRecord',
  },
];

interface Midway {
  readonly role: 'client' | 'server';
  readonly bench: () => CertificateBench;
  readonly chain: readonly Uint8Array[];
  readonly complete: (bench: CertificateBench) => void;
}

/** Honest bytes up to 700, and from 300 to `end` others. */
function overlapping({ tested, script }: CertificateBench, chain: readonly Uint8Array[], end: number): void {
  const body = script.certificateBody(chain);
  const wrong = body.map((byte) => byte ^ 0x55);
  const seq = script.messageSeq;
  tested.feed(handshake(script, header(11, body.length, seq, 0, 700), body.subarray(0, 700)));
  tested.feed(handshake(script, header(11, body.length, seq, 300, end - 300), wrong.subarray(300, end)));
}

/** Both roles where a Certificate is due, and how an honest peer goes on. */
const MIDWAY: readonly Midway[] = [
  {
    role: 'client',
    bench: clientAtCertificate,
    chain: SERVER.chain,
    complete(bench) {
      const { tested, script } = bench;
      tested.feed(script.sendCertificate(SERVER.chain));
      tested.feed(
        script.message(MESSAGE.serverKeyExchange, script.signedKeyExchange(SERVER)),
        script.serverHelloDone(),
      );
      finishWithClient(bench);
    },
  },
  {
    role: 'server',
    bench: certificateServer,
    chain: CLIENT_KEY.chain,
    complete(bench) {
      const { tested, script } = bench;
      tested.feed(script.sendCertificate(CLIENT_KEY.chain), keyExchange(bench));
      tested.feed(script.message(MESSAGE.certificateVerify, script.certificateVerifyBody(CLIENT_KEY)));
      finish(bench);
      tested.takeServerFinish();
    },
  },
];

describe('hostile table: noise while a Certificate is due (rules 7, 9, 14, 15, 17)', () => {
  for (const { role, bench, chain, complete } of MIDWAY) {
    for (const { name, datagram, dropped } of NOISE) {
      it(`${role}: ${name} → ${dropped ?? 'no effect'}, silent, and the handshake completes`, () => {
        const each = bench();
        const { tested, script } = each;
        const honest = { body: script.certificateBody(chain), seq: script.messageSeq };
        const before = dropped === undefined ? 0 : tested.dropped(dropped);
        tested.sent();
        tested.feed(datagram(script, honest));
        if (dropped !== undefined) assert.ok(tested.dropped(dropped) > before, 'it was not counted');
        assert.equal(tested.sent().length, 0, 'it was answered');
        assert.equal(tested.over, false);
        complete(each);
        tested.assertTalks();
      });
    }

    it(`${role}: fragments that overlap with different bytes → a whole copy heals`, () => {
      const each = bench();
      overlapping(each, chain, 1_000);
      complete(each);
      each.tested.assertTalks();
    });

    it(`${role}: a message mixed from fragments of two → malformedMessage, silent, and a whole copy heals`, () => {
      const each = bench();
      overlapping(each, chain, each.script.certificateBody(chain).length);
      assert.equal(each.tested.dropped('malformedMessage'), 1);
      complete(each);
      each.tested.assertTalks();
    });
  }
});
