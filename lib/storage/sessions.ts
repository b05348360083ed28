// TLS and DTLS sessions in a Storage, for a configuration's `sessionStore`.

import type { Storage } from './storage.ts';

/** Fits `SessionStore` of the socket configuration. Entries hold secrets: the storage must keep them as it keeps keys. */
export interface StoredSessions {
  load(key: string): Promise<Uint8Array | undefined>;
  save(key: string, session: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Sessions beside whatever else is kept there; with a `FileStorage`, in files that only their owner can read. */
export function sessionsIn(storage: Storage): StoredSessions {
  return {
    load: (key) => storage.get(key),
    save: (key, session) => storage.set(key, session),
    remove: (key) => storage.delete(key),
  };
}
