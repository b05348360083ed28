// Everything between the client and one server: the registration machine's hands, eyes and memory.

import type { Backends } from './connection.ts';
import type { CheckedAccount } from './accounts.ts';
import type { ClientEvents, ServerReference } from './events.ts';
import type { IncomingRequest, OutgoingResponse, UdpCoapOptions } from '../coap/index.ts';
import type { Change, Path } from '../model/index.ts';
import type { CommunicationRetry } from './retry.ts';
import type { DatagramSocket } from '../net/index.ts';
import { type Duration, type Environment, type Events, type Timer, later } from '../runtime/index.ts';
import {
  type FailureReason,
  type LwM2mVersion,
  type RegistrationAction,
  type RegistrationEvent,
  RegistrationMachine,
} from './registration.ts';
import { AttributeStore } from './attribute-store.ts';
import { LwM2mError } from './lwm2m-error.ts';
import { Dispatcher } from './dispatch.ts';
import type { ObjectSet } from './object-set.ts';
import { Observations } from './observations.ts';
import { Patience } from './patience.ts';
import { RegistrationExchanges, refusedError } from './registration-exchanges.ts';
import type { Storage } from '../storage/index.ts';
import { AssociationMemory } from './association-memory.ts';
import { ServerLink } from './link.ts';
import { ServerSettings } from './server-settings.ts';
import { sendValues } from './send.ts';

export interface AssociationOptions {
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
  readonly handlerTimeout: Duration;
  readonly coap: UdpCoapOptions;
  readonly confirmableNotifications: boolean;
  readonly maxObservations: number | undefined;
  readonly maxStoredNotifications: number | undefined;
  readonly preferredFormat: number | undefined;
}

/** One server account at work. */
export class Association {
  readonly reference: ServerReference;
  readonly #options: AssociationOptions;
  readonly #environment: Environment;
  readonly #settings: ServerSettings;
  readonly #memory: AssociationMemory;
  readonly #attributes = new AttributeStore();
  readonly #observations: Observations;
  readonly #dispatcher: Dispatcher;
  readonly #link: ServerLink;
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

  constructor(options: AssociationOptions) {
    const { account, environment, objects } = options;
    this.#options = options;
    this.reference = { shortServerId: account.shortServerId, uri: account.text };
    const log = environment.log.child({ server: account.shortServerId });
    this.#environment = { ...environment, log };
    const patience = new Patience(options.handlerTimeout, environment);
    this.#settings = new ServerSettings(account, objects);
    this.#memory = new AssociationMemory(options.storage, this.#environment, options.endpoint, this.reference);
    this.#observations = new Observations({
      objects,
      attributes: this.#attributes,
      environment: this.#environment,
      patience,
      settings: () => this.#settings.notifications,
      undelivered: () => this.updateSoon(),
      confirmable: options.confirmableNotifications,
      maxObservations: options.maxObservations,
      maxStored: options.maxStoredNotifications,
    });
    this.#dispatcher = new Dispatcher({
      objects,
      attributes: this.#attributes,
      log,
      patience,
      version: () => this.#servingVersion(),
      preferredFormat: options.preferredFormat,
      defaultPeriods: () => {
        const { pmin, pmax } = this.#settings.notifications;
        return { pmin, pmax };
      },
      observe: (observed) => this.#observations.accept(observed),
      attributesChanged: () => this.#attributesChanged(),
    });
    this.#link = this.#makeLink();
  }

  #makeLink(): ServerLink {
    const { account, endpoint, backends, coap } = this.#options;
    const server = this.reference;
    return new ServerLink({
      account,
      endpoint,
      backends,
      environment: this.#environment,
      coap,
      admits: () => this.#servingVersion() !== undefined,
      handler: (request) => this.#handle(request),
      onNameDiffers: (commonNames) => this.#emit('certificateNameDiffers', { server, endpoint, commonNames }),
      onLost: (cause) => this.#lost(cause),
    });
  }

  get state(): string {
    return this.#machine?.state ?? 'idle';
  }

  /** Takes up what was saved, and begins. */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#goesOn = false;
    const saved = await this.#memory.load(this.#attributes);
    if (!this.#wanted) return; // stopped meanwhile
    this.#link.localPort = saved?.localPort;
    this.#machine ??= new RegistrationMachine({
      parameters: this.#settings.parameters,
      versions: this.#options.versions,
      retry: this.#settings.retry(this.#options.retry),
      updateMargin: this.#options.updateMargin,
      deregisterTimeout: this.#options.deregisterTimeout,
      saved: saved?.registration,
    });
    this.#run({ kind: 'changed', parameters: this.#settings.parameters });
    this.#run({ kind: 'start' });
  }

  /** De-registers if asked to, closes, and resolves when nothing of this account is left open. */
  async stop(options: { readonly deregister: boolean }): Promise<void> {
    this.#wanted = false;
    this.#goesOn = !options.deregister && this.#options.account.tls.liveSession !== undefined;
    this.#refresh?.cancel();
    this.#run({ kind: 'stop', deregister: options.deregister });
    if (this.state !== 'idle') await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    this.#timer?.cancel();
    this.#observations.clear();
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

  /** The Send operation. @throws LwM2mError ESTATE, EMUTED, EREFUSED; CoapError; ModelError */
  async send(paths: readonly Path[], options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { objects } = this.#options;
    await sendValues({
      connection: this.#servingVersion() === undefined ? undefined : this.#link.connection,
      version: this.#servingVersion() ?? '1.1',
      muted: this.#settings.mutesSend,
      objects,
      paths,
      signal: options.signal,
    });
  }

  /** Something in the data model is different now. */
  changed(change: Change): void {
    this.#observations.changed(change.path);
    if (this.#settings.owns(change.path)) this.#observations.attributesChanged();
    if (change.kind === 'deleted' && this.#attributes.forget(change.path)) this.#attributesChanged();
    if (change.kind === 'value' && !this.#settings.isRegistered(change.path)) return;
    this.#refresh?.cancel();
    this.#refresh = this.#soon(() => this.#run({ kind: 'changed', parameters: this.#settings.parameters }));
  }

  #attributesChanged(): void {
    this.#observations.attributesChanged();
    this.#memory.saveAttributes(this.#attributes);
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
    const server = this.reference;
    switch (action.kind) {
      case 'connect':
        this.#emit('connecting', { server });
        return void this.#connect(this.#fresh());
      case 'disconnect':
        return this.#disconnect();
      case 'register':
      case 'update':
        return void this.#exchange(action, this.#fresh());
      case 'deregister':
        return void this.#leave(action.location, this.#fresh());
      case 'save':
        return this.#memory.save({ localPort: this.#link.localPort, registration: action.registration });
      case 'registered': {
        this.#observations.clear(); // a new registration begins without observations (Core 1.2 §6.2)
        const { location, version, parameters } = action.registration;
        const { lifetime } = parameters;
        return this.#emit('registered', { server, location: `/${location.join('/')}`, lifetime, version });
      }
      case 'updated': {
        const { connection } = this.#link;
        if (connection !== undefined) this.#observations.goOnline(connection);
        const { location, parameters } = action.registration;
        const { lifetime } = parameters;
        return this.#emit('updated', { server, location: `/${location.join('/')}`, lifetime });
      }
      case 'deregistered':
        this.#observations.clear();
        return this.#emit('deregistered', { server });
      case 'registrationFailed':
        return this.#emit('registrationFailed', {
          server,
          error: this.#errorOf(action.reason),
          retryAfter: action.retryAfter,
        });
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

  #connected(socket: DatagramSocket): void {
    const { connection } = this.#link;
    if (connection !== undefined) this.#exchanges = new RegistrationExchanges(connection, this.#options.endpoint);
    this.#emit('connected', {
      server: this.reference,
      local: socket.local,
      remote: socket.remote,
      negotiated: socket.getOption('negotiated'),
    });
    this.#run({ kind: 'connected' });
  }

  #lost(cause: Error | undefined): void {
    this.#emit('disconnected', { server: this.reference, cause });
    const error = cause ?? new LwM2mError('ESTATE', 'the server ended the connection');
    this.#run({ kind: 'failed', reason: { kind: 'connectionLost', error } });
  }

  #disconnect(): void {
    this.#abort.abort();
    this.#observations.goOffline();
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

  #handle(request: IncomingRequest): OutgoingResponse | undefined | Promise<OutgoingResponse> {
    const answer = this.#dispatcher.handle(request);
    if (answer instanceof Promise) {
      return answer.then((response) => {
        this.#answered(request, response);
        return response;
      });
    }
    this.#answered(request, answer);
    return answer;
  }

  #answered(request: IncomingRequest, response: OutgoingResponse | undefined): void {
    this.#emit('request', {
      server: this.reference,
      method: request.method,
      path: `/${request.path.join('/')}`,
      code: response?.code,
    });
  }

  /** Undefined before Register's 2.01: requests are ignored then. */
  #servingVersion(): LwM2mVersion | undefined {
    const serves = this.state === 'registered' || this.state === 'updating' || this.state === 'deregistering';
    return serves ? this.#machine?.registration?.version : undefined;
  }

  /** What a listener throws is its own affair: the registration goes on. */
  #emit<K extends keyof ClientEvents>(name: K, payload: ClientEvents[K]): void {
    try {
      this.#options.events.emit(name, payload);
    } catch (error) {
      this.#environment.log.error(
        { event: name, error: error instanceof Error ? error.name : typeof error },
        'a listener failed',
      );
    }
  }

  #errorOf(reason: FailureReason): Error {
    if (reason.kind === 'refused') return refusedError(this.reference.uri, reason.code);
    this.#settings.noteAlert(reason.error);
    return reason.error instanceof Error ? reason.error : new LwM2mError('ESTATE', String(reason.error));
  }
}

/** Lets the peer know (close_notify) where that works soon enough, and closes in any case. */
