// Everything between the client and one server: the registration machine's hands, eyes and memory.

import type { Backends } from './connection.ts';
import { type CheckedAccount, isStream } from './accounts.ts';
import type { ClientEvents, ServerReference } from './events.ts';
import type { TcpCoapOptions, UdpCoapOptions } from '../coap/index.ts';
import type { Change, Entry } from '../model/index.ts';
import type { CommunicationRetry } from './retry.ts';
import type { AnySocket } from '../net/index.ts';
import { type Duration, type Environment, type Events, type Timer, later } from '../runtime/index.ts';
import type { LwM2mVersion, RegistrationWishes } from './registration-parameters.ts';
import { type RegistrationAction, type RegistrationEvent, RegistrationMachine } from './registration.ts';
import { LwM2mError } from './lwm2m-error.ts';
import { Narration } from './narration.ts';
import type { ObjectSet } from './object-set.ts';
import type { Patience } from './patience.ts';
import type { Ranked, RegistrationRank } from './registration-order.ts';
import { RegistrationExchanges } from './registration-exchanges.ts';
import type { Storage } from '../storage/index.ts';
import { AssociationMemory } from './association-memory.ts';
import { ServerLink } from './link.ts';
import { Service, type ServiceLimits } from './service.ts';
import { ServerSettings } from './server-settings.ts';
import type { SendFormat } from './send.ts';

export interface AssociationOptions extends ServiceLimits {
  readonly account: CheckedAccount;
  readonly endpoint: string;
  readonly objects: ObjectSet;
  readonly backends: Backends;
  readonly environment: Environment;
  readonly storage: Storage;
  readonly events: Events<ClientEvents>;
  readonly versions: readonly LwM2mVersion[];
  readonly retry: CommunicationRetry;
  readonly updateMargin: Duration;
  /** How long `stop` waits for the answer to De-register. */
  readonly deregisterTimeout: Duration;
  readonly patience: Patience;
  readonly coap: UdpCoapOptions & TcpCoapOptions;
  /** It is registered, or has given up. */
  readonly outcome: (of: Ranked, registered: boolean) => void;
  /** What it means that /1/x/23 is not there. */
  readonly absentMuteSend: 'mutes' | 'allows';
}

/** One server account at work. */
export class Association implements Ranked {
  readonly reference: ServerReference;
  readonly #options: AssociationOptions;
  readonly #environment: Environment;
  readonly #settings: ServerSettings;
  readonly #memory: AssociationMemory;
  readonly #service: Service;
  readonly #link: ServerLink;
  readonly #narration: Narration;
  readonly #pending: RegistrationEvent[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  #machine: RegistrationMachine | undefined;
  #running = false;
  #wanted = false;
  #abort = new AbortController();
  #exchanges: RegistrationExchanges | undefined;
  #goesOn = false; // the session is left for the next start, not ended
  #timer: Timer | undefined;
  #refresh: Timer | undefined;
  #isOutdated = false; // what the server knows of us
  #isHeld = false;

  constructor(options: AssociationOptions) {
    const { account, environment, objects, patience } = options;
    this.#options = options;
    this.reference = { shortServerId: account.shortServerId, uri: account.text };
    const log = environment.log.child({ server: account.shortServerId });
    this.#environment = { ...environment, log };
    this.#narration = new Narration(options.events, this.reference, log);
    this.#settings = new ServerSettings(account, objects, options.absentMuteSend);
    this.#memory = new AssociationMemory(options.storage, this.#environment, {
      endpoint: options.endpoint,
      server: this.reference,
      objects,
    });
    this.#service = new Service(
      {
        objects,
        environment: this.#environment,
        patience,
        settings: this.#settings,
        memory: this.#memory,
        narration: this.#narration,
        version: () => this.#servingVersion(),
        doubted: () => this.updateSoon(),
      },
      options,
    );
    this.#link = this.#makeLink();
  }

  #makeLink(): ServerLink {
    const { account, endpoint, backends, coap } = this.#options;
    return new ServerLink({
      account,
      endpoint,
      backends,
      environment: this.#environment,
      coap,
      admits: () => this.#servingVersion() !== undefined,
      handler: (request) => this.#service.handle(request),
      streamed: (request) => this.#service.streams(request),
      onNameDiffers: (commonNames) => this.#narration.emit('certificateNameDiffers', { endpoint, commonNames }),
      onLost: (cause) => this.#lost(cause),
    });
  }

  get #parameters(): RegistrationWishes {
    const saved = this.#machine?.registration?.version;
    const versions = new Set([...this.#options.versions, ...(saved === undefined ? [] : [saved])]);
    return this.#settings.parameters([...versions], this.#options.explicitVersions);
  }

  get state(): string {
    return this.#machine?.state ?? 'idle';
  }

  /** /1/x/13 to 15, now. */
  get rank(): RegistrationRank {
    return this.#settings.rank;
  }

  /** Takes up what was saved: Sends can wait from now on. */
  async open(): Promise<void> {
    this.#wanted = true;
    this.#goesOn = false;
    const saved = await this.#service.load();
    if (!this.#wanted) return this.#service.stopping(); // stopped meanwhile
    this.#link.localPort = saved?.localPort;
    const versions = (): readonly LwM2mVersion[] => this.#settings.versions(this.#options.versions);
    this.#machine ??= new RegistrationMachine({
      parameters: this.#parameters,
      get versions() {
        return versions();
      },
      retry: this.#settings.retry(this.#options.retry),
      updateMargin: this.#options.updateMargin,
      deregisterTimeout: this.#options.deregisterTimeout,
      saved: saved?.registration,
    });
  }

  /** Registers, after `open`. */
  begin(): void {
    if (!this.#wanted) return;
    this.#run({ kind: 'changed', parameters: this.#parameters });
    this.#run({ kind: 'start' });
  }

  /** De-registers if asked to, closes, and resolves when nothing of this account is left open. */
  async stop(options: { readonly deregister: boolean }): Promise<void> {
    this.#wanted = false;
    this.#goesOn = !options.deregister && this.#options.account.tls.liveSession !== undefined;
    this.#refresh?.cancel();
    this.#service.stopping();
    this.#run({ kind: 'stop', deregister: options.deregister });
    if (this.state !== 'idle') await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    this.#timer?.cancel();
    this.#service.stopped();
    await this.#link.closed;
    await this.#memory.settled();
  }

  /** Sends an Update, or tries again to register where that had been given up. */
  update(): void {
    this.#run({ kind: 'updateNow' });
  }

  /** As /1/x/8: after the answer to the request that asks for it. */
  updateSoon(): void {
    this.#soon(() => this.update());
  }

  /** As /1/x/4: after the answer to the request that asks for it. */
  disableSoon(): void {
    const duration = this.#settings.disableTimeout;
    this.#soon(() => this.#run({ kind: 'disable', duration }));
  }

  /** The Send operation. @throws LwM2mError ESTATE, EMUTED, EREFUSED, EDROPPED; CoapError; ModelError */
  async send(entries: readonly Entry[], format: SendFormat, signal: AbortSignal | undefined): Promise<void> {
    await this.#service.send(entries, format, signal);
  }

  /** Packs that wait for the server, and values dropped for newer ones. */
  get deferred(): { readonly waiting: number; readonly dropped: number } {
    return this.#service.deferred;
  }

  /** Something in the data model is different now. */
  changed(change: Change): void {
    this.#service.changed(change);
    if (change.kind === 'value' && !this.#settings.isRegistered(change.path)) return;
    this.#isOutdated = true;
    this.#refreshSoon();
  }

  /** While changes that belong together are made, the server hears of none of them. */
  hold(held: boolean): void {
    this.#isHeld = held;
    this.#service.hold(held);
    this.#refreshSoon();
  }

  #refreshSoon(): void {
    this.#refresh?.cancel();
    if (this.#isHeld || !this.#isOutdated) return;
    this.#refresh = this.#soon(() => {
      this.#isOutdated = false;
      this.#run({ kind: 'changed', parameters: this.#parameters });
    });
  }

  #soon(work: () => void): Timer {
    return this.#environment.timers.at(this.#environment.clock.now(), work);
  }

  /** One event after the other, also when one comes out of another. */
  #run(event: RegistrationEvent): void {
    this.#pending.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        for (const action of this.#machine?.handle(next, this.#environment.clock.now()) ?? []) this.#perform(action);
      }
    } finally {
      this.#running = false;
    }
    this.#arm();
    if (this.state === 'idle') for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #arm(): void {
    this.#timer?.cancel();
    const at = this.#machine?.nextTimeout();
    if (at !== undefined) this.#timer = this.#environment.timers.at(at, () => this.#run({ kind: 'timeout' }));
  }

  #perform(action: RegistrationAction): void {
    switch (action.kind) {
      case 'connect':
        this.#narration.emit('connecting', {});
        return void this.#connect(this.#fresh());
      case 'disconnect':
        return this.#disconnect();
      case 'register':
        this.#service.registering();
        return void this.#exchange(action, this.#fresh());
      case 'update':
        return void this.#exchange(action, this.#fresh());
      case 'deregister':
        return void this.#leave(action.location, this.#fresh());
      case 'save':
        return this.#memory.save({ localPort: this.#link.localPort, registration: action.registration });
      case 'registered':
        this.#service.registered(this.#link.connection, action.registration.version);
        this.#narration.registered(action.registration);
        return this.#options.outcome(this, true);
      case 'updated':
        this.#service.updated(this.#link.connection, action.registration.version);
        this.#narration.updated(action.registration);
        return this.#options.outcome(this, true);
      case 'deregistered':
        if (this.state === 'waiting') this.#service.disabled();
        else this.#service.deregistered();
        return this.#narration.emit('deregistered', {});
      case 'registrationFailed':
        if (action.reason.kind !== 'refused') this.#settings.noteAlert(action.reason.error);
        this.#narration.registrationFailed(action.reason, action.retryAfter);
        if (action.retryAfter === undefined) this.#options.outcome(this, false);
        return;
    }
  }

  /** Ends whatever is under way: only one attempt or exchange of the registration is, at any time. */
  #fresh(): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    try {
      const socket = await this.#link.open(signal);
      if (socket !== undefined) this.#connected(socket);
    } catch (error) {
      if (!signal.aborted) this.#run({ kind: 'failed', reason: { kind: 'unreachable', error } });
    }
  }

  #connected(socket: AnySocket): void {
    const { connection } = this.#link;
    if (connection !== undefined) this.#exchanges = new RegistrationExchanges(connection, this.#options.endpoint);
    this.#narration.connected(socket);
    this.#run({ kind: 'connected' });
  }

  #lost(cause: Error | undefined): void {
    this.#narration.emit('disconnected', { cause });
    const error = cause ?? new LwM2mError('ESTATE', 'the server ended the connection');
    this.#run({ kind: 'failed', reason: { kind: 'connectionLost', error } });
  }

  #disconnect(): void {
    this.#abort.abort();
    this.#service.disconnected(isStream(this.#options.account.uri.scheme)); // observations end with a stream (RFC 8323 §7)
    this.#exchanges = undefined;
    this.#link.close(this.#goesOn);
  }

  async #exchange(action: RegistrationAction & { kind: 'register' | 'update' }, signal: AbortSignal): Promise<void> {
    const exchanges = this.#exchanges;
    if (exchanges === undefined) return;
    const version = this.#machine?.registration?.version ?? '1.1';
    try {
      const result = await (action.kind === 'register'
        ? exchanges.register(action.version, action.parameters, signal)
        : exchanges.update(version, action.location, action.changes, signal));
      if (!signal.aborted) this.#run(result);
    } catch (error) {
      if (!signal.aborted) this.#run({ kind: 'failed', reason: { kind: 'unanswered', error } });
    }
  }

  async #leave(location: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#environment;
    const patience = timers.at(later(clock.now(), this.#options.deregisterTimeout), () => this.#abort.abort());
    try {
      await this.#exchanges?.deregister(location, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#environment.log.info({ reason }, 'De-register was not answered: the registration ends with its lifetime');
    } finally {
      patience.cancel();
    }
    this.#run({ kind: 'left' });
  }

  /** Undefined before Register's 2.01: requests are ignored then. */
  #servingVersion(): LwM2mVersion | undefined {
    const serves = this.state === 'registered' || this.state === 'updating' || this.state === 'deregistering';
    return serves ? this.#machine?.registration?.version : undefined;
  }
}
