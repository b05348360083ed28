// What a server gets of us while it knows us: answers to its requests, notifications of what it observes, and Sends.

import type { Change, Entry, Path } from '../model/index.ts';
import type { CoapConnection, IncomingRequest, OutgoingResponse, RequestHead } from '../coap/index.ts';
import type { AssociationMemory } from './association-memory.ts';
import { AttributeStore } from './attribute-store.ts';
import { Dispatcher } from './dispatch.ts';
import type { Environment } from '../runtime/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import type { Narration } from './narration.ts';
import type { ObjectSet } from './object-set.ts';
import { Observations } from './observations.ts';
import type { Patience } from './patience.ts';
import type { SavedState } from './saved-registration.ts';
import type { SendFormat } from './send.ts';
import { SendQueue } from './send-queue.ts';
import type { ServerSettings } from './server-settings.ts';
import { knownWallTime } from './wall-time.ts';

export interface ServiceLimits {
  readonly confirmableNotifications: boolean;
  readonly maxObservations: number | undefined;
  readonly maxObservedValues: number | undefined;
  readonly maxAttributePaths: number | undefined;
  readonly maxStoredNotifications: number | undefined;
  readonly maxDeferredValues: number | undefined;
  readonly preferredFormat: number | undefined;
  readonly explicitVersions: boolean;
}

/** What it needs of the association it works for. */
export interface ServiceContext {
  readonly objects: ObjectSet;
  readonly environment: Environment;
  readonly patience: Patience;
  readonly settings: ServerSettings;
  readonly memory: AssociationMemory;
  readonly narration: Narration;
  /** The version registered with; undefined while the server does not know us. */
  readonly version: () => LwM2mVersion | undefined;
  /** The server may be out of reach: find out. */
  readonly doubted: () => void;
}

/** One server's. */
export class Service {
  readonly #context: ServiceContext;
  readonly #attributes: AttributeStore;
  readonly #observations: Observations;
  readonly #dispatcher: Dispatcher;
  readonly #sends: SendQueue;
  #isDisabled = false;

  constructor(context: ServiceContext, limits: ServiceLimits) {
    this.#context = context;
    this.#attributes = new AttributeStore({ maxPaths: limits.maxAttributePaths });
    this.#observations = this.#makeObservations(limits);
    this.#dispatcher = this.#makeDispatcher(limits);
    this.#sends = this.#makeSends(limits);
  }

  /** Begins with what an earlier run has left. @returns its registration */
  async load(): Promise<SavedState | undefined> {
    const { memory } = this.#context;
    const saved = await memory.load(this.#attributes);
    const observations = await memory.loadObservations();
    this.#sends.open(await memory.loadSends());
    // §6.4.1: who has forgotten observation requests registers, so that they are made anew.
    if (observations === null) return saved && { ...saved, registration: undefined };
    if (saved?.registration !== undefined) this.#observations.restore(observations);
    return saved;
  }

  /** Undefined before Register is answered: nothing is said then. */
  handle(request: IncomingRequest): OutgoingResponse | undefined | Promise<OutgoingResponse> {
    const { narration } = this.#context;
    const answer = this.#dispatcher.handle(request);
    if (answer instanceof Promise) {
      return answer.then((response) => {
        narration.answered(request, response);
        return response;
      });
    }
    narration.answered(request, answer);
    return answer;
  }

  /** Whether the body of a request goes to the application as it comes. */
  streams(request: RequestHead): boolean {
    return this.#dispatcher.streams(request);
  }

  /** @throws LwM2mError ESTATE, EMUTED, EREFUSED, EDROPPED; CoapError */
  async send(entries: readonly Entry[], format: SendFormat, signal: AbortSignal | undefined): Promise<void> {
    const at = knownWallTime(this.#context.environment.clock);
    await this.#sends.send({ entries, format, at }, signal);
  }

  /** Packs that wait for the server, and values dropped for newer ones. */
  get deferred(): { readonly waiting: number; readonly dropped: number } {
    return this.#sends.state;
  }

  /** Something in the data model is different now. */
  changed(change: Change): void {
    this.#observations.changed(change.path);
    if (this.#context.settings.owns(change.path)) {
      this.#observations.attributesChanged();
      this.#sends.settingsChanged();
    }
    if (change.kind === 'deleted' && this.#attributes.forget(change.path)) this.#attributesChanged(change.path);
  }

  /** While changes that belong together are made, the server hears of none of them. */
  hold(held: boolean): void {
    this.#observations.hold(held);
  }

  /** The server has registered us: it begins without observations (Core 1.2 §6.2). */
  registered(connection: CoapConnection | undefined, version: LwM2mVersion): void {
    this.#isDisabled = false;
    this.#observations.renew();
    if (connection !== undefined) this.#sends.goOnline(connection, version);
  }

  /** The server still knows us, and can be reached. */
  updated(connection: CoapConnection | undefined, version: LwM2mVersion): void {
    if (connection === undefined) return;
    this.#observations.goOnline(connection);
    this.#sends.goOnline(connection, version);
  }

  /** Whoever has forgotten us takes nothing. */
  registering(): void {
    this.#sends.goOffline();
  }

  deregistered(): void {
    this.#observations.clear();
    this.#sends.goOffline();
  }

  /** /1/x/4: de-registered until it is enabled again. /1/x/6 tells whether it is to hear what happens until then. */
  disabled(): void {
    this.#isDisabled = true;
    this.#observations.goOffline();
    this.#sends.goOffline();
  }

  /** @param ends observations end with their connection */
  disconnected(ends: boolean): void {
    if (ends && !this.#isDisabled) this.#observations.clear();
    else this.#observations.goOffline();
    this.#sends.goOffline();
  }

  /** The client stops: what is to be sent is kept for its next start. */
  stopping(): void {
    this.#sends.close();
  }

  stopped(): void {
    this.#context.memory.keepObservations(this.#observations.saved(true));
    this.#observations.close();
  }

  /** As the server may know them. */
  get #objects(): ObjectSet {
    const { objects } = this.#context;
    const version = this.#context.version();
    return version === undefined ? objects : objects.editionFor(version);
  }

  #makeObservations(limits: ServiceLimits): Observations {
    const { environment, patience, settings, memory, doubted } = this.#context;
    const objects = (): ObjectSet => this.#objects;
    return new Observations({
      get objects() {
        return objects();
      },
      attributes: this.#attributes,
      environment,
      patience,
      settings: () => settings.notifications,
      undelivered: doubted,
      remember: () => memory.saveObservations(this.#observations.size, () => this.#observations.saved(false)),
      confirmable: limits.confirmableNotifications,
      maxObservations: limits.maxObservations,
      maxObservedValues: limits.maxObservedValues,
      maxStored: limits.maxStoredNotifications,
    });
  }

  #makeDispatcher({ preferredFormat, explicitVersions }: ServiceLimits): Dispatcher {
    const { environment, patience, settings, version } = this.#context;
    const objects = (): ObjectSet => this.#objects;
    return new Dispatcher({
      get objects() {
        return objects();
      },
      attributes: this.#attributes,
      log: environment.log,
      patience,
      version,
      preferredFormat,
      explicitVersions,
      defaultPeriods: () => {
        const { pmin, pmax } = settings.notifications;
        return { pmin, pmax };
      },
      observe: (observed) => this.#observations.accept(observed),
      attributesChanged: (path) => this.#attributesChanged(path),
    });
  }

  #makeSends({ maxDeferredValues }: ServiceLimits): SendQueue {
    const { environment, settings, narration, memory, doubted } = this.#context;
    return new SendQueue({
      objects: () => this.#objects,
      log: environment.log,
      muted: () => settings.mutesSend,
      refusedAsMuted: () => narration.emit('sendMuted', { absent: settings.muteSend === undefined }),
      undelivered: doubted,
      save: (packs) => memory.saveSends(packs),
      maxValues: maxDeferredValues,
    });
  }

  #attributesChanged(path: Path): void {
    this.#observations.attributesChanged(path);
    this.#context.memory.saveAttributes(this.#attributes);
  }
}
