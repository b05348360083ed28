// libcoap's coap-client and coap-server, without security and with DTLS-PSK.

import { type PeerProcess, type RunResult, freeUdpPort, run, startPeer } from './process.ts';

/** libcoap takes keys as text, not as hex: the bytes of this text are the key. */
export interface LibcoapPsk {
  readonly identity: string;
  readonly key: string;
}

export interface LibcoapRequest {
  readonly uri: string;
  readonly method?: 'get' | 'put' | 'post' | 'delete';
  readonly psk?: LibcoapPsk;
  readonly payload?: string;
  /** Bytes of a block: 16 to 1024. */
  readonly blockSize?: number;
  /** Seconds to observe. */
  readonly observe?: number;
  /** Options of coap-client as they are, e.g. `['-l', '20%']` to lose datagrams on purpose. */
  readonly more?: readonly string[];
}

const ANSWER_LIMIT_SECONDS = 20;

/** One request; the output is the payload that came back (and, for an error, its code and diagnostic). */
export function coapClient(request: LibcoapRequest): Promise<RunResult> {
  const args = ['-m', request.method ?? 'get', '-w', '-B', `${ANSWER_LIMIT_SECONDS}`];
  if (request.payload !== undefined) args.push('-e', request.payload);
  if (request.blockSize !== undefined) args.push('-b', `${request.blockSize}`);
  if (request.observe !== undefined) args.push('-s', `${request.observe}`);
  if (request.psk !== undefined) args.push('-u', request.psk.identity, '-k', request.psk.key);
  const program = request.psk === undefined ? 'coap-client-notls' : 'coap-client-openssl';
  return run(program, [...args, ...(request.more ?? []), request.uri], { limit: (ANSWER_LIMIT_SECONDS + 10) * 1_000 });
}

export interface CoapServer {
  readonly port: number;
  /** DTLS. */
  readonly securePort: number;
  readonly process: PeerProcess;
}

/** libcoap's example server: `/time`, `/example_data`, `/async`; any path may be PUT (`-d`). Any identity is let in with `key`. */
export async function startCoapServer(key: string, more: readonly string[] = []): Promise<CoapServer> {
  const port = await freePortPair();
  const args = ['-A', '127.0.0.1', '-p', `${port}`, '-h', 'hint', '-k', key, '-d', '10', '-v', '7', ...more];
  const process = await startPeer('coap-server-openssl', args, /created DTLS endpoint/i);
  return { port, securePort: port + 1, process };
}

/** coap-server takes the port after its own for DTLS. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await freeUdpPort();
    if (port < 65_535) return port;
  }
}
