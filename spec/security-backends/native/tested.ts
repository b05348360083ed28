// One connection of ours against a script: the hostile cases' workbench.

import assert from 'node:assert/strict';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { TlsAlertError } from '../../../lib/net/index.ts';
import { type Instant, NEVER, SeededRandom, later } from '../../../lib/runtime/index.ts';
import { DtlsClient, type DtlsClientOptions } from '../../../security-backends/native/client.ts';
import type {
  DropReason,
  DtlsJob,
  DtlsJobAnswer,
  DtlsOptions,
  PskAnswer,
} from '../../../security-backends/native/connection.ts';
import { CookieGate } from '../../../security-backends/native/cookie-gate.ts';
import { DtlsServer, type DtlsServerOptions } from '../../../security-backends/native/server.ts';
import { CLIENT, IDENTITY, KEY, Party } from './pair.ts';
import { MESSAGE, type ReadMessage, ScriptedPeer, TYPE, join, rawMessage } from './scripted-peer.ts';

export interface Workbench {
  readonly options?: Partial<DtlsOptions>;
  readonly server?: Partial<DtlsServerOptions>;
  readonly key?: Uint8Array;
  /** What both sides may have, or not. Default true. */
  readonly extendedMasterSecret?: boolean;
  readonly suites?: readonly number[];
  /** Another script than the plain PSK one. */
  readonly script?: ScriptedPeer;
  readonly answer?: (job: DtlsJob) => DtlsJobAnswer;
  readonly client?: Partial<DtlsClientOptions>;
  /** Extensions of the script's ClientHello, encoded. */
  readonly extensions?: Uint8Array;
}

/** Ours (`party`) and theirs (`script`). */
export class Tested {
  now = 1_000 as Instant;
  readonly party: Party;
  readonly script: ScriptedPeer;
  readonly extendedMasterSecret: boolean;

  constructor(party: Party, script: ScriptedPeer, extendedMasterSecret: boolean) {
    this.party = party;
    this.script = script;
    this.extendedMasterSecret = extendedMasterSecret;
  }

  feed(...datagrams: readonly Uint8Array[]): this {
    for (const datagram of datagrams) {
      this.party.connection.handleDatagram(datagram, this.now);
      this.party.pump(this.now);
    }
    return this;
  }

  /** What ours has sent since the last time, one datagram after the other. */
  sent(): Uint8Array {
    return join(...this.party.take());
  }

  /** Moves time to the next deadline and lets it pass. */
  timeOut(): this {
    const next = this.party.connection.nextTimeout();
    assert.notEqual(next, NEVER, 'ours waits for nothing');
    this.now = next;
    this.party.connection.handleTimeout(this.now);
    this.party.pump(this.now);
    return this;
  }

  /** Lets time-outs pass until ours gives up. */
  starve(): this {
    for (let i = 0; i < 50 && this.party.closed === undefined; i++) this.timeOut();
    assert.ok(this.party.closed, 'ours never gives up');
    return this;
  }

  wait(ms: number): this {
    this.now = later(this.now, ms);
    return this;
  }

  dropped(reason: DropReason): number {
    return this.party.connection.counters.dropped[reason];
  }

  /**
   * The script's next message is refused: a copy alone is awaited to be better, the same again after we asked again is
   * answered by this alert.
   */
  assertRefuses(type: number, body: Uint8Array, alert: number): void {
    const { script } = this;
    const raw = rawMessage(type, script.messageSeq++, body);
    const before = this.party.connection.state;
    this.feed(script.record(TYPE.handshake, 0, raw));
    assert.equal(this.over, false, 'one copy in the clear ended the handshake');
    assert.equal(this.party.connection.state, before, 'the message was taken');
    this.timeOut();
    this.feed(script.record(TYPE.handshake, 0, raw));
    this.assertSentAlert(alert);
  }

  assertSentAlert(alert: number): void {
    assert.equal(this.party.negotiated, undefined, 'the handshake was completed');
    const cause = this.party.closed?.cause;
    assert.ok(cause instanceof TlsAlertError && cause.direction === 'sent', `${cause?.message ?? 'not over'}`);
    assert.equal(cause.description, alert, cause.message);
  }

  get connected(): boolean {
    return this.party.negotiated !== undefined && this.party.closed === undefined;
  }

  get over(): boolean {
    return this.party.closed !== undefined;
  }

  /** Ours answers data of the script's, and the script can read what ours sends. */
  assertTalks(): void {
    assert.ok(this.connected, `not connected: ${this.party.connection.state}`);
    const heard = this.party.data.length;
    this.feed(this.script.data(Uint8Array.of(1, 2, 3)));
    assert.equal(this.party.data.length, heard + 1, 'our side did not get the data');
    assert.deepEqual([...this.party.data.at(-1)!], [1, 2, 3]);
    this.party.take();
    this.party.connection.send(Uint8Array.of(4, 5));
    this.party.pump(this.now);
    const [record] = this.script.records(this.sent());
    assert.deepEqual([...(record?.payload ?? [])], [4, 5]);
  }

  /** Client under test: reads its last flight, checks its Finished, and gives the script keys. */
  takeClientFinish(): ReadMessage {
    const { script } = this;
    const flight = this.sent();
    script.take(script.messages(flight).filter((message) => message.type === MESSAGE.clientKeyExchange));
    script.deriveKeys({ extendedMasterSecret: this.extendedMasterSecret });
    const finished = script.messages(flight).find((message) => message.type === MESSAGE.finished);
    assert.ok(finished, 'no Finished that authenticates');
    assert.equal(finished.epoch, 1);
    assert.deepEqual(finished.body, script.verifyData('client'), 'verify_data of the client');
    script.take([finished]);
    return finished;
  }

  /** Server under test: reads ServerHello to ServerHelloDone. */
  takeServerHello(): readonly ReadMessage[] {
    const messages = this.script.messages(this.sent());
    this.script.take(messages);
    return messages;
  }

  /** Server under test: the script's ClientKeyExchange, and keys. */
  keyExchange(identity = IDENTITY): Uint8Array {
    const record = this.script.clientKeyExchange(identity);
    this.script.deriveKeys({ extendedMasterSecret: this.extendedMasterSecret });
    return record;
  }

  /** Server under test: checks its Finished. */
  takeServerFinish(): ReadMessage {
    const finished = this.script.messages(this.sent()).find((message) => message.type === MESSAGE.finished);
    assert.ok(finished, 'no Finished that authenticates');
    assert.deepEqual(finished.body, this.script.verifyData('server'), 'verify_data of the server');
    return finished;
  }
}

/** A client of ours that has sent its first ClientHello, which the script has taken unless `helloVerify`. */
export function testClient(bench: Workbench & { readonly helloVerify?: boolean } = {}): Tested {
  const key = bench.key ?? KEY;
  const random = new SeededRandom(11);
  const options = { mtu: 1_232, provider: nodeProvider, random, ...bench.options, ...bench.client };
  const party = new Party(new DtlsClient(options), bench.answer ?? ((): PskAnswer => ({ identity: IDENTITY, key })));
  const tested = new Tested(party, bench.script ?? new ScriptedPeer('server', key), bench.extendedMasterSecret ?? true);
  party.connection.start(tested.now);
  party.pump(tested.now);
  if (bench.helloVerify !== true) tested.script.take(tested.script.messages(tested.sent()));
  return tested;
}

/** Client under test, up to its Finished: the script has keys and has sent nothing after ServerHelloDone. */
export function clientAtFinish(bench: Workbench = {}): Tested {
  const tested = testClient(bench);
  if (bench.suites !== undefined) tested.script.suite = bench.suites[0]!;
  const hello = tested.script.serverHello({ extendedMasterSecret: tested.extendedMasterSecret });
  tested.feed(join(hello, tested.script.serverHelloDone()));
  tested.takeClientFinish();
  return tested;
}

/** Client under test, connected. */
export function connectedClient(bench: Workbench = {}): Tested {
  const tested = clientAtFinish(bench);
  tested.feed(join(tested.script.changeCipherSpec(), tested.script.finished()));
  assert.ok(tested.connected, `the client is not connected: ${tested.party.connection.state}`);
  return tested;
}

/** A server of ours that has answered the script's second ClientHello; nothing of it has been taken. */
export function testServer(bench: Workbench = {}): Tested {
  const key = bench.key ?? KEY;
  const random = new SeededRandom(12);
  const script = bench.script ?? new ScriptedPeer('client', key);
  const extendedMasterSecret = bench.extendedMasterSecret ?? true;
  const hello = {
    extendedMasterSecret,
    ...(bench.suites === undefined ? {} : { suites: bench.suites }),
    ...(bench.extensions === undefined ? {} : { extensions: bench.extensions }),
  };
  const gate = new CookieGate({ provider: nodeProvider, random });
  const now = 1_000 as Instant;
  const reply = gate.inspect(script.clientHello({ ...hello, hash: false }), CLIENT, now);
  assert.ok(reply.kind === 'reply');
  const [request] = script.messages(reply.datagram);
  assert.equal(request?.type, MESSAGE.helloVerifyRequest);
  const verified = gate.inspect(script.clientHello({ ...hello, cookie: request.body.slice(3) }), CLIENT, now);
  assert.ok(verified.kind === 'verified');
  const options: DtlsServerOptions = {
    mtu: 1_232,
    provider: nodeProvider,
    random,
    verified,
    ...bench.options,
    ...bench.server,
  };
  const lookup = (job: DtlsJob): DtlsJobAnswer =>
    job.type === 'lookupPsk' && new TextDecoder().decode(job.identity) === 'device-1' ? { key } : undefined;
  const party = new Party(new DtlsServer(options), bench.answer ?? lookup);
  const tested = new Tested(party, script, extendedMasterSecret);
  party.connection.start(now);
  party.pump(now);
  return tested;
}

/** Server under test: the script has keys and its ClientKeyExchange is made (and given), Finished not. */
export function serverAtFinish(bench: Workbench = {}): Tested {
  const tested = testServer(bench);
  tested.takeServerHello();
  tested.feed(tested.keyExchange());
  return tested;
}

/** Server under test, connected. */
export function connectedServer(bench: Workbench = {}): Tested {
  const tested = serverAtFinish(bench);
  tested.feed(join(tested.script.changeCipherSpec(), tested.script.finished()));
  tested.takeServerFinish();
  assert.ok(tested.connected, `the server is not connected: ${tested.party.connection.state}`);
  return tested;
}
