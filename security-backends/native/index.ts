// DTLS 1.2 in TypeScript: the backend, its sockets, and the sans-IO connection for those who drive it themselves.

export { type NativeDtls, type NativeDtlsOptions, nativeDtls } from './backend.ts';
export { DtlsClientSocket } from './socket.ts';
export { DtlsServerSocket } from './server-socket.ts';
export { DtlsEndpoint } from './endpoint.ts';
export * from './endpoint-options.ts';
export {
  EndpointSession,
  type Message,
  type SendOptions,
  type SessionOptions,
  type SessionState,
} from './endpoint-session.ts';
export * from './credential-pool.ts';
export type { EndpointCounters } from './peer-set.ts';
export { DtlsSession } from './session.ts';
export { DtlsClient, type DtlsClientOptions } from './client.ts';
export { DtlsServer, type DtlsServerOptions } from './server.ts';
export { CookieGate, type CookieGateOptions, type CookieVerdict, type VerifiedHello } from './cookie-gate.ts';
export * from './connection.ts';
export { type OfferedSession, type ResumableSession, decodeOffered, encodeOffered } from './resumable-session.ts';
export { type CryptoProvider, type DefaultProviderOptions, defaultProvider } from '../../lib/crypto/index.ts';
export { CIPHERSUITES, TLS_PSK_WITH_AES_128_CCM_8, TLS_PSK_WITH_AES_128_GCM_SHA256 } from './ciphersuites.ts';
