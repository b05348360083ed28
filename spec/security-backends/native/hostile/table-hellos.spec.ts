// Hostile hellos as data, with the alert or the silent drop expected, in both roles.

import assert from 'node:assert/strict';
import { ALERT } from '../../../../security-backends/native/alerts.ts';
import { CookieGate } from '../../../../security-backends/native/cookie-gate.ts';
import { DtlsServer } from '../../../../security-backends/native/server.ts';
import { nodeProvider } from '../../../../lib/crypto/provider/node/index.ts';
import { alertName } from '../../../../lib/net/index.ts';
import { type Instant, SeededRandom } from '../../../../lib/runtime/index.ts';
import { CLIENT, Party } from '../pair.ts';
import { CCM_8, MESSAGE, TYPE, extension, join, rawMessage, u16, vector16, vector8 } from '../scripted-peer.ts';
import { testClient } from '../tested.ts';

const NOTHING = new Uint8Array(0);

interface BodyCase {
  readonly name: string;
  readonly body: (honest: Uint8Array) => Uint8Array;
  readonly alert: number;
}

/** Where in a ServerHello of these scripts: version 0, random 2, session_id length 34, suite 35, compression 37. */
const replaced = (honest: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array =>
  Uint8Array.from(honest, (byte, i) => bytes[i - at] ?? byte);
const withExtensions = (honest: Uint8Array, ...extensions: readonly Uint8Array[]): Uint8Array =>
  join(honest.subarray(0, 38), vector16(join(...extensions)));
const EMS = extension(23);
const RENEGOTIATION = extension(0xff01, Uint8Array.of(0));

const SERVER_HELLOS: readonly BodyCase[] = [
  { name: 'DTLS 1.0', body: (b) => replaced(b, 0, 0xfe, 0xff), alert: ALERT.protocolVersion },
  { name: 'DTLS 1.3 in server_version', body: (b) => replaced(b, 0, 0xfe, 0xfc), alert: ALERT.protocolVersion },
  { name: "TLS 1.2's version", body: (b) => replaced(b, 0, 3, 3), alert: ALERT.protocolVersion },
  { name: 'version 0', body: (b) => replaced(b, 0, 0, 0), alert: ALERT.protocolVersion },
  { name: 'compression', body: (b) => replaced(b, 37, 1), alert: ALERT.illegalParameter },
  { name: 'a suite not offered', body: (b) => replaced(b, 35, 0, 0xae), alert: ALERT.illegalParameter },
  { name: 'the NULL suite', body: (b) => replaced(b, 35, 0, 0), alert: ALERT.illegalParameter },
  {
    name: 'the signalling suite 0x00FF as suite',
    body: (b) => replaced(b, 35, 0, 0xff),
    alert: ALERT.illegalParameter,
  },
  {
    name: 'a session_id of 33 bytes',
    body: (b) => join(b.subarray(0, 34), vector8(new Uint8Array(33)), b.subarray(35)),
    alert: ALERT.decodeError,
  },
  {
    name: 'extended_master_secret dropped',
    body: (b) => withExtensions(b, RENEGOTIATION),
    alert: ALERT.handshakeFailure,
  },
  { name: 'no extensions at all', body: (b) => b.subarray(0, 38), alert: ALERT.handshakeFailure },
  {
    name: 'extended_master_secret with a body',
    body: (b) => withExtensions(b, extension(23, Uint8Array.of(0))),
    alert: ALERT.decodeError,
  },
  { name: 'an extension twice', body: (b) => withExtensions(b, EMS, EMS), alert: ALERT.decodeError },
  {
    name: 'an unknown extension twice',
    body: (b) => withExtensions(b, EMS, extension(0x1234), extension(0x1234)),
    alert: ALERT.decodeError,
  },
  {
    name: 'an extension not offered',
    body: (b) => withExtensions(b, EMS, extension(35)),
    alert: ALERT.unsupportedExtension,
  },
  {
    name: 'connection_id, not offered',
    body: (b) => withExtensions(b, EMS, extension(54, Uint8Array.of(1, 9))),
    alert: ALERT.unsupportedExtension,
  },
  {
    name: 'supported_versions of DTLS 1.3, not offered',
    body: (b) => withExtensions(b, EMS, extension(43, u16(0xfefc))),
    alert: ALERT.unsupportedExtension,
  },
  {
    name: 'renegotiation_info of another handshake',
    body: (b) => withExtensions(b, EMS, extension(0xff01, vector8(new Uint8Array(24)))),
    alert: ALERT.handshakeFailure,
  },
  {
    name: 'renegotiation_info without its length',
    body: (b) => withExtensions(b, EMS, extension(0xff01)),
    alert: ALERT.handshakeFailure,
  },
  { name: 'bytes behind the extensions', body: (b) => join(b, [0]), alert: ALERT.decodeError },
  { name: 'extensions longer than the message', body: (b) => b.subarray(0, b.length - 1), alert: ALERT.decodeError },
  { name: 'half of a random', body: (b) => b.subarray(0, 20), alert: ALERT.decodeError },
  { name: 'nothing in it', body: () => NOTHING, alert: ALERT.decodeError },
];

describe('hostile table: ServerHello', () => {
  for (const { name, body, alert } of SERVER_HELLOS) {
    it(`client: ${name} → ${alertName(alert)}`, () => {
      const tested = testClient({ options: { ciphersuites: [CCM_8] } });
      tested.script.serverHello();
      const honest = tested.script.transcript.pop()!.subarray(12);
      tested.script.messageSeq--;
      tested.assertRefuses(MESSAGE.serverHello, body(honest), alert);
    });
  }

  it('client: a session_id of its own to resume by is no matter: nothing is resumed', () => {
    const tested = testClient();
    const { script } = tested;
    const honest = (script.serverHello(), script.transcript.pop()!.subarray(12));
    script.messageSeq--;
    const body = join(honest.subarray(0, 34), vector8(new Uint8Array(32).fill(9)), honest.subarray(35));
    tested.feed(script.message(MESSAGE.serverHello, body), script.serverHelloDone());
    tested.takeClientFinish();
    tested.feed(script.changeCipherSpec(), script.finished()).assertTalks();
  });

  for (const [name, body, alert] of [
    ['with bytes behind its cookie', join(u16(0xfeff), vector8(Uint8Array.of(1)), [0]), ALERT.decodeError],
    ['with a cookie longer than itself', join(u16(0xfeff), [9, 1]), ALERT.decodeError],
    ['with nothing in it', NOTHING, ALERT.decodeError],
  ] as const) {
    it(`client: HelloVerifyRequest ${name} → ${alertName(alert)}`, () => {
      const tested = testClient({ helloVerify: true });
      tested.sent();
      tested.assertRefuses(MESSAGE.helloVerifyRequest, body, alert);
    });
  }

  it('client: HelloVerifyRequests without end, each with another cookie: a bounded number of hellos', () => {
    const tested = testClient({ helloVerify: true });
    tested.sent();
    let hellos = 0;
    for (let n = 0; n < 100; n++) {
      tested.feed(tested.script.helloVerifyRequest(u16(n)));
      hellos += tested.script.messages(tested.sent()).length;
    }
    assert.ok(hellos <= 8, `${hellos} hellos`);
    assert.equal(tested.connected, false);
  });
});

/** ClientHello from its parts, to a server of PSK past the cookie. */
interface HelloParts {
  readonly version?: number;
  readonly sessionId?: Uint8Array;
  readonly suites?: Uint8Array;
  readonly compression?: Uint8Array;
  readonly extensions?: Uint8Array;
  readonly behind?: Uint8Array;
}

function clientHello(cookie: Uint8Array, parts: HelloParts): Uint8Array {
  return join(
    u16(parts.version ?? 0xfefd),
    new Uint8Array(32).fill(0xc1),
    vector8(parts.sessionId ?? NOTHING),
    vector8(cookie),
    vector16(parts.suites ?? join(u16(CCM_8), u16(0x00ff))),
    vector8(parts.compression ?? Uint8Array.of(0)),
    parts.extensions === undefined ? vector16(EMS) : parts.extensions,
    parts.behind ?? NOTHING,
  );
}

const inRecord = (seq: number, body: Uint8Array): Uint8Array => {
  const raw = rawMessage(MESSAGE.clientHello, seq, body);
  return join([TYPE.handshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, seq], u16(raw.length), raw);
};

/** What the gate, and then the server, makes of it: the alert, or why it was dropped. */
function judged(parts: HelloParts): number | string {
  const random = new SeededRandom(3);
  const now = 1_000 as Instant;
  const gate = new CookieGate({ provider: nodeProvider, random });
  const first = gate.inspect(inRecord(0, clientHello(NOTHING, parts)), CLIENT, now);
  if (first.kind !== 'reply') return first.kind === 'drop' ? first.reason : 'verified without a cookie';
  const cookie = first.datagram.subarray(28);
  const verified = gate.inspect(inRecord(1, clientHello(cookie, parts)), CLIENT, now);
  if (verified.kind !== 'verified') return `${verified.kind} behind its cookie`;
  const options = { mtu: 1_232, provider: nodeProvider, random, verified, ciphersuites: [CCM_8] };
  const party = new Party(new DtlsServer(options));
  party.connection.start(now);
  party.pump(now);
  return party.alerts.at(-1)?.description ?? 'taken';
}

const CLIENT_HELLOS: readonly (readonly [name: string, parts: HelloParts, expected: number | string])[] = [
  ['an honest one', {}, 'taken'],
  ['DTLS 1.0 at most', { version: 0xfeff }, ALERT.protocolVersion],
  ['a later version than 1.2', { version: 0xfefc }, 'taken'],
  ['no compression method null', { compression: Uint8Array.of(1) }, ALERT.illegalParameter],
  ['no compression method', { compression: NOTHING }, 'malformed'],
  ['no suite', { suites: NOTHING }, 'malformed'],
  ['half a suite', { suites: Uint8Array.of(0xc0, 0xa8, 0) }, 'malformed'],
  ['the signalling suite alone', { suites: u16(0x00ff) }, ALERT.handshakeFailure],
  ['no suite in common', { suites: u16(0x1301) }, ALERT.handshakeFailure],
  [
    '500 unknown suites and ours last',
    { suites: join(...Array.from({ length: 500 }, (_each, n) => u16(n)), u16(CCM_8)) },
    'taken',
  ],
  ['a session_id of 33 bytes', { sessionId: new Uint8Array(33) }, 'malformed'],
  ['a session_id to resume', { sessionId: new Uint8Array(32).fill(5) }, 'taken'],
  ['no extensions, so no extended_master_secret', { extensions: NOTHING }, ALERT.handshakeFailure],
  ['extended_master_secret twice', { extensions: vector16(join(EMS, EMS)) }, 'malformed'],
  ['an unknown extension twice', { extensions: vector16(join(EMS, extension(7777), extension(7777))) }, 'malformed'],
  ['extended_master_secret with a body', { extensions: vector16(extension(23, u16(1))) }, ALERT.decodeError],
  [
    'renegotiation_info of another handshake',
    { extensions: vector16(join(EMS, extension(0xff01, vector8(new Uint8Array(12))))) },
    ALERT.handshakeFailure,
  ],
  ['an unknown extension', { extensions: vector16(join(EMS, extension(7777, new Uint8Array(40)))) }, 'taken'],
  ['extensions longer than the message', { extensions: u16(40) }, 'malformed'],
  ['bytes behind the extensions', { behind: Uint8Array.of(0) }, 'malformed'],
  [
    'max_fragment_length code 0',
    { extensions: vector16(join(EMS, extension(1, Uint8Array.of(0)))) },
    ALERT.illegalParameter,
  ],
  ['5,000 bytes', { extensions: vector16(extension(21, new Uint8Array(5_000))) }, 'malformed'],
];

describe('hostile table: ClientHello', () => {
  for (const [name, parts, expected] of CLIENT_HELLOS) {
    const verdict =
      typeof expected === 'number' ? alertName(expected) : expected === 'taken' ? 'taken' : 'dropped, silent';
    it(`server: ${name} → ${verdict}`, () => assert.equal(judged(parts), expected));
  }
});
