// What one association keeps across restarts: its registration, the notification attributes its server has written, what it
// observes, and what is to be sent.

import type { AttributeStore } from './attribute-store.ts';
import type { Environment } from '../runtime/index.ts';
import { Memory } from './memory.ts';
import { type SavedState, registrationCodec, stateKey } from './saved-registration.ts';
import type { ServerReference } from './events.ts';
import type { Storage } from '../storage/index.ts';
import type { ObjectSet } from './object-set.ts';
import type { SendPack } from './send.ts';
import { sendsCodec, sendsKey } from './saved-sends.ts';
import { attributesCodec, attributesKey } from './saved-attributes.ts';
import { type SavedObservation, observationsCodec, observationsKey } from './saved-observations.ts';

export class AssociationMemory {
  readonly #registration: Memory<SavedState>;
  readonly #sends: Memory<readonly SendPack[]>;
  readonly #attributes: Memory<unknown>;
  readonly #observations: Memory<readonly SavedObservation[] | null>;
  /** Whether the Storage has, or may have, observations. */
  #isObserved = false;
  readonly #environment: Environment;

  constructor(
    storage: Storage,
    environment: Environment,
    {
      endpoint,
      server,
      objects,
    }: { readonly endpoint: string; readonly server: ServerReference; readonly objects: ObjectSet },
  ) {
    const owner = { endpoint, uri: server.uri };
    const { shortServerId } = server;
    this.#environment = environment;
    const codec = registrationCodec(owner, environment.clock);
    this.#registration = new Memory(storage, environment, stateKey(shortServerId), codec);
    this.#sends = new Memory(storage, environment, sendsKey(shortServerId), sendsCodec(owner, objects));
    this.#attributes = new Memory(storage, environment, attributesKey(shortServerId), attributesCodec(owner));
    this.#observations = new Memory(
      storage,
      environment,
      observationsKey(shortServerId),
      observationsCodec(owner, objects),
    );
  }

  /** Fills the attributes in. @returns the registration; undefined if there is none */
  async load(attributes: AttributeStore): Promise<SavedState | undefined> {
    const registration = await this.#registration.load();
    const saved = await this.#attributes.load();
    if (saved === undefined) return registration;
    try {
      attributes.restore(saved);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#environment.log.warn({ reason }, 'the notification attributes that were saved cannot be used');
    }
    return registration;
  }

  save(state: SavedState): void {
    this.#registration.save(state);
  }

  saveAttributes(attributes: AttributeStore): void {
    this.#attributes.saveSoon(() => attributes.toJSON());
  }

  /** Those of the run before; null if there were some which cannot be told any more. */
  async loadObservations(): Promise<readonly SavedObservation[] | null> {
    const saved = await this.#observations.load();
    if (saved === null)
      this.#environment.log.warn({}, 'the observations that were saved cannot be used: registering anew');
    this.#isObserved = saved === null || (saved?.length ?? 0) > 0;
    return saved === undefined ? [] : saved;
  }

  /** @param count how many there are now: where there were none before either, nothing is written */
  saveObservations(count: number, look: () => readonly SavedObservation[]): void {
    this.#isObserved ||= count > 0;
    if (this.#isObserved) this.#observations.saveSoon(look);
  }

  /** As they are at the end of this run. */
  keepObservations(last: readonly SavedObservation[]): void {
    this.saveObservations(last.length, () => last);
    void this.#observations.settled;
  }

  /** What was to be sent before the restart. */
  async loadSends(): Promise<readonly SendPack[]> {
    return (await this.#sends.load()) ?? [];
  }

  saveSends(packs: readonly SendPack[]): void {
    this.#sends.save(packs);
  }

  /** Resolves when everything saved so far is kept. */
  async settled(): Promise<void> {
    await this.#registration.settled;
    await this.#attributes.settled;
    await this.#observations.settled;
    await this.#sends.settled;
  }
}
