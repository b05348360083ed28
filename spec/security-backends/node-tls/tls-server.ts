// The other end for specs: a listening socket on node:tls, whose sessions are stream sockets.

import { once } from 'node:events';
import { type Server, type TLSSocket, type TlsOptions, createServer } from 'node:tls';
import type { Socket } from 'node:net';
import {
  AcceptQueue,
  type Cancellable,
  type SocketConfiguration,
  SocketError,
  type StreamSocket,
  checkedSocketConfiguration,
} from '../../../lib/net/index.ts';
import { NodeStreamCore } from '../../../lib/net/node/index.ts';
import type { Environment } from '../../../lib/runtime/index.ts';

export const IDENTITY = 'urn:dev:näme'; // not ASCII on purpose
export const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);

const SUITES = 'TLS_AES_128_GCM_SHA256:PSK-AES128-CCM8:PSK-AES128-GCM-SHA256';

export class TlsServer extends NodeStreamCore {
  override readonly secure = true;
  readonly #options: TlsOptions;
  readonly #given: SocketConfiguration | undefined;
  #server: Server | undefined;
  #sessions: AcceptQueue<TlsSession> | undefined;

  constructor(environment: Environment, given?: SocketConfiguration, options: TlsOptions = {}) {
    super(environment, checkedSocketConfiguration(given));
    this.#given = given;
    this.#options = options;
  }

  connect(): Promise<void> {
    return Promise.reject(new SocketError('ENOTSUP', 'a listener', { fatal: false }));
  }

  override async bind(address: string, port: number): Promise<void> {
    await this.open('bound', undefined, async () => {
      const sessions = new AcceptQueue<TlsSession>(this.environment);
      const server = createServer({
        ciphers: SUITES,
        pskCallback: (_socket, identity) => (identity === IDENTITY ? KEY : null),
        allowHalfOpen: true,
        ...this.#options,
      });
      const raw = new Map<number | undefined, Socket>();
      server.on('connection', (handle) => raw.set(handle.remotePort, handle));
      server.on('secureConnection', (handle) => {
        sessions.offer(new TlsSession(this.environment, this.#given, handle, raw.get(handle.remotePort)));
      });
      server.on('tlsClientError', () => undefined);
      server.listen(port, address);
      await once(server, 'listening');
      const local = server.address();
      if (local !== null && typeof local === 'object')
        this.localEndpoint = { address: local.address, port: local.port };
      this.#server = server;
      this.#sessions = sessions;
    });
  }

  override async accept(options?: Cancellable): Promise<StreamSocket> {
    if (this.#sessions === undefined) throw this.badState();
    return this.#sessions.accept(options);
  }

  protected release(): void {
    for (const session of this.#sessions?.close() ?? []) session.close();
    this.#server?.close();
    this.#server = undefined;
    this.#sessions = undefined;
    this.localEndpoint = undefined;
  }
}

class TlsSession extends NodeStreamCore {
  override readonly secure = true;
  readonly #raw: Socket | undefined;

  constructor(
    environment: Environment,
    configuration: SocketConfiguration | undefined,
    handle: TLSSocket,
    raw: Socket | undefined,
  ) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#raw = raw;
    this.remoteEndpoint = { address: handle.remoteAddress ?? '', port: handle.remotePort ?? 0 };
    this.attach(handle);
    this.adopt('accepted');
  }

  connect(): Promise<void> {
    return Promise.reject(new SocketError('ENOTSUP', 'a session', { fatal: false }));
  }

  /** RST instead of FIN. */
  reset(): void {
    this.#raw?.resetAndDestroy();
  }

  protected release(): void {
    this.detach();
  }
}

/** Ends a session of a TlsServer abruptly. */
export function reset(session: object): void {
  if (session instanceof TlsSession) session.reset();
}
