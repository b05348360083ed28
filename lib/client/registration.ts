// The registration of one server account as a pure machine: events and `now` in, actions and a deadline out
// (LwM2M Core 1.2 §6.2). It knows nothing of CoAP or sockets: the association does what the actions say.

import { type Duration, type Instant, NEVER, later, seconds } from '../runtime/index.ts';
import { type CommunicationRetry, RetrySchedule } from './retry.ts';
import { REGISTRATION_TRANSITIONS, type RegistrationSignal, type RegistrationState } from './registration-diagram.ts';
import {
  type LwM2mVersion,
  type RegistrationParameters,
  type RegistrationWishes,
  hasChanges,
  wishesAs,
} from './registration-parameters.ts';

/** What the server knows of us. */
export interface Registration {
  /** Location-Path segments. */
  readonly location: readonly string[];
  readonly version: LwM2mVersion;
  readonly parameters: RegistrationParameters;
  /** When the server forgets us unless it hears an Update. */
  readonly validUntil: Instant;
}

/** Why an attempt failed. */
export type FailureReason =
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'unreachable' | 'unanswered' | 'connectionLost'; readonly error: unknown };

export type RegistrationEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'accepted'; readonly location?: readonly string[] | undefined }
  | { readonly kind: 'failed'; readonly reason: FailureReason }
  | { readonly kind: 'changed'; readonly parameters: RegistrationWishes }
  | { readonly kind: 'updateNow' }
  | { readonly kind: 'timeout' }
  /** The server wants to be left alone for so long (/1/x/4). */
  | { readonly kind: 'disable'; readonly duration: Duration }
  | { readonly kind: 'left' }
  | { readonly kind: 'stop'; readonly deregister: boolean };

export type RegistrationAction =
  | { readonly kind: 'connect' | 'disconnect' }
  | { readonly kind: 'register'; readonly version: LwM2mVersion; readonly parameters: RegistrationParameters }
  | {
      readonly kind: 'update';
      readonly location: readonly string[];
      readonly changes: Partial<RegistrationParameters>;
    }
  | { readonly kind: 'deregister'; readonly location: readonly string[] }
  | { readonly kind: 'save'; readonly registration: Registration | undefined }
  | { readonly kind: 'registered' | 'updated'; readonly registration: Registration }
  | { readonly kind: 'deregistered' }
  | {
      readonly kind: 'registrationFailed';
      readonly reason: FailureReason;
      /** Until the next attempt; undefined if there is none. */
      readonly retryAfter: Duration | undefined;
    };

export interface RegistrationOptions {
  readonly parameters: RegistrationWishes;
  /** Preferred first; the next is tried when a server answers 4.12 (§6.2.1: it refuses versions it does not support). */
  readonly versions: readonly LwM2mVersion[];
  readonly retry: CommunicationRetry;
  /** Update is sent so long before the lifetime ends, but not before its half. */
  readonly updateMargin: Duration;
  /** How long a stop waits for the answer to a Register, so as to De-register what comes of it. */
  readonly deregisterTimeout: Duration;
  /** From before a restart: kept up by one Update while it is valid. */
  readonly saved?: Registration | undefined;
}

/** RFC 7252 §4.8.2 MAX_TRANSMIT_WAIT: an Update sent so early is answered, or known to be lost, before the lifetime ends. */
export const DEFAULT_UPDATE_MARGIN: Duration = seconds(93);

const PRECONDITION_FAILED = 0x8c; // 4.12
const CLIENT_ERROR = 4; // class of 4.xx

/** One server account's registration. */
export class RegistrationMachine {
  readonly #options: RegistrationOptions;
  readonly #retry: RetrySchedule;
  #state: RegistrationState = 'idle';
  #wishes: RegistrationWishes;
  #sent: RegistrationParameters;
  #registration: Registration | undefined;
  #versionAt = 0;
  #open = false;
  #acceptedAt: Instant | undefined;
  #deadline: Instant = NEVER;
  #disableFor: Duration | undefined;
  #stopping = false;
  #actions: RegistrationAction[] = [];

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#wishes = options.parameters;
    this.#sent = wishesAs(this.#version, options.parameters);
    this.#retry = new RetrySchedule(options.retry);
    this.#registration = options.saved;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  get registration(): Registration | undefined {
    return this.#registration;
  }

  /** When to call `handle({ kind: 'timeout' })`. */
  nextTimeout(): Instant {
    return this.#deadline;
  }

  /** @returns what to do now, in this order */
  handle(event: RegistrationEvent, now: Instant): readonly RegistrationAction[] {
    this.#actions = [];
    this.#on(event, now);
    return this.#actions;
  }

  #on(event: RegistrationEvent, now: Instant): void {
    switch (event.kind) {
      case 'start':
        if (this.#state !== 'idle' && this.#state !== 'failed') return;
        this.#stopping = false;
        return this.#begin(now);
      case 'connected':
        if (this.#state === 'connecting') this.#enter(now);
        return;
      case 'accepted':
        return this.#accepted(event.location, now);
      case 'failed':
        return this.#failed(event.reason, now);
      case 'changed':
        this.#wishes = event.parameters;
        if (this.#state === 'registered' && hasChanges(this.#changes())) this.#update(now);
        return;
      case 'updateNow':
        if (this.#state === 'registered') this.#update(now);
        else if (this.#state === 'waiting' || this.#state === 'failed') this.#begin(now);
        return;
      case 'timeout':
        return this.#timeout(now);
      case 'disable':
        if (!this.#stopping && this.#leave()) this.#disableFor = event.duration;
        return;
      case 'left':
        return this.#left(now);
      case 'stop':
        return this.#stop(event.deregister, now);
    }
  }

  /** A Register under way may be answered yet: the server would then keep a registration that nobody looks after. */
  #stop(deregister: boolean, now: Instant): void {
    this.#stopping = true;
    this.#disableFor = undefined;
    if (deregister && this.#state === 'registering') this.#deadline = later(now, this.#options.deregisterTimeout);
    else if (!deregister || !this.#leave()) this.#halt();
  }

  #move(signal: RegistrationSignal): boolean {
    const next = (REGISTRATION_TRANSITIONS[this.#state] as Partial<Record<RegistrationSignal, RegistrationState>>)[
      signal
    ];
    if (next === undefined) return false;
    this.#state = next;
    this.#deadline = NEVER;
    return true;
  }

  #begin(now: Instant): void {
    if (this.#open && this.#state === 'waiting') return this.#enter(now);
    if (!this.#move('begin')) return;
    this.#disconnect();
    this.#open = true;
    this.#actions.push({ kind: 'connect' });
  }

  /** Connected: keep up what the server knows, or introduce ourselves. */
  #enter(now: Instant): void {
    const known = this.#registration;
    if (known !== undefined && now < known.validUntil) {
      this.#sent = known.parameters;
      this.#move('known');
      this.#sendUpdate(known);
    } else {
      this.#move('fresh');
      this.#register();
    }
  }

  #register(): void {
    this.#sent = wishesAs(this.#version, this.#wishes);
    this.#actions.push({ kind: 'register', version: this.#version, parameters: this.#sent });
  }

  #update(now: Instant): void {
    const known = this.#registration;
    if (known === undefined || now >= known.validUntil) return this.#forgotten();
    if (this.#move('due')) this.#sendUpdate(known);
  }

  #sendUpdate(known: Registration): void {
    const changes = this.#changes();
    this.#sent = wishesAs(known.version, this.#wishes);
    this.#actions.push({ kind: 'update', location: known.location, changes });
  }

  /** The lifetime is over, or the server says it does not know us: only Register helps (§6.2). */
  #forgotten(): void {
    if (this.#state === 'registered') this.#move('due');
    if (!this.#move('again')) return;
    this.#forget();
    this.#register();
  }

  #accepted(location: readonly string[] | undefined, now: Instant): void {
    const isNew = this.#state === 'registering';
    if (!this.#move('accepted')) return;
    const at = location ?? this.#registration?.location ?? [];
    const validUntil = this.#sent.lifetime === 0 ? NEVER : later(now, seconds(this.#sent.lifetime));
    const version = isNew ? this.#version : (this.#registration?.version ?? this.#version);
    this.#registration = { location: at, version, parameters: this.#sent, validUntil };
    if (this.#stopping) return void this.#leave();
    this.#acceptedAt = now;
    this.#deadline = this.#updateDue(now);
    this.#actions.push({ kind: 'save', registration: this.#registration });
    this.#actions.push({ kind: isNew ? 'registered' : 'updated', registration: this.#registration });
    if (hasChanges(this.#changes())) this.#update(now);
  }

  #updateDue(now: Instant): Instant {
    const lifetime = seconds(this.#sent.lifetime);
    return lifetime === 0 ? NEVER : later(now, lifetime - Math.min(lifetime / 2, this.#options.updateMargin));
  }

  #failed(reason: FailureReason, now: Instant): void {
    if (this.#state === 'idle' || this.#state === 'waiting' || this.#state === 'failed') {
      if (reason.kind !== 'refused') this.#disconnect();
      return;
    }
    if (this.#state === 'deregistering') return this.#left(now);
    if (this.#stopping) return this.#halt();
    if (reason.kind === 'refused') return this.#refused(reason, now);
    const wasUpdating = this.#state === 'registered' || this.#state === 'updating';
    if (wasUpdating && this.#wasStable(now)) {
      this.#acceptedAt = undefined; // the next failure backs off
      this.#retry.reset();
      return this.#begin(now);
    }
    this.#disconnect();
    this.#retryLater(reason, now);
  }

  #refused(reason: FailureReason & { kind: 'refused' }, now: Instant): void {
    if (this.#state === 'updating') {
      if (reason.code >> 5 === CLIENT_ERROR) return this.#forgotten();
      this.#forget();
      return this.#retryLater(reason, now);
    }
    const hasLower = this.#versionAt + 1 < this.#options.versions.length;
    if (reason.code === PRECONDITION_FAILED && hasLower && this.#move('again')) {
      this.#versionAt++;
      return this.#register();
    }
    this.#versionAt = 0;
    this.#retryLater(reason, now);
  }

  #retryLater(reason: FailureReason, now: Instant): void {
    if (this.#wasStable(now)) this.#retry.reset();
    this.#acceptedAt = undefined;
    const retryAfter = this.#retry.failed();
    this.#move(retryAfter === undefined ? 'exhausted' : 'retry');
    if (retryAfter === undefined) this.#exhausted();
    else this.#deadline = later(now, retryAfter);
    this.#actions.push({ kind: 'registrationFailed', reason, retryAfter });
  }

  #exhausted(): void {
    this.#retry.reset();
    this.#disconnect();
  }

  /** A registration that lasted is tried again at once; one that breaks as soon as it is made backs off. */
  #wasStable(now: Instant): boolean {
    return this.#acceptedAt !== undefined && now - this.#acceptedAt >= this.#retry.firstDelay;
  }

  #timeout(now: Instant): void {
    if (now < this.#deadline) return;
    if (this.#stopping) return this.#halt();
    if (this.#state === 'registered') this.#update(now);
    else if (this.#state === 'waiting') this.#begin(now);
  }

  /** @returns false if there is nothing to leave */
  #leave(): boolean {
    const known = this.#registration;
    if (known === undefined || !this.#move('leave')) return this.#state === 'deregistering';
    this.#actions.push({ kind: 'deregister', location: known.location });
    return true;
  }

  #left(now: Instant): void {
    if (this.#state !== 'deregistering') return;
    this.#forget();
    this.#actions.push({ kind: 'deregistered' });
    const duration = this.#disableFor;
    if (duration === undefined) return this.#halt();
    this.#disableFor = undefined;
    this.#move('retry');
    this.#deadline = later(now, duration);
    this.#disconnect();
  }

  #halt(): void {
    this.#disableFor = undefined;
    if (this.#move('halt')) this.#disconnect();
  }

  #disconnect(): void {
    if (this.#open) this.#actions.push({ kind: 'disconnect' });
    this.#open = false;
  }

  #forget(): void {
    if (this.#registration !== undefined) this.#actions.push({ kind: 'save', registration: undefined });
    this.#registration = undefined;
  }

  get #version(): LwM2mVersion {
    const { versions } = this.#options;
    return versions[Math.min(this.#versionAt, versions.length - 1)] ?? '1.1';
  }

  #changes(): Partial<RegistrationParameters> {
    const [was, is] = [this.#sent, wishesAs(this.#registration?.version ?? this.#version, this.#wishes)];
    return {
      ...(is.lifetime === was.lifetime ? {} : { lifetime: is.lifetime }),
      ...(is.binding === was.binding && is.queueMode === was.queueMode
        ? {}
        : { binding: is.binding, queueMode: is.queueMode }),
      ...(is.smsNumber === was.smsNumber ? {} : { smsNumber: is.smsNumber }),
      ...(is.objects === was.objects ? {} : { objects: is.objects }),
    };
  }
}
