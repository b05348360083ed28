// Honest handshakes of every kind, message by message: where fuzzing begins.

import type { Instant } from '../../lib/runtime/index.ts';
import { CIPHERSUITES, type Credential } from '../../security-backends/native/ciphersuites.ts';
import { DtlsClient, type DtlsClientOptions } from '../../security-backends/native/client.ts';
import type { DtlsConnection, DtlsJob, DtlsJobAnswer, DtlsOptions } from '../../security-backends/native/connection.ts';
import type { VerifiedHello } from '../../security-backends/native/cookie-gate.ts';
import { decodeClientHello, handshakeMessage } from '../../security-backends/native/handshake-messages.ts';
import { type ResumableSession, keyFingerprint } from '../../security-backends/native/resumable-session.ts';
import { DtlsServer, type DtlsServerOptions } from '../../security-backends/native/server.ts';
import type { ServerResumption } from '../../security-backends/native/server-offer.ts';
import { toyProvider, toyRandom } from './toy-provider.ts';

export const NOW = 1_000 as Instant;

/** A kind of handshake. */
export interface Scenario {
  readonly name: string;
  readonly credential: Credential;
  readonly suite: number;
  readonly options?: Partial<DtlsOptions>;
  readonly client?: Partial<DtlsClientOptions>;
  readonly server?: Partial<DtlsServerOptions>;
  /** What the server resumes. */
  readonly session?: ResumableSession;
}

const KEY = new Uint8Array(16).fill(3);
// Opaque to a handshake, so they are as short as can be; what real ones hold has targets of its own.
const CHAIN = [Uint8Array.of(0x30, 2, 5, 0), Uint8Array.of(0x30, 1, 7)];
const RAW_KEY = Uint8Array.of(0x30, 1, 9);
const PUBLIC_KEY = Uint8Array.of(1, 2, 3);

const BY_KEY: ResumableSession = {
  credential: 'psk',
  ciphersuite: 0xc0a8,
  extendedMasterSecret: true,
  master: new Uint8Array(48).fill(7),
  serverName: undefined,
  identification: { pskIdentity: Uint8Array.of(100) },
  keyFingerprint: keyFingerprint(toyProvider, KEY),
  validUntil: 1,
};
const BY_CERTIFICATE: ResumableSession = {
  ...BY_KEY,
  credential: 'certificate',
  ciphersuite: 0xc0ae,
  identification: { peerCertificates: CHAIN, peerPublicKey: PUBLIC_KEY },
  keyFingerprint: new Uint8Array(0),
};

/** Keeps nothing: what is resumed is the scenario's session. */
function resumption(tickets: boolean): ServerResumption {
  return {
    tickets,
    newSessionId: () => new Uint8Array(32).fill(0x22),
    seal: () => ({ lifetimeHint: 3_600, ticket: new Uint8Array(24).fill(9) }),
    forget: () => undefined,
  };
}

const offered = (session: ResumableSession, ticket?: Uint8Array): DtlsClientOptions['resumption'] => ({
  offered: { sessionId: new Uint8Array(ticket === undefined ? 32 : 0).fill(0x33), ticket, session },
});

export const SCENARIOS: readonly Scenario[] = [
  { name: 'PSK', credential: 'psk', suite: 0xc0a8 },
  { name: 'PSK with a hint', credential: 'psk', suite: 0x00a8, server: { identityHint: Uint8Array.of(104, 105) } },
  { name: 'PSK with CBC', credential: 'psk', suite: 0x00ae, options: { extendedMasterSecret: 'prefer' } },
  { name: 'ECDHE_PSK', credential: 'psk', suite: 0xd001, options: { groups: ['secp256r1', 'x25519'] } },
  {
    name: 'certificates of both',
    credential: 'certificate',
    suite: 0xc0ae,
    options: { alpn: ['coap'], recordSizeLimit: 1_024 },
    client: { hasCertificate: true, serverName: 'server.example' },
    server: { authorities: [Uint8Array.of(0x30, 0)] },
  },
  {
    name: "the server's certificate alone",
    credential: 'certificate',
    suite: 0xcca9,
    client: { maxFragmentLength: 512 },
    server: { clientCertificate: 'none' },
  },
  { name: 'raw public keys', credential: 'rawPublicKey', suite: 0xc02b, client: { hasCertificate: true } },
  {
    name: 'PSK with a ticket for the next time',
    credential: 'psk',
    suite: 0xc0a8,
    client: { resumption: { offered: undefined } },
    server: { resumption: resumption(true) },
  },
  {
    name: 'PSK, whose session is not resumed and kept by id',
    credential: 'psk',
    suite: 0xc0a8,
    client: { resumption: offered(BY_KEY, Uint8Array.of(1, 2, 3)) },
    server: { resumption: resumption(false) },
  },
  {
    name: 'PSK, resumed by ticket',
    credential: 'psk',
    suite: 0xc0a8,
    session: BY_KEY,
    client: { resumption: offered(BY_KEY, Uint8Array.of(1, 2, 3)) },
    server: { resumption: resumption(true) },
  },
  {
    name: 'certificates, resumed by id',
    credential: 'certificate',
    suite: 0xc0ae,
    session: BY_CERTIFICATE,
    client: { hasCertificate: true, resumption: offered(BY_CERTIFICATE) },
    server: { resumption: resumption(false) },
  },
];

export interface Message {
  readonly type: number;
  readonly body: Uint8Array;
}

/** What an honest peer says, Finished apart (which is `FINISHED` always). */
export interface Recording {
  readonly scenario: Scenario;
  readonly clientHello: Uint8Array;
  readonly toClient: readonly Message[];
  readonly toServer: readonly Message[];
}

/** With the toy provider, of every handshake and either side. */
export const FINISHED: Message = { type: 20, body: new Uint8Array(12).fill(0x42) };

export const JOB_OF: Readonly<Record<'client' | 'server', Readonly<Record<Credential, DtlsJob['type']>>>> = {
  client: { psk: 'choosePsk', certificate: 'verifyChain', rawPublicKey: 'verifyChain' },
  server: { psk: 'lookupPsk', certificate: 'verifyChain', rawPublicKey: 'verifyChain' },
};

/** What whoever drives an honest connection answers. */
export function honestAnswer(job: DtlsJob, scenario: Scenario): DtlsJobAnswer {
  switch (job.type) {
    case 'choosePsk':
    case 'lookupPsk':
      return { identity: Uint8Array.of(100), key: KEY.slice() };
    case 'verifyChain':
      return { publicKey: PUBLIC_KEY };
    case 'chooseCertificate':
      return { chain: scenario.credential === 'rawPublicKey' ? [RAW_KEY] : CHAIN, algorithm: 'ec-p256' };
    case 'resumeSession':
      return scenario.session;
    default:
      return { signature: Uint8Array.of(1, 2, 3, 4) };
  }
}

function common({ credential, suite, options }: Scenario): DtlsOptions {
  return { mtu: 1_232, provider: toyProvider, random: toyRandom, credential, ciphersuites: [suite], ...options };
}

export function newClient(scenario: Scenario): DtlsConnection {
  return new DtlsClient({ ...common(scenario), ...scenario.client });
}

/** @throws DecodeError for a hello that is none: it does not come beyond the cookie gate */
export function newServer(scenario: Scenario, clientHello: Uint8Array): DtlsConnection {
  const message = handshakeMessage(1, 1, clientHello);
  const verified: VerifiedHello = { hello: decodeClientHello(message.body), message, recordSequence: 1 };
  return new DtlsServer({ ...common(scenario), verified, ...scenario.server });
}

let made: readonly Recording[] | undefined;

export function recordings(): readonly Recording[] {
  made ??= SCENARIOS.map(record);
  return made;
}

function record(scenario: Scenario): Recording {
  const client = newClient(scenario);
  client.start(NOW);
  const [hello] = messagesOf(datagramsOf(client, scenario));
  const clientHello = hello!.body;
  const server = newServer(scenario, clientHello);
  server.start(NOW);
  const flight = datagramsOf(server, scenario);
  // The client has sent one hello and got no HelloVerifyRequest: its numbers are one behind.
  const toClient = messagesOf(flight);
  for (const [at, message] of toClient.entries()) client.handleDatagram(clearMessage(message, at, at), NOW);
  const toServer = messagesOf(datagramsOf(client, scenario));
  return { scenario, clientHello, toClient: [...toClient, ...lastOf(server, scenario, toServer)], toServer };
}

/** What comes in the clear of the server's last flight: a ticket, if any. */
function lastOf(server: DtlsConnection, scenario: Scenario, toServer: readonly Message[]): readonly Message[] {
  let seq = 2;
  for (const message of toServer) server.handleDatagram(clearMessage(message, seq, seq++), NOW);
  server.handleDatagram(rawRecord(20, 0, seq, Uint8Array.of(1)), NOW);
  server.handleDatagram(rawRecord(22, 1, seq, rawMessage(FINISHED, seq), scenario.suite), NOW);
  return messagesOf(datagramsOf(server, scenario));
}

/** Polls until there is nothing, answering every job. */
function datagramsOf(connection: DtlsConnection, scenario: Scenario): readonly Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let output = connection.poll(); output !== undefined; output = connection.poll()) {
    if (output.kind === 'transmit') datagrams.push(output.datagram);
    else if (output.kind === 'job') connection.answer(output.job.id, honestAnswer(output.job, scenario), NOW);
    else if (output.kind === 'closed') throw new Error(`${scenario.name}: ${output.cause?.message}`);
  }
  return datagrams;
}

/** The whole messages in the clear. */
function messagesOf(datagrams: readonly Uint8Array[]): readonly Message[] {
  const parts = new Map<number, { type: number; body: Uint8Array }>();
  for (const datagram of datagrams) {
    for (let at = 0; at < datagram.length; at += 13 + uint(datagram, at + 11, 2)) {
      if (datagram[at] !== 22 || datagram[at + 4] !== 0) continue;
      const end = at + 13 + uint(datagram, at + 11, 2);
      for (let from = at + 13; from < end; from += 12 + uint(datagram, from + 9, 3)) {
        const seq = uint(datagram, from + 4, 2);
        const part = parts.get(seq) ?? { type: datagram[from]!, body: new Uint8Array(uint(datagram, from + 1, 3)) };
        const fragment = datagram.subarray(from + 12, from + 12 + uint(datagram, from + 9, 3));
        part.body.set(fragment, uint(datagram, from + 6, 3));
        parts.set(seq, part);
      }
    }
  }
  return [...parts.entries()].toSorted(([a], [b]) => a - b).map(([, message]) => message);
}

function uint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

/** A record of epoch 0, or of epoch 1 as the toy provider seals it for this suite. */
export function rawRecord(type: number, epoch: number, sequence: number, payload: Uint8Array, suite = 0): Uint8Array {
  const fragment = epoch === 0 ? payload : sealed(payload, suite);
  const bytes = new Uint8Array(13 + fragment.length);
  bytes.set([type, 0xfe, 0xfd, epoch >> 8, epoch, 0, 0, 0, sequence >> 16, sequence >> 8, sequence]);
  bytes.set([fragment.length >> 8, fragment.length], 11);
  bytes.set(fragment, 13);
  return bytes;
}

/** Explicit nonce, plaintext, tag; or, for CBC, initialization vector, padded plaintext, MAC. */
function sealed(payload: Uint8Array, suite: number): Uint8Array {
  const kind = CIPHERSUITES.find(({ id }) => id === suite);
  if (kind?.protection !== 'cbc') {
    const before = kind?.fixedNonceBytes === 12 ? 0 : 8;
    const bytes = new Uint8Array(before + payload.length + (kind?.tagBytes ?? 0));
    bytes.set(payload, before);
    return bytes;
  }
  const padding = 16 - (payload.length % 16);
  const bytes = new Uint8Array(16 + payload.length + padding + 32);
  bytes.set(payload, 16);
  bytes.fill(padding - 1, 16 + payload.length);
  bytes.fill(0x42, bytes.length - 32);
  return bytes;
}

export function rawMessage({ type, body }: Message, messageSeq: number): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const length = [body.length >> 16, body.length >> 8, body.length];
  bytes.set([type, ...length, messageSeq >> 8, messageSeq, 0, 0, 0, ...length]);
  bytes.set(body, 12);
  return bytes;
}

export function clearMessage(message: Message, messageSeq: number, sequence: number): Uint8Array {
  return rawRecord(22, 0, sequence, rawMessage(message, messageSeq));
}
