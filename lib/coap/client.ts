// A CoAP client for one host: opens the socket that the URI asks for, and speaks in paths.

import {
  type AnySocket,
  COAP_SCHEMES,
  type Security,
  type SocketConfiguration,
  type SslConfiguration,
  closeInOrder,
  parseCoapUri,
} from '../net/index.ts';
import { type Environment, systemEnvironment } from '../runtime/index.ts';
import type { CoapConnection, IncomingResponse, Method, OutgoingRequest, StreamedResponse } from './exchange.ts';
import { Notifications, type NotificationsOptions } from './notifications.ts';
import { type CoapBackends, clientSocket, datagramsOf, streamsOf } from './sockets.ts';
import { TcpCoapConnection } from './tcp-connection.ts';
import type { TcpCoapOptions } from './tcp-options.ts';
import { UdpCoapConnection, type UdpCoapOptions } from './udp-connection.ts';

export interface CoapClientOptions extends UdpCoapOptions, TcpCoapOptions {
  /** For `coaps` and `coaps+tcp`: who we are, and whom we believe. */
  readonly security?: Security | undefined;
  /** Further options of these. */
  readonly tls?: Omit<SslConfiguration, 'security'> | undefined;
  readonly socket?: SocketConfiguration | undefined;
  /** Default: the real world. */
  readonly environment?: Environment | undefined;
  /** Aborts connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** A request but for method, path and query. */
export type RequestFields = Omit<OutgoingRequest, 'method' | 'path' | 'query'> & {
  readonly signal?: AbortSignal | undefined;
};

/**
 * Connects to the host of a `coap`, `coaps`, `coap+tcp` or `coaps+tcp` URI. Its path and query go before those of the requests.
 *
 * ```ts
 * const client = await coapClient('coap://192.0.2.1', { udp: udpSocket });
 * const { code, payload } = await client.get('/sensors/temperature');
 * await client.put('/lights/1?fade=2', { payload: utf8Encode('on'), contentFormat: 0 });
 * for await (const notification of await client.observe('/sensors/temperature')) {
 *   console.log(utf8Decode(notification.payload));
 *   if (enough()) break; // deregisters
 * }
 * client.close();
 * ```
 *
 * @throws DecodeError for a malformed URI; SocketError of connect, ENOTSUP without a backend or `security` for its scheme;
 * CoapError if a stream's peer does not introduce itself (RFC 8323 §5.3)
 */
export async function coapClient(
  uri: string,
  backends: CoapBackends,
  options: CoapClientOptions = {},
): Promise<CoapClient> {
  const { scheme, host, port, path, query } = parseCoapUri(uri);
  const environment = options.environment ?? systemEnvironment();
  if (COAP_SCHEMES[scheme].transport === 'datagram') {
    const socket = clientSocket(scheme, datagramsOf(backends), environment, options);
    await connected(socket, host, port, options);
    const connection = new UdpCoapConnection(socket, environment, options);
    return new CoapClient(connection, { environment, path, query, ...endings(socket, environment) });
  }
  const socket = clientSocket(scheme, streamsOf(backends), environment, options);
  await connected(socket, host, port, options);
  const connection = new TcpCoapConnection(socket, environment, options);
  const client = new CoapClient(connection, { environment, path, query, ...endings(socket, environment) });
  try {
    await connection.introduced(options);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

async function connected(socket: AnySocket, host: string, port: number, { signal }: CoapClientOptions): Promise<void> {
  try {
    await socket.connect(host, port, { signal });
  } catch (error) {
    await socket[Symbol.asyncDispose]();
    throw error;
  }
}

/** The socket connects once, so either way it ends for good, and its keys are zeroed. */
function endings(socket: AnySocket, environment: Environment): Pick<CoapClientBase, 'close' | 'closeInOrder'> {
  return {
    close: () => void socket[Symbol.asyncDispose](),
    closeInOrder: () => closeInOrder(socket, environment),
  };
}

/** What a client stands on, beside its connection. */
export interface CoapClientBase {
  readonly environment: Environment;
  readonly path: readonly string[];
  readonly query: readonly string[];
  /** Closes the socket at once, for good. */
  close(): void;
  /** Lets the peer know of it first. */
  closeInOrder(): Promise<void>;
}

/** Requests by path, such as `/sensors/1?unit=C`: percent-encoded, as in a URI. Rejects with CoapError as CoapConnection does. */
export class CoapClient {
  /** For what this class does not offer: pings, requests of the peer, counters. */
  readonly connection: CoapConnection;
  readonly #base: CoapClientBase;

  constructor(connection: CoapConnection, base: CoapClientBase) {
    this.connection = connection;
    this.#base = base;
  }

  get(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('GET', path, fields);
  }

  put(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('PUT', path, fields);
  }

  post(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('POST', path, fields);
  }

  delete(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('DELETE', path, fields);
  }

  fetch(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('FETCH', path, fields);
  }

  patch(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('PATCH', path, fields);
  }

  iPatch(path: string, fields?: RequestFields): Promise<IncomingResponse> {
    return this.request('iPATCH', path, fields);
  }

  async request(method: Method, path: string, fields: RequestFields = {}): Promise<IncomingResponse> {
    return this.connection.request(this.#at(method, path, fields), fields);
  }

  /** GET whose body is fetched as it is read: for what is too large for memory. */
  async getStream(path: string, fields: RequestFields = {}): Promise<StreamedResponse> {
    return this.connection.requestStream(this.#at('GET', path, fields), fields);
  }

  /** Observes by GET: the first response and then the notifications, to iterate over. */
  async observe(path: string, options: RequestFields & NotificationsOptions = {}): Promise<Notifications> {
    return Notifications.open(this.connection, this.#at('GET', path, options), this.#base.environment, options);
  }

  /** Ends what is under way, and closes the socket at once; its keys are zeroed. */
  close(): void {
    this.connection.close();
    this.#base.close();
  }

  /** As `close`, but the peer hears that this is the end (close_notify, FIN), after what the socket has taken: 2 s at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    await this.#base.closeInOrder();
  }

  #at(method: Method, path: string, fields: RequestFields): OutgoingRequest {
    const relative = parseCoapUri(`coap://host${path.startsWith('/') || path === '' ? '' : '/'}${path}`);
    return {
      ...fields,
      method,
      path: [...this.#base.path, ...relative.path],
      query: [...this.#base.query, ...relative.query],
    };
  }
}
