// Three servers on loopback, one per kind of credential, for the examples to register with.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ServerConfiguration,
  certificateChainFromFile,
  nodeBackends,
  privateKeyFromFile,
  pskKeyFromFile,
  rawPublicKeyFromFile,
  systemEnvironment,
  utf8Decode,
} from '../../lib/index.ts';
import { LwM2mServer } from '../../lib/server/index.ts';
import { credential } from './visit.ts';

type ServerSecurity = ServerConfiguration['security'];

const key = privateKeyFromFile(credential('server.key'));

/** PSK by identity, raw public keys by the key itself, certificates by who issued them. */
export function securities(): Readonly<Record<'psk' | 'rawPublicKey' | 'certificate', ServerSecurity>> {
  const deviceKey = createPublicKey(readFileSync(credential('device.pub'))).export({ type: 'spki', format: 'der' });
  return {
    psk: {
      mode: 'psk',
      lookup: (identity) => (utf8Decode(identity) === 'sensor-1' ? pskKeyFromFile(credential('psk.hex')) : undefined),
    },
    rawPublicKey: {
      mode: 'rawPublicKey',
      publicKey: rawPublicKeyFromFile(credential('server.pub')),
      privateKey: key,
      accept: (spki) => deviceKey.equals(spki),
    },
    certificate: {
      mode: 'certificate',
      chain: certificateChainFromFile(credential('server.pem')),
      key,
      trustAnchors: certificateChainFromFile(credential('ca.pem')),
    },
  };
}

/** A server that listens on 127.0.0.1; port 0 is any. @returns it, and its URI */
export async function startServer(
  security: ServerSecurity,
  port = 0,
): Promise<{ readonly server: LwM2mServer; readonly uri: string }> {
  const listener = nodeBackends().dtls.createServer({ security }, systemEnvironment());
  await listener.bind('127.0.0.1', port);
  const server = new LwM2mServer();
  server.serve(listener);
  return { server, uri: `coaps://localhost:${listener.local!.port}` };
}
