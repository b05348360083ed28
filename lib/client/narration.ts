// What one association tells the application of itself, as events.

import type { ClientEvents, ServerReference } from './events.ts';
import type { AnySocket } from '../net/index.ts';
import type { Duration, Events, Log } from '../runtime/index.ts';
import type { FailureReason, Registration } from './registration.ts';
import type { IncomingRequest, OutgoingResponse } from '../coap/index.ts';
import { LwM2mError } from './lwm2m-error.ts';
import { refusedError } from './registration-exchanges.ts';

/** Events about one server. */
export class Narration {
  readonly #events: Events<ClientEvents>;
  readonly #server: ServerReference;
  readonly #log: Log;

  constructor(events: Events<ClientEvents>, server: ServerReference, log: Log) {
    this.#events = events;
    this.#server = server;
    this.#log = log;
  }

  /** What a listener throws is its own affair: the registration goes on. */
  emit<K extends keyof ClientEvents>(name: K, payload: Omit<ClientEvents[K], 'server'>): void {
    try {
      this.#events.emit(name, { ...payload, server: this.#server } as ClientEvents[K]);
    } catch (error) {
      this.#log.error({ event: name, error: error instanceof Error ? error.name : typeof error }, 'a listener failed');
    }
  }

  connected(socket: AnySocket): void {
    const { local, remote } = socket;
    this.emit('connected', { local, remote, negotiated: socket.getOption('negotiated') });
  }

  registered({ location, version, parameters: { lifetime } }: Registration): void {
    this.emit('registered', { location: `/${location.join('/')}`, lifetime, version });
  }

  updated({ location, parameters: { lifetime } }: Registration): void {
    this.emit('updated', { location: `/${location.join('/')}`, lifetime });
  }

  registrationFailed(reason: FailureReason, retryAfter: Duration | undefined): void {
    this.emit('registrationFailed', { error: this.#errorOf(reason), retryAfter });
  }

  answered({ method, path }: IncomingRequest, response: OutgoingResponse | undefined): void {
    this.emit('request', { method, path: `/${path.join('/')}`, code: response?.code });
  }

  #errorOf(reason: FailureReason): Error {
    if (reason.kind === 'refused') return refusedError(this.#server.uri, reason.code);
    return reason.error instanceof Error ? reason.error : new LwM2mError('ESTATE', String(reason.error));
  }
}
