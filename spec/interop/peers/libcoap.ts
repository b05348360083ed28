// libcoap's coap-client and coap-server, without security, with DTLS-PSK, certificates and raw public keys.

import { type PeerProcess, type RunResult, freeUdpPort, isFreeTcpPort, run, startPeer } from './process.ts';

/** libcoap takes keys as text, not as hex: the bytes of this text are the key. */
export interface LibcoapPsk {
  readonly identity: string;
  readonly key: string;
}

/** The library that secures libcoap; raw public keys come with GnuTLS only. */
export type LibcoapFlavour = 'openssl' | 'gnutls';

export interface LibcoapRequest {
  readonly uri: string;
  readonly method?: 'get' | 'put' | 'post' | 'delete' | 'fetch' | 'patch' | 'ipatch';
  readonly psk?: LibcoapPsk;
  /** Of `psk`. Default openssl. */
  readonly flavour?: LibcoapFlavour;
  /** Certificates or raw public keys, as coap-client's own flags, in place of `psk`. */
  readonly credential?: { readonly flavour: LibcoapFlavour; readonly flags: readonly string[] };
  readonly payload?: string;
  /** Bytes of a block: 16 to 1024. */
  readonly blockSize?: number;
  /** Seconds to observe. */
  readonly observe?: number;
  /** How long it may take. Default 20. */
  readonly limitSeconds?: number;
  /** Options of coap-client as they are, e.g. `['-l', '20%']` to lose datagrams on purpose. */
  readonly more?: readonly string[];
}

const ANSWER_LIMIT_SECONDS = 20;

/** One request; the output is the payload that came back (and, for an error, its code and diagnostic). */
export function coapClient(request: LibcoapRequest): Promise<RunResult> {
  const limit = request.limitSeconds ?? ANSWER_LIMIT_SECONDS;
  const args = ['-m', request.method ?? 'get', '-w', '-B', `${limit}`];
  if (request.payload !== undefined) args.push('-e', request.payload);
  if (request.blockSize !== undefined) args.push('-b', `${request.blockSize}`);
  if (request.observe !== undefined) args.push('-s', `${request.observe}`);
  if (request.psk !== undefined) args.push('-u', request.psk.identity, '-k', request.psk.key);
  args.push(...(request.credential?.flags ?? []), ...(request.more ?? []), request.uri);
  return run(programFor(request), args, { limit: (limit + 10) * 1_000 });
}

function programFor({ psk, flavour = 'openssl', credential }: LibcoapRequest): string {
  if (credential !== undefined) return `coap-client-${credential.flavour}`;
  return psk === undefined ? 'coap-client-notls' : `coap-client-${flavour}`;
}

export interface CoapServer {
  readonly port: number;
  /** DTLS and TLS, where the flavour has them. */
  readonly securePort: number;
  readonly process: PeerProcess;
}

/**
 * libcoap's example server: `/time`, `/example_data`, `/async`; any path may be PUT (`-d`). Any identity is let in with `key`.
 * @param more options of coap-server as they are, e.g. `['-l', '10%']` to lose datagrams on purpose
 */
export function startCoapServer(
  key: string,
  more: readonly string[] = [],
  flavour: LibcoapFlavour = 'openssl',
): Promise<CoapServer> {
  return startSecureCoapServer(flavour, ['-h', 'hint', '-k', key, ...more]);
}

/** The flavour that has neither DTLS nor TLS. */
export async function startPlainCoapServer(more: readonly string[] = []): Promise<CoapServer> {
  const port = await freePortPair();
  const process = await startPeer('coap-server-notls', [...addressOf(port), ...more], /created TCP\s+endpoint/i);
  return { port, securePort: port + 1, process };
}

/** As `startCoapServer`, with certificates or raw public keys, as coap-server's own flags. */
export async function startSecureCoapServer(
  flavour: LibcoapFlavour,
  credential: readonly string[],
): Promise<CoapServer> {
  const port = await freePortPair();
  const args = [...addressOf(port), ...credential];
  const process = await startPeer(`coap-server-${flavour}`, args, /created DTLS endpoint/i);
  return { port, securePort: port + 1, process };
}

function addressOf(port: number): readonly string[] {
  return ['-A', '127.0.0.1', '-p', `${port}`, '-d', '10', '-v', '7'];
}

/** coap-server takes the port after its own for DTLS, and both for streams. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await freeUdpPort();
    if (port < 65_535 && (await isFreeTcpPort(port)) && (await isFreeTcpPort(port + 1))) return port;
  }
}
