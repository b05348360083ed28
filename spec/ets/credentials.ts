// What device and server of the cases of security know each other by: a key, or the certificates of spec/crypto/fixtures.

import {
  certificateChainFromArray,
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import type { Security, ServerSecurity } from '../../lib/net/index.ts';
import { certificateDer, keyPem } from '../crypto/fixtures/fixtures.ts';

/** Both sides of one way to trust. */
export interface Credentials {
  readonly device: Security;
  readonly server: ServerSecurity;
  /** The server's name in the account. Default: its address. */
  readonly host?: string;
}

const KEY = new Uint8Array(16).fill(0x5a);
const IDENTITY = 'urn:dev:ops:32473-ets';

/** C.1: a key for one identity. */
export const PSK: Credentials = {
  device: { mode: 'psk', identity: pskIdentityFromBuffer(Buffer.from(IDENTITY)), key: pskKeyFromBuffer(KEY) },
  server: {
    mode: 'psk',
    lookup: (identity) => (Buffer.from(identity).toString() === IDENTITY ? pskKeyFromBuffer(KEY) : undefined),
  },
};

const chainOf = (...names: readonly string[]): ReturnType<typeof certificateChainFromArray> =>
  certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));

/** C.17: certificates on both sides; the server's is for `server.example`. */
export const CERTIFICATES: Credentials = {
  host: 'server.example',
  device: {
    mode: 'certificate',
    trustAnchors: chainOf('root'),
    clientChain: chainOf('client', 'inter'),
    clientKey: privateKeyFromBuffer(keyPem('client certificate key')),
  },
  server: {
    mode: 'certificate',
    trustAnchors: chainOf('root'),
    chain: chainOf('server', 'inter'),
    key: privateKeyFromBuffer(keyPem('server certificate key')),
  },
};

/** C.18: the account has another name for that server. */
export const OTHER_NAME: Credentials = { ...CERTIFICATES, host: 'server-fail.example' };
