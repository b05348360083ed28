// Typed events: names and payloads are declared once, listeners are removed by what `on` gave back.

/** `Map` is an object type: event name → payload. Listeners run in the order they were added, synchronously. */
export class Events<Map extends object> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<(payload: never) => void>>();

  /** @returns takes the listener back */
  on<K extends keyof Map>(name: K, listener: (payload: Map[K]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
    return () => void set.delete(listener);
  }

  /** The next event of that name that `accepts`. @throws the signal's reason if it aborts first */
  next<K extends keyof Map>(
    name: K,
    options: { readonly signal?: AbortSignal | undefined; readonly accepts?: (payload: Map[K]) => boolean } = {},
  ): Promise<Map[K]> {
    const { signal, accepts = () => true } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = (): void => {
        off();
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        leave();
        reject(signal!.reason as Error);
      };
      const off = this.on(name, (payload) => {
        if (!accepts(payload)) return;
        leave();
        resolve(payload);
      });
      signal?.addEventListener('abort', aborted);
    });
  }

  /** Every listener hears of it, whichever of them fail. @throws what the first listener threw, in the end */
  emit<K extends keyof Map>(name: K, payload: Map[K]): void {
    const listeners = this.#listeners.get(name) as Set<(payload: Map[K]) => void> | undefined;
    let failure: { readonly error: unknown } | undefined;
    for (const listener of [...(listeners ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
