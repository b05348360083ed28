// From security infos to credentials: one loader for each type.

export type { LoadOptions } from './load-options.ts';
export * from './load-psk.ts';
export * from './load-certificates.ts';
export * from './load-private-key.ts';
export * from './load-raw-public-keys.ts';
export * from './load-own-certificate.ts';
