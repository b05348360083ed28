// What client and server connections share: records in and out, application data, alerts, the end.

import { Reader } from '../../lib/bytes/index.ts';
import type { HandshakeTimeouts, Negotiated } from '../../lib/net/index.ts';
import { SocketError, TlsAlertError } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import type { Alert } from './alerts.ts';
import { ALERT, decodeAlert, encodeAlert } from './alerts.ts';
import type { DtlsConnection, DtlsCounters, DtlsJob, DtlsJobAnswer, DtlsOutput } from './connection.ts';
import { Counters } from './counters.ts';
import type { Beginning, HandshakeEvents } from './handshaker.ts';
import { Handshaker } from './handshaker.ts';
import { alertMeaning } from './handshake-story.ts';
import type { ResolvedOptions } from './options.ts';
import { checkTimeouts } from './options.ts';
import type { DtlsRecord } from './record.ts';
import { CONTENT_TYPE, DTLS_1_2, MAX_PLAINTEXT_BYTES, decodeRecord } from './record.ts';
import type { Agreed } from './agreed.ts';
import { LiveRecords } from './live-records.ts';
import { type Epoch, RecordLayer } from './record-layer.ts';
import type { OfferedSession } from './resumable-session.ts';

type Phase = 'idle' | 'handshaking' | 'connected' | 'closed';

/** A connection of either role. Its handshake is a Handshaker's; the rest is here. */
export class DtlsMachine implements DtlsConnection {
  readonly #options: ResolvedOptions;
  readonly #counters = new Counters();
  readonly #records: RecordLayer;
  readonly #handshaker: Handshaker;
  readonly #outputs: DtlsOutput[] = [];
  #beginning: Beginning | undefined;
  #phase: Phase = 'idle';
  #live: LiveRecords | undefined;

  constructor(options: ResolvedOptions, beginning: Beginning) {
    this.#options = options;
    this.#beginning = beginning;
    this.#records = new RecordLayer(options.limits, this.#counters, beginning.recordSequence);
    const events = new DtlsMachine.#HandshakeEvents(this);
    this.#handshaker = new Handshaker(options, beginning, this.#records, this.#counters, events);
  }

  get state(): string {
    return this.#phase === 'handshaking' ? this.#handshaker.stateName : this.#phase;
  }

  get negotiated(): Negotiated | undefined {
    return this.#handshaker.negotiated;
  }

  get counters(): DtlsCounters {
    return this.#counters;
  }

  get innerMtu(): number {
    if (this.#phase !== 'connected') return 0;
    return Math.max(0, this.#records.largestPlaintext(this.#options.mtu));
  }

  get newestRecord(): number {
    return this.#records.newest;
  }

  setHandshakeTimeouts(timeouts: HandshakeTimeouts): void {
    checkTimeouts(timeouts);
    this.#handshaker.timeouts = timeouts;
  }

  start(now: Instant): void {
    const beginning = this.#beginning;
    if (this.#phase !== 'idle' || beginning === undefined) {
      throw new SocketError('EBADF', `start: the connection is ${this.state}`);
    }
    this.#handshaker.now = now;
    this.#phase = 'handshaking';
    this.#beginning = undefined;
    this.#handshaker.begin(beginning);
  }

  handleDatagram(datagram: Uint8Array, now: Instant): void {
    this.#handshaker.now = now;
    const reader = new Reader(datagram);
    while (reader.remaining > 0 && (this.#phase === 'connected' || this.#phase === 'handshaking')) {
      let record: DtlsRecord;
      try {
        record = decodeRecord(reader, this.#records.ownIdBytes);
      } catch {
        this.#counters.drop('malformedRecord');
        break;
      }
      this.#handleRecord(record);
    }
    this.#writeLive(false);
  }

  /** Before what records said is given out: `poll` comes after this. */
  #writeLive(always: boolean): void {
    const live = this.#live;
    if (live === undefined || this.#phase !== 'connected') return;
    try {
      live.write(always);
    } catch (cause) {
      // What the records said would be heard twice.
      for (const output of this.#outputs.splice(0)) {
        if (output.kind === 'resumable') output.session.session.master.fill(0);
      }
      this.#live = undefined;
      live.destroy();
      this.#end(new SocketError('EIO', 'the session could not be kept', { cause }));
    }
  }

  suspend(): void {
    if (this.#live === undefined) throw new SocketError('EINVAL', 'suspend: this session is not kept (option live)');
    if (this.#phase !== 'connected') throw new SocketError('ENOTCONN', `suspend: the connection is ${this.state}`);
    this.#end(undefined);
  }

  handleTimeout(now: Instant): void {
    this.#handshaker.now = now;
    this.#handshaker.handleTimeout();
  }

  nextTimeout(): Instant {
    return this.#handshaker.deadline;
  }

  answer(id: number, value: DtlsJobAnswer, now: Instant): void {
    this.#handshaker.now = now;
    this.#handshaker.answer(id, value);
    this.#takeUpEarlyRecords();
    this.#writeLive(false);
  }

  send(bytes: Uint8Array): void {
    if (this.#phase === 'closed') throw new SocketError('EBADF', 'send: the connection is closed');
    if (this.#phase !== 'connected') {
      throw new SocketError('ENOTCONN', `send: the connection is ${this.state}`, { fatal: false });
    }
    // Negative where not even an empty message fits.
    if (bytes.length > this.#records.largestPlaintext(this.#options.mtu)) {
      const message = `send: expected at most ${this.innerMtu} bytes, found ${bytes.length}`;
      throw new SocketError('EMSGSIZE', message, { fatal: false });
    }
    try {
      this.#transmit(this.#records.datagram(CONTENT_TYPE.applicationData, bytes));
    } catch (error) {
      if (error instanceof SocketError) this.#end(error);
      throw error;
    }
  }

  close(now: Instant): void {
    if (this.#phase === 'closed') return;
    this.#handshaker.now = now;
    if (this.#phase !== 'idle') this.#sendAlert({ level: 'warning', description: ALERT.closeNotify });
    this.#end(undefined);
  }

  abort(description: number, now: Instant, message?: string): void {
    if (this.#phase === 'closed') return;
    this.#handshaker.now = now;
    this.#fail(description, this.#handshaker.tell(message ?? 'ended on our side'), undefined);
  }

  poll(): DtlsOutput | undefined {
    const output = this.#outputs.shift();
    if (this.#outputs.length === 0) this.#outputs.length = 0; // lets go of the room that the array keeps
    return output;
  }

  #handleRecord(record: DtlsRecord): void {
    const { type, version, epoch } = record;
    // Before a version is agreed, hellos may come in records of DTLS 1.0 (RFC 6347 §4.2.1).
    if (epoch === 0 ? version >> 8 !== DTLS_1_2 >> 8 : version !== DTLS_1_2) return this.#counters.drop('badVersion');
    if (!isKnown(type) && type !== CONTENT_TYPE.tls12Cid) return this.#counters.drop('badType');
    if (epoch === 0 && this.#phase === 'connected') return this.#counters.drop('wrongEpoch');
    const opened = this.#records.open(record);
    if (opened === undefined) return this.#checkForgeries();
    const { plaintext } = opened;
    if (!isKnown(opened.type)) return this.#counters.drop('badType');
    if (plaintext.length > MAX_PLAINTEXT_BYTES) return this.#counters.drop('oversizeRecord');
    this.#counters.recordsReceived++;
    this.#handlePlaintext(opened.type, plaintext, epoch === 0 ? 0 : 1);
  }

  #checkForgeries(): void {
    if (!this.#records.forgeryLimitReached) return;
    this.#fail(ALERT.internalError, this.#handshaker.tell('too many records failed authentication'), undefined);
  }

  #handlePlaintext(type: number, plaintext: Uint8Array, epoch: Epoch): void {
    switch (type) {
      case CONTENT_TYPE.applicationData:
        return this.#handleApplicationData(plaintext, epoch);
      case CONTENT_TYPE.handshake:
        return this.#handshaker.handleRecord(plaintext, epoch);
      case CONTENT_TYPE.alert:
        return this.#handleAlert(plaintext, epoch);
      default:
        return this.#handleChangeCipherSpec(plaintext, epoch);
    }
  }

  #handleApplicationData(bytes: Uint8Array, epoch: Epoch): void {
    if (epoch === 0 || this.#phase !== 'connected') return this.#counters.drop('unexpectedApplicationData');
    this.#handshaker.releaseFlight(); // nobody sends data before our Finished has come
    this.#outputs.push({ kind: 'data', bytes });
  }

  #handleChangeCipherSpec(bytes: Uint8Array, epoch: Epoch): void {
    const wellFormed = epoch === 0 && bytes.length === 1 && bytes[0] === 1;
    if (!wellFormed || !this.#handshaker.changeCipherSpec()) {
      return this.#counters.drop('unexpectedChangeCipherSpec');
    }
    this.#takeUpEarlyRecords();
  }

  #takeUpEarlyRecords(): void {
    if (this.#records.readEpoch === 0) return;
    for (const record of this.#records.releaseEarly()) {
      if (this.#phase !== 'closed') this.#handleRecord(record);
    }
  }

  #handleAlert(bytes: Uint8Array, epoch: Epoch): void {
    let alert: Alert;
    try {
      alert = decodeAlert(bytes);
    } catch {
      return this.#counters.drop('malformedMessage');
    }
    const ends = alert.level === 'fatal' || alert.description === ALERT.closeNotify;
    if (epoch === 0) {
      this.#counters.drop('unauthenticatedAlert');
      if (ends) this.#handshaker.suspectAlert(alert);
      return;
    }
    this.#outputs.push({ kind: 'alert', ...alert, direction: 'received' });
    if (alert.description === ALERT.closeNotify) this.#endByPeer();
    else if (ends) {
      this.#handshaker.forgetSession();
      const message = this.#handshaker.tell(alertMeaning(alert.description) ?? 'the peer ended it');
      this.#end(new TlsAlertError({ ...alert, direction: 'received' }, message));
    }
  }

  #endByPeer(): void {
    const inOrder = this.#phase === 'connected';
    const cause = inOrder ? undefined : new SocketError('ECONNABORTED', this.#handshaker.tell('the peer closed'));
    this.#sendAlert({ level: 'warning', description: ALERT.closeNotify });
    this.#end(cause);
  }

  /** Ends with a fatal alert of ours. */
  #fail(description: number, message: string, cause: unknown): void {
    const alert: Alert = { level: 'fatal', description };
    this.#handshaker.forgetSession();
    if (this.#phase !== 'idle') this.#sendAlert(alert);
    this.#end(new TlsAlertError({ ...alert, direction: 'sent' }, message, { cause }));
  }

  #sendAlert(alert: Alert): void {
    try {
      this.#transmit(this.#records.datagram(CONTENT_TYPE.alert, encodeAlert(alert)));
    } catch (error) {
      if (error instanceof SocketError) return; // no sequence numbers left: the peer finds out by silence
      throw error;
    }
    this.#outputs.push({ kind: 'alert', ...alert, direction: 'sent' });
  }

  #end(cause: SocketError | undefined): void {
    this.#writeLive(false); // data that came before the end is still to be given out
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#beginning = undefined;
    this.#handshaker.destroy();
    this.#records.destroy();
    this.#live?.destroy();
    this.#live = undefined;
    this.#outputs.push({ kind: 'closed', cause });
  }

  #transmit(datagram: Uint8Array): void {
    this.#outputs.push({ kind: 'transmit', datagram });
  }

  /** An object with a class, for six closures are 2 KB of each of thousands of sessions. */
  static readonly #HandshakeEvents = class implements HandshakeEvents {
    readonly machine: DtlsMachine;

    constructor(machine: DtlsMachine) {
      this.machine = machine;
    }

    transmit(datagram: Uint8Array): void {
      this.machine.#transmit(datagram);
    }

    ask(job: DtlsJob): void {
      this.machine.#outputs.push({ kind: 'job', job });
    }

    keyed({ agreed, master }: { readonly agreed: Agreed; readonly master: Uint8Array }): void {
      this.machine.#live?.destroy();
      this.machine.#live = new LiveRecords(
        this.machine.#options,
        this.machine.#handshaker.role,
        agreed,
        master,
        this.machine.#records,
      );
    }

    resumable(session: OfferedSession): void {
      this.machine.#outputs.push({ kind: 'resumable', session });
    }

    established(negotiated: Negotiated): void {
      this.machine.#phase = 'connected';
      this.machine.#live?.established(negotiated);
      this.machine.#outputs.push({ kind: 'connected', negotiated });
      this.machine.#writeLive(true);
    }

    renegotiationRefused(): void {
      this.machine.#sendAlert({ level: 'warning', description: ALERT.noRenegotiation });
    }

    failed(description: number, message: string, cause: unknown): void {
      this.machine.#fail(description, message, cause);
    }

    ended(cause: SocketError, alert?: Alert): void {
      if (alert !== undefined) this.machine.#outputs.push({ kind: 'alert', ...alert, direction: 'received' });
      this.machine.#end(cause);
    }
  };
}

function isKnown(type: number): boolean {
  return type >= CONTENT_TYPE.changeCipherSpec && type <= CONTENT_TYPE.applicationData;
}
