// The connection with one server, made anew as often as its association asks for it: socket, CoAP, local port, and its end.

import { type Backends, openSocket } from './connection.ts';
import type { CheckedAccount } from './accounts.ts';
import type { CoapConnection, IncomingRequest, OutgoingResponse, UdpCoapOptions } from '../coap/index.ts';
import { UdpCoapConnection } from '../coap/index.ts';
import type { DatagramSocket } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import { differingNames } from './certificate-name.ts';
import { leave } from './leave-socket.ts';

export interface LinkOptions {
  readonly account: CheckedAccount;
  readonly endpoint: string;
  readonly backends: Backends;
  readonly environment: Environment;
  readonly coap: UdpCoapOptions;
  /** Whether requests are looked at now. */
  readonly admits: () => boolean;
  readonly handler: (request: IncomingRequest) => OutgoingResponse | undefined | Promise<OutgoingResponse>;
  /** Before anything is sent, once: our certificate has other names than the endpoint. */
  readonly onNameDiffers: (commonNames: readonly string[]) => void;
  /** The connection in use ended without our doing. */
  readonly onLost: (cause: Error | undefined) => void;
}

/** At most one connection at a time. */
export class ServerLink {
  /** Used again by the next connection. */
  localPort: number | undefined;
  readonly #options: LinkOptions;
  #socket: DatagramSocket | undefined;
  #connection: CoapConnection | undefined;
  #closing: Promise<void> = Promise.resolve();
  #nameCompared = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get connection(): CoapConnection | undefined {
    return this.#connection;
  }

  /** Resolves when what was closed is closed. */
  get closed(): Promise<void> {
    return this.#closing;
  }

  /** @returns the socket under the connection; undefined if `signal` aborted meanwhile. @throws SocketError */
  async open(signal: AbortSignal): Promise<DatagramSocket | undefined> {
    await this.#closing; // the local port has to be free again
    const { account, backends, environment } = this.#options;
    signal.throwIfAborted();
    const socket = await openSocket(account, backends, environment, {
      localPort: this.localPort,
      signal,
      onOwnCertificate: (certificate) => this.#compareName(certificate),
    });
    if (signal.aborted) {
      await socket[Symbol.asyncDispose]();
      return undefined;
    }
    this.#serve(socket);
    return socket;
  }

  /** @param goesOn leave the session, where it is kept, to whoever connects next */
  close(goesOn: boolean): void {
    this.#connection?.close();
    this.#connection = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    this.#closing = this.#closing.then(() => leave(socket, goesOn, this.#options.environment));
  }

  #serve(socket: DatagramSocket): void {
    const { coap, environment, admits, handler, onLost } = this.#options;
    const connection = new UdpCoapConnection(socket, environment, {
      ...coap,
      admits,
      handler,
      onClosed: (cause) => {
        if (connection === this.#connection) onLost(cause);
      },
    });
    this.#socket = socket;
    this.#connection = connection;
    this.localPort = socket.local?.port;
  }

  /** Told once, before anything is sent: whoever refuses us for it may do so without a word. */
  #compareName(certificate: Uint8Array): void {
    if (this.#nameCompared) return;
    this.#nameCompared = true;
    const { endpoint, environment } = this.#options;
    const commonNames = differingNames(certificate, endpoint);
    if (commonNames === undefined) return;
    const problem =
      'the commonName of our certificate is not the endpoint name: servers such as Leshan refuse Register';
    environment.log.warn({ endpoint, commonNames }, problem);
    this.#options.onNameDiffers(commonNames);
  }
}
