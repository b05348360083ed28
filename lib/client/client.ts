// The LwM2M client: objects, server accounts, and what carries them.

import { type Duration, type Environment, Events, seconds, systemEnvironment } from '../runtime/index.ts';
import type { ManagedObject, TypedObject } from '../model/index.ts';
import { type CheckedAccount, type ServerAccount, checkAccounts, securityObject, serverObject } from './accounts.ts';
import type { CommunicationRetry } from './retry.ts';
import { DEFAULT_UPDATE_MARGIN } from './registration.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import { MemoryStorage, type Storage, type StorageLock } from '../storage/index.ts';
import { Association } from './association.ts';
import {
  checkCount,
  checkDuration,
  checkEndpoint,
  checkObjects,
  checkRetry,
  checkTransmission,
  checkVersions,
  wrong,
} from './check-options.ts';
import { Collection, type CollectionOptions } from './collection.ts';
import { Batches, DEFAULT_BATCH_TIMEOUT } from './batch.ts';
import type { Backends } from './connection.ts';
import type { ClientEvents } from './events.ts';
import { RegistrationOrder } from './registration-order.ts';
import { LwM2mError } from './lwm2m-error.ts';
import { ObjectSet } from './object-set.ts';
import type { Path } from '../model/index.ts';
import { type Sample, type SendFormat, checkSendFormat, gather, pathOf } from './send.ts';
import { DEFAULT_HANDLER_TIMEOUT, Patience } from './patience.ts';
import type { ServerDefinition } from '../objects/index.ts';
import type { TcpCoapOptions, UdpCoapOptions } from '../coap/index.ts';

/** Everything a client is made from. Copied when it is made. */
export interface ClientOptions {
  /** Endpoint Client Name, such as `urn:dev:ops:32473-sensor-1`; 1 to 255 bytes. */
  readonly endpoint: string;
  /** The device's objects. Security (0) and Server (1) come from `servers`. */
  readonly objects: readonly ManagedObject[];
  readonly servers: readonly ServerAccount[];
  readonly backends: Backends;
  /** Default: the real world, without a log. */
  readonly environment?: Environment | undefined;
  /** Keeps across restarts: the registration, attributes, observations, and Sends that wait. Default: in memory. */
  readonly storage?: Storage | undefined;
  /** Allow `coap://` and `coap+tcp://`: no encryption, no authentication. Default false. */
  readonly dangerAllowNoSec?: boolean | undefined;
  /** Versions to register with, preferred first; a lower one is tried on 4.12. Default 1.1, then 1.0. */
  readonly versions?: readonly LwM2mVersion[] | undefined;
  /** Where the account's /1 instance does not say it (/1/x/17 to 20). Defaults of LwM2M Core 1.2 §6.2.1.1. */
  readonly retry?: Partial<CommunicationRetry> | undefined;
  /** Update is sent so long before the lifetime ends, but not before its half. Default 93 s (RFC 7252 §4.8.2). */
  readonly updateMargin?: Duration | undefined;
  /** How long `stop` waits for the answer to De-register, and before that to a Register under way. Default 10 s each. */
  readonly deregisterTimeout?: Duration | undefined;
  /**
   * How long functions of objects may take with what a server asks, each; the server is answered 5.00 then, and a write that
   * is agreed to later does not happen. Default 30 s.
   */
  readonly handlerTimeout?: Duration | undefined;
  /** How long an asynchronous `batch` may keep notifications. Default 10 s. */
  readonly batchTimeout?: Duration | undefined;
  /** Send notifications confirmable unless the server says otherwise (attribute con). Default false. */
  readonly confirmableNotifications?: boolean | undefined;
  /** Observations per server. Default 256. */
  readonly maxObservations?: number | undefined;
  /** Values that the observations of one server watch, all together. Default 100,000. */
  readonly maxObservedValues?: number | undefined;
  /** Paths at which one server may set notification attributes. Default 1,024. */
  readonly maxAttributePaths?: number | undefined;
  /** Notifications kept for a server while it cannot be reached (/1/x/6); the oldest is dropped for a newer one. Of their values a hundred times as many. Default 1,000. */
  readonly maxStoredNotifications?: number | undefined;
  /** Values of Sends that wait for a server at once; the oldest Send is dropped for a newer one. Default 10,000. */
  readonly maxDeferredValues?: number | undefined;
  /** What it means for Send that Mute Send (/1/x/23) is not there, as after a bootstrap. Default `mutes`: E.2 says so. */
  readonly absentMuteSend?: 'mutes' | 'allows' | undefined;
  /** Content-Format of answers where a server asks for none and it can carry them. Default: the version's, SenML JSON from 1.1 on. */
  readonly preferredFormat?: number | undefined;
  /** Tell servers `ver` of objects of version 1.0, too, in Register and Discover: some need it. Default false. */
  readonly explicitVersions?: boolean | undefined;
  /** Transmission parameters and limits of CoAP. Defaults of RFC 7252 §4.8. */
  readonly coap?: Omit<UdpCoapOptions & TcpCoapOptions, 'admits' | 'handler' | 'onClosed'> | undefined;
}

const DEFAULTS = Object.freeze({
  versions: ['1.1', '1.0'] as readonly LwM2mVersion[],
  deregisterTimeout: seconds(10), // our own choice: somebody may be waiting for the program to end
});

/** An LwM2M device. `start()` it, and end it with `stop()` or `await using`. */
export class LwM2mClient {
  /** What happens, by name: `client.events.on('registered', ({ location }) => …)`. */
  readonly events: Events<ClientEvents> = new Events<ClientEvents>();
  readonly endpoint: string;
  /** The Server object (/1): `client.server.instance(0).lifetime = 60` sends an Update. */
  readonly server: TypedObject<ServerDefinition>;
  readonly #associations: readonly Association[];
  readonly #objects: ObjectSet;
  readonly #storage: Storage;
  readonly #environment: Environment;
  readonly #patience: Patience;
  readonly #batches: Batches;
  readonly #order: RegistrationOrder;
  readonly #collections = new Set<Collection>();
  #lock: StorageLock | undefined;
  #attempt = 0;
  #unsubscribe: (() => void) | undefined;

  /** @throws LwM2mError ECONFIG naming the option and what to do */
  constructor(options: ClientOptions) {
    const { backends } = options;
    if (typeof backends !== 'object' || backends === null) throw wrong('backends', 'such as nodeBackends()', backends);
    this.endpoint = checkEndpoint(options.endpoint);
    const allowed = {
      noSec: options.dangerAllowNoSec === true,
      dtls: backends.dtls !== undefined,
      tls: backends.tls !== undefined,
    };
    const accounts = checkAccounts(options.servers, allowed);
    checkObjects(options.objects);
    checkTransmission(options.coap?.transmission);
    this.server = serverObject(accounts, {
      registrationUpdateTrigger: (instance) => this.#associations[instance]?.updateSoon(),
      disable: (instance) => this.#associations[instance]?.disableSoon(),
    });
    this.#storage = options.storage ?? new MemoryStorage();
    this.#environment = options.environment ?? systemEnvironment();
    const timeout = checkDuration(options.handlerTimeout ?? DEFAULT_HANDLER_TIMEOUT, 'handlerTimeout');
    this.#patience = new Patience(timeout, this.#environment);
    this.#objects = new ObjectSet([securityObject(accounts), this.server, ...options.objects]);
    this.#order = new RegistrationOrder(this.#environment);
    const batchTimeout = checkDuration(options.batchTimeout ?? DEFAULT_BATCH_TIMEOUT, 'batchTimeout');
    this.#batches = new Batches(this.#environment, batchTimeout, (held) => {
      for (const association of this.#associations) association.hold(held);
    });
    this.#associations = accounts.map((account) => this.#associate(account, options));
  }

  #associate(account: CheckedAccount, options: ClientOptions): Association {
    return new Association({
      account,
      endpoint: this.endpoint,
      objects: this.#objects,
      backends: { ...options.backends },
      environment: this.#environment,
      storage: this.#storage,
      events: this.events,
      versions: checkVersions(options.versions ?? DEFAULTS.versions),
      retry: checkRetry(options.retry),
      updateMargin: checkDuration(options.updateMargin ?? DEFAULT_UPDATE_MARGIN, 'updateMargin'),
      deregisterTimeout: checkDuration(options.deregisterTimeout ?? DEFAULTS.deregisterTimeout, 'deregisterTimeout'),
      patience: this.#patience,
      outcome: (of, isRegistered) => this.#order.outcome(of, isRegistered),
      // One bound is enough: CoAP's own must not be the smaller.
      coap: { maxObservations: options.maxObservations, ...options.coap },
      confirmableNotifications: options.confirmableNotifications ?? false,
      maxObservations: checkCount(options.maxObservations, 'maxObservations'),
      maxObservedValues: checkCount(options.maxObservedValues, 'maxObservedValues'),
      maxAttributePaths: checkCount(options.maxAttributePaths, 'maxAttributePaths'),
      maxStoredNotifications: checkCount(options.maxStoredNotifications, 'maxStoredNotifications'),
      maxDeferredValues: checkCount(options.maxDeferredValues, 'maxDeferredValues'),
      absentMuteSend: options.absentMuteSend ?? 'mutes',
      preferredFormat: options.preferredFormat,
      explicitVersions: options.explicitVersions === true,
    });
  }

  /**
   * Connects and registers with every server; resolves as soon as that is under way (`events` tell how it goes).
   * @throws StorageError ELOCKED if another client uses the storage; LwM2mError ESTATE if it runs already, or is stopped meanwhile
   */
  async start(): Promise<void> {
    if (this.#lock !== undefined) throw new LwM2mError('ESTATE', 'start: the client runs already; stop it first');
    const attempt = ++this.#attempt;
    const lock = await this.#storage.lock();
    if (attempt !== this.#attempt) {
      await lock.release();
      throw new LwM2mError('ESTATE', 'start: the client was stopped before it had begun');
    }
    this.#lock = lock;
    this.#unsubscribe = this.#objects.subscribe((change) => {
      for (const association of this.#associations) association.changed(change);
    });
    await Promise.all(this.#associations.map((association) => association.open()));
    if (attempt === this.#attempt) this.#order.begin(this.#associations);
  }

  /** De-registers (unless told not to: then a restart takes the registration up again) and closes everything. */
  async stop(options: { readonly deregister?: boolean | undefined } = {}): Promise<void> {
    this.#attempt++;
    this.#order.cancel();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    const { deregister = true } = options;
    for (const collection of this.#collections) collection.close();
    await Promise.all(this.#associations.map((association) => association.stop({ deregister })));
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Sends an Update now, or tries again where registering had been given up. Default: with every server. */
  update(shortServerId?: number): void {
    for (const association of this.#chosen(shortServerId)) association.update();
  }

  /**
   * Sends values to a server, or to all, by `/dp`: what is at these paths now (`/3303/0/5700`), or samples with their times.
   * Resolves when they have them; while a server cannot be reached, its part waits in order, at most `maxDeferredValues` (the
   * oldest is dropped for what is newer), in the storage too, and is told with its time where that is known; five requests
   * without an answer, while Updates are answered, are the end.
   * @throws LwM2mError ESTATE if the client does not run or the server knows no Send, EMUTED if /1/x/23 is not false, EREFUSED
   * by the server, EDROPPED; ModelError if a path is not there, not readable or not of its type; DecodeError if it is no path
   */
  async send(
    what: readonly (string | Path | Sample)[],
    options: {
      readonly shortServerId?: number | undefined;
      /** Default `senmlJson`. */
      readonly format?: SendFormat | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<void> {
    const chosen = this.#chosen(options.shortServerId);
    const format = checkSendFormat(options.format);
    const entries = await gather(this.#objects, what, this.#patience);
    await Promise.all(chosen.map((association) => association.send(entries, format, options.signal)));
  }

  /**
   * Changes that belong together: servers hear of all that `work` changes at once, in one notification of an observation and
   * one Update, when it has ended. It may be asynchronous (no longer than `batchTimeout`) and lie in another: then the outermost
   * counts. Where it throws, what it has changed by then stays changed and is told. Reads meanwhile see what is there.
   * @returns what `work` returns. @throws what `work` throws
   */
  batch<T>(work: () => T): T {
    return this.#batches.run(work);
  }

  /**
   * Gathers samples of what is at `path` (an instance, resource or resource instance), to be sent as one pack with their
   * times: by timers, or as the application says. `stop` closes it.
   * @throws LwM2mError ECONFIG naming the option; DecodeError if it is no path
   */
  collect(path: string | Path, options: CollectionOptions = {}): Collection {
    const { shortServerId, format = 'senmlCbor' } = options;
    if (shortServerId !== undefined) this.#chosen(shortServerId);
    const collection = new Collection(pathOf(path), options, {
      environment: this.#environment,
      read: (at) => gather(this.#objects, [at], this.#patience),
      send: (samples) => this.send(samples, { shortServerId, format }),
      closed: (closed) => this.#collections.delete(closed),
    });
    this.#collections.add(collection);
    return collection;
  }

  /** Sends that wait for servers (`waiting`), and values that were dropped for newer ones; of one server, or of all. */
  deferredSends(shortServerId?: number): { readonly waiting: number; readonly dropped: number } {
    const each = this.#chosen(shortServerId).map(({ deferred }) => deferred);
    return {
      waiting: each.reduce((sum, { waiting }) => sum + waiting, 0),
      dropped: each.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  }

  #chosen(shortServerId: number | undefined): readonly Association[] {
    if (shortServerId === undefined) return this.#associations;
    const found = this.#associations.filter(({ reference }) => reference.shortServerId === shortServerId);
    if (found.length > 0) return found;
    const known = this.#associations.map(({ reference }) => reference.shortServerId).join(', ');
    throw new LwM2mError('ENOACCOUNT', `there is no server with shortServerId ${shortServerId}; there is ${known}`);
  }
}
