// A device-management server in a few lines: answers as the spec says, and remembers what it was asked.

import {
  type CoapConnection,
  type IncomingRequest,
  type OutgoingResponse,
  RESPONSE_CODES,
  serveCoap,
} from '../../lib/coap/index.ts';
import { type ClientOptions, LwM2mClient } from '../../lib/client/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { type Environment, NEVER, type Timers, VirtualTime } from '../../lib/runtime/index.ts';

export interface Seen {
  readonly at: number;
  readonly line: string;
  readonly payload: string;
  readonly from: number | undefined;
}

/** A simulated network with one scripted server at 192.0.2.1:5683. */
export class Scene {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly seen: Seen[] = [];
  readonly #armed = new Set<object>();
  /** The server's side of the newest connection. */
  connection!: CoapConnection;
  /** What the server answers; undefined: silence. */
  answer: (request: IncomingRequest) => OutgoingResponse | undefined = (request) => {
    if (request.method === 'POST' && request.path.length === 1 && request.path[0] === 'rd') {
      return { code: RESPONSE_CODES.created, locationPath: ['rd', '5a3f'] };
    }
    return { code: request.method === 'DELETE' ? RESPONSE_CODES.deleted : RESPONSE_CODES.changed };
  };

  /** @param wallStart milliseconds since 1970 */
  constructor(
    conditions: { readonly loss?: number; readonly latency?: number; readonly seed?: number } = {},
    wallStart?: number,
  ) {
    this.time = new VirtualTime(wallStart);
    this.network = new SimulatedNetwork({ time: this.time, ...(conditions as object) });
  }

  async listen(): Promise<void> {
    const listener = this.network.datagramSocket('192.0.2.1');
    await listener.bind('192.0.2.1', 5683);
    serveCoap(listener, this.network.environment, (connection, socket) => {
      this.connection = connection;
      connection.handler = (request) => {
        const query = request.query.length === 0 ? '' : `?${request.query.join('&')}`;
        this.seen.push({
          at: this.time.now() / 1000,
          line: `${request.method} /${request.path.join('/')}${query}`,
          payload: new TextDecoder().decode(request.payload), // of any bytes: Send may be CBOR
          from: socket.remote?.port,
        });
        return this.answer(request);
      };
    });
  }

  /** A client of this network, on the host 198.51.100.7. */
  client(options: Omit<ClientOptions, 'endpoint' | 'backends' | 'servers'> & Partial<ClientOptions>): LwM2mClient {
    return new LwM2mClient({
      endpoint: 'urn:dev:example',
      servers: [{ uri: 'coap://192.0.2.1', lifetime: 300 }],
      backends: {
        udp: (configuration, environment) => this.network.datagramSocket('198.51.100.7', configuration, environment),
      },
      environment: this.#counted(),
      dangerAllowNoSec: true,
      ...options,
    });
  }

  /** Wake-ups that clients of `client` have asked for and not had yet. */
  get clientTimers(): number {
    return this.#armed.size;
  }

  #counted(): Environment {
    const timers: Timers = {
      at: (at, wake) => {
        const token = {};
        const timer = this.time.at(at, () => {
          this.#armed.delete(token);
          wake();
        });
        if (at < NEVER) this.#armed.add(token);
        return {
          cancel: () => {
            this.#armed.delete(token);
            timer.cancel();
          },
        };
      },
    };
    return { ...this.network.environment, timers };
  }

  get lines(): readonly string[] {
    return this.seen.map((seen) => seen.line);
  }
}
