export { type LiveSessionEntry, MemoryLiveSession } from './live-session.ts';
export { MemoryStorage } from './memory.ts';
export { type StoredSessions, sessionsIn } from './sessions.ts';
export { type Storage, StorageError, type StorageErrorCode, type StorageLock } from './storage.ts';
