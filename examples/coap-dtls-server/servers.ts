// The same light behind three servers: without security, with a pre-shared key, and with certificates.

import path from 'node:path';
import {
  certificateChainFromFile,
  nodeBackends,
  privateKeyFromFile,
  pskKeyFromBuffer,
  utf8Decode,
  utf8Encode,
} from '../../lib/index.ts';
import { type CoapHandler, type CoapServer, coapServer } from '../../lib/coap/index.ts';
import type { ServerSecurity } from '../../lib/net/index.ts';

/** As text, for coap-client takes keys as text. Yours is 16 random bytes from a file. */
export const PSK = { identity: 'device-1', key: 'secretPSK0123456' } as const;

/** Test keys that protect nothing; another example's script makes new ones. */
export const credential = (name: string): string => path.join('examples', 'security-object', 'credentials', name);

const psk: ServerSecurity = {
  mode: 'psk',
  identityHint: utf8Encode('CoAP'),
  lookup: (identity) => (utf8Decode(identity) === PSK.identity ? pskKeyFromBuffer(utf8Encode(PSK.key)) : undefined),
};

const pki: ServerSecurity = {
  mode: 'certificate',
  chain: certificateChainFromFile(credential('server.pem')),
  key: privateKeyFromFile(credential('server.key')),
  trustAnchors: certificateChainFromFile(credential('ca.pem')), // clients must show one that leads there
};

/** Listens at `address`; the ports are those given, or free ones where they are 0. */
export async function serve(
  handler: CoapHandler,
  address: string,
  ports: { readonly plain: number; readonly psk: number; readonly pki: number },
): Promise<Readonly<Record<'plain' | 'psk' | 'pki', CoapServer>>> {
  const backends = nodeBackends();
  return {
    plain: await coapServer(`coap://${address}:${ports.plain}`, backends, handler),
    psk: await coapServer(`coaps://${address}:${ports.psk}`, backends, handler, { security: psk }),
    pki: await coapServer(`coaps://${address}:${ports.pki}`, backends, handler, { security: pki }),
  };
}
