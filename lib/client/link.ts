// The connection with one server, made anew as often as its association asks for it: socket, CoAP, local port, and its end.

import { type Backends, openSocket } from './connection.ts';
import type { CheckedAccount } from './accounts.ts';
import {
  type CoapConnection,
  type IncomingRequest,
  type OutgoingResponse,
  type RequestHead,
  TcpCoapConnection,
  type TcpCoapOptions,
  UdpCoapConnection,
  type UdpCoapOptions,
} from '../coap/index.ts';
import type { DatagramSocket, StreamSocket } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import { differingNames } from './certificate-name.ts';
import { leave } from './leave-socket.ts';

export interface LinkOptions {
  readonly account: CheckedAccount;
  readonly endpoint: string;
  readonly backends: Backends;
  readonly environment: Environment;
  readonly coap: UdpCoapOptions & TcpCoapOptions;
  /** Whether requests are looked at now. */
  readonly admits: () => boolean;
  readonly handler: (request: IncomingRequest) => OutgoingResponse | undefined | Promise<OutgoingResponse>;
  /** Whether the body of a request goes to the handler as it comes. */
  readonly streamed: (request: RequestHead) => boolean;
  /** Before anything is sent, once: our certificate has other names than the endpoint. */
  readonly onNameDiffers: (commonNames: readonly string[]) => void;
  /** The connection in use ended without our doing. */
  readonly onLost: (cause: Error | undefined) => void;
}

/** At most one connection at a time. */
export class ServerLink {
  /** Used again by the next connection; not by a stream's, whose port the host keeps for minutes (TIME-WAIT). */
  localPort: number | undefined;
  readonly #options: LinkOptions;
  #socket: DatagramSocket | StreamSocket | undefined;
  #connection: CoapConnection | undefined;
  #closing: Promise<void> = Promise.resolve();
  #nameCompared = false;
  #attempt = 0;

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

  /**
   * @returns the socket under the connection; undefined if `signal` aborted meanwhile
   * @throws SocketError; CoapError if the peer at the other end of a stream does not introduce itself (RFC 8323 §5.3)
   */
  async open(signal: AbortSignal): Promise<DatagramSocket | StreamSocket | undefined> {
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
    this.#socket = socket;
    if (socket.transport === 'datagram') {
      this.localPort = socket.local?.port;
      this.#connection = new UdpCoapConnection(socket, environment, this.#coapOptions());
    } else await this.#introduce(new TcpCoapConnection(socket, environment, this.#coapOptions()), socket, signal);
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

  /** Nothing is asked before both ends have said what they can take. */
  async #introduce(connection: TcpCoapConnection, socket: StreamSocket, signal: AbortSignal): Promise<void> {
    try {
      await connection.introduced({ signal });
      signal.throwIfAborted();
      this.#connection = connection;
    } catch (error) {
      connection.close();
      if (this.#socket === socket) this.close(false);
      throw error;
    }
  }

  /** For one connection: only the one in use can be lost. */
  #coapOptions(): UdpCoapOptions & TcpCoapOptions {
    const { coap, admits, handler, streamed, onLost } = this.#options;
    const attempt = ++this.#attempt;
    return {
      ...coap,
      admits,
      handler,
      streamed,
      onClosed: (cause) => {
        if (attempt === this.#attempt && this.#connection !== undefined) onLost(cause);
      },
    };
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
