// Loads and saves one account's registration; what fails there is logged, and costs a Register after a restart.

import { type SavedState, decodeState, encodeState, stateKey } from './saved-registration.ts';
import type { Environment } from '../runtime/index.ts';
import type { ServerReference } from './events.ts';
import type { Storage } from '../storage/index.ts';

export class RegistrationMemory {
  readonly #storage: Storage;
  readonly #environment: Environment;
  readonly #owner: { readonly endpoint: string; readonly uri: string };
  readonly #key: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(storage: Storage, environment: Environment, endpoint: string, server: ServerReference) {
    this.#storage = storage;
    this.#environment = environment;
    this.#owner = { endpoint, uri: server.uri };
    this.#key = stateKey(server.shortServerId);
  }

  /** Resolves when everything saved so far is kept. */
  get settled(): Promise<void> {
    return this.#writing;
  }

  async load(): Promise<SavedState | undefined> {
    try {
      const bytes = await this.#storage.get(this.#key);
      return bytes && decodeState(bytes, this.#owner, this.#environment.clock);
    } catch (error) {
      this.#warn(error, 'the saved registration cannot be used: registering anew');
      return undefined;
    }
  }

  /** In the order of the calls. */
  save(state: SavedState): void {
    const bytes = encodeState(state, this.#owner, this.#environment.clock);
    this.#writing = this.#writing
      .then(() => this.#storage.set(this.#key, bytes))
      .catch((error: unknown) => this.#warn(error, 'the registration cannot be saved'));
  }

  #warn(error: unknown, message: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#environment.log.warn({ key: this.#key, reason }, message);
  }
}
