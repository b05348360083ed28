// DTLS and TLS on the system's OpenSSL 3. This entry loads no library: making a backend does.

export {
  type OpenSslBackend,
  type OpenSslDtlsOptions,
  type OpenSslTlsOptions,
  opensslDtls,
  opensslTls,
} from './backend.ts';
export type { OpenSslOptions } from './connection-options.ts';
export { OpenSslDatagramSocket } from './datagram-socket.ts';
export type { OpenSslLibraries } from './library.ts';
export { OpenSslStreamSocket } from './stream-socket.ts';
