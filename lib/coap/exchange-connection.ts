// What connections over datagrams and over streams share: both halves of the exchanges, over the carrier of their own.

import type { SocketError } from '../net/index.ts';
import type { Duration, Environment } from '../runtime/index.ts';
import type { Carrier } from './carrier.ts';
import { ClientExchanges } from './client-exchanges.ts';
import type {
  CoapConnection,
  IncomingRequest,
  IncomingResponse,
  Observation,
  ObservationWatcher,
  ObservedResource,
  ObserveOptions,
  OutgoingRequest,
  RequestHandler,
  RequestHead,
  StreamedResponse,
} from './exchange.ts';
import type { FreshnessOptions } from './freshness.ts';
import { ServerExchanges } from './server-exchanges.ts';
import type { TokenLayerOptions } from './token-layer.ts';

/** Limits and tasks of a connection, whatever carries it. */
export interface ExchangeConnectionOptions extends TokenLayerOptions {
  readonly handler?: RequestHandler | undefined;
  /** While it says no, requests get no answer at all, not even an error of this layer. Default: always yes. */
  readonly admits?: (() => boolean) | undefined;
  /** Called once when the socket has closed, with its cause if it was an error. Not called by `close()`. */
  readonly onClosed?: ((cause: SocketError | undefined) => void) | undefined;
  /** How long an answer may take after its request has arrived. Default EXCHANGE_LIFETIME, 247 s (RFC 7252 §4.8.2). */
  readonly responseTimeout?: Duration | undefined;
  /** Largest body, of requests and responses, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Least room kept beside a block for header, token and options, in bytes. Default 64. */
  readonly optionReserve?: number | undefined;
  /** Block-wise transfers at once, each way. Default 4. */
  readonly maxTransfers?: number | undefined;
  /** Bytes of response bodies kept for those who fetch them. Default 2 MiB. */
  readonly maxKeptBytes?: number | undefined;
  /** How long a block-wise transfer may pause. Default EXCHANGE_LIFETIME (RFC 7959 §2.4). */
  readonly transferLifetime?: Duration | undefined;
  /** Observations the peer may have. Default 1,000. */
  readonly maxObservations?: number | undefined;
  /** Bytes of the requests that observe, which are kept as long as they do. Default 1 KiB for each of `maxObservations`. */
  readonly maxObservedBytes?: number | undefined;
  /** Confirmable notifications out at once; observations beyond keep their newest state. Default NSTART (RFC 7641 §4.5.1). */
  readonly maxOutstandingNotifications?: number | undefined;
  /** Requests of the peer whose handler has not answered yet. Default 64. */
  readonly maxPendingRequests?: number | undefined;
  /** How long a handler may take; 5.03 is answered then. Default EXCHANGE_LIFETIME, 247 s: the peer has given up by then. */
  readonly handlerTimeout?: Duration | undefined;
  /** Chooses the requests whose body the handler reads as it comes (`request.body`). Default none: bodies are whole. */
  readonly streamed?: ((request: RequestHead) => boolean) | undefined;
  /** Requests that must be fresh: they are answered 4.01 with Echo until they are (RFC 9175 §2). Default none. */
  readonly freshness?: FreshnessOptions | undefined;
  /** Critical options that handler and callers understand, beside those of this layer. Default none. */
  readonly understoodOptions?: readonly number[] | undefined;
}

/** What the carrier decides where the options do not. */
export interface ExchangeDefaults {
  /** For answers, transfers and handlers. */
  readonly lifetime: Duration;
  readonly outstandingNotifications: number;
}

interface Signalled {
  readonly signal?: AbortSignal | undefined;
}

/** Extended by those who carry messages: they take `carrier`, call the halves for what arrives, and `endExchanges` at the end. */
export abstract class ExchangeConnection implements CoapConnection {
  protected readonly client: ClientExchanges;
  protected readonly server: ServerExchanges;
  /** Set once nothing more is carried. */
  protected closedBy: Error | undefined;

  protected constructor(environment: Environment, options: ExchangeConnectionOptions, defaults: ExchangeDefaults) {
    const { lifetime } = defaults;
    const { maxObservations = 1_000 } = options;
    const carrier = this.carrier();
    const shared = {
      maxBodyBytes: options.maxBodyBytes ?? 1_048_576,
      optionReserve: options.optionReserve ?? 64,
      understoodOptions: options.understoodOptions ?? [],
    };
    this.client = new ClientExchanges(carrier, environment.random, environment.log, {
      ...shared,
      tokenLength: options.tokenLength,
      maxOpenTokens: options.maxOpenTokens,
      responseTimeout: options.responseTimeout ?? lifetime,
    });
    this.server = new ServerExchanges(carrier, environment.random, environment.log, {
      ...shared,
      maxTransfers: options.maxTransfers ?? 4,
      maxKeptBytes: options.maxKeptBytes ?? 2_097_152,
      lifetime: options.transferLifetime ?? lifetime,
      maxObservations,
      maxObservedBytes: options.maxObservedBytes ?? 1_024 * maxObservations,
      maxPendingRequests: options.maxPendingRequests ?? 64,
      handlerTimeout: options.handlerTimeout ?? lifetime,
      admits: options.admits,
      streamed: options.streamed,
      freshness: options.freshness,
      maxOutstandingNotifications: options.maxOutstandingNotifications ?? defaults.outstandingNotifications,
    });
    this.server.handler = options.handler;
  }

  abstract ping(options?: Signalled): Promise<void>;
  abstract close(): void;
  /** Called once, before the constructor of the class that extends has run: gives functions that are called only after it. */
  protected abstract carrier(): Carrier;

  get handler(): RequestHandler | undefined {
    return this.server.handler;
  }

  set handler(handler: RequestHandler | undefined) {
    this.server.handler = handler;
  }

  request(request: OutgoingRequest, options: Signalled = {}): Promise<IncomingResponse> {
    return this.client.request(request, options.signal);
  }

  requestStream(request: OutgoingRequest, options: Signalled = {}): Promise<StreamedResponse> {
    return this.client.requestStream(request, options.signal);
  }

  send(request: OutgoingRequest, options: Signalled = {}): Promise<void> {
    return this.client.send(request, options.signal);
  }

  observe(
    request: OutgoingRequest,
    notified: (response: IncomingResponse) => void,
    options: ObserveOptions = {},
  ): Promise<ObservedResource> {
    return this.client.observe(request, notified, options);
  }

  adoptObservation(request: IncomingRequest, watcher: ObservationWatcher, sequence: number): Observation {
    if (this.closedBy !== undefined) throw this.closedBy;
    return this.server.adopt(request, watcher, sequence);
  }

  /** Ends every exchange and observation with `error`. */
  protected endExchanges(error: Error): void {
    this.closedBy = error;
    this.client.close(error);
    this.server.close(error);
  }
}
