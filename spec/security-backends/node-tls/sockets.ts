// Clients and servers of the node-tls backend over TCP: what its specs and the conformance cases are made with. Chains are
// those of spec/crypto/fixtures, at their moment.

import { utf8Encode } from '../../../lib/bytes/index.ts';
import {
  type CertificateChainInfo,
  type PskKeyInfo,
  certificateChainFromArray,
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import { nodeKeyDecryption } from '../../../lib/crypto/node/index.ts';
import type { Feature, SocketFixture } from '../../../lib/net/conformance/index.ts';
import {
  type CertificateSecurity,
  type CertificateServerSecurity,
  type PskServerSecurity,
  type Resolver,
  type Security,
  type SecurityVersion,
  type ServerConfiguration,
  type ServerSecurity,
  SocketError,
  type SslConfiguration,
  type StreamSocket,
} from '../../../lib/net/index.ts';
import { systemResolver, tcpSocket } from '../../../lib/net/node/index.ts';
import { type Environment, type Log, systemClock, systemEnvironment } from '../../../lib/runtime/index.ts';
import { type NodeTls, nodeTls } from '../../../security-backends/node-tls/index.ts';
import { FIXTURE_TIME, certificateDer, keyPem } from '../../crypto/fixtures/fixtures.ts';
import { deadTcpPort, openHandles } from '../../net/fixtures.ts';

export const ADDRESS = '127.0.0.1';
/** Resolves to ADDRESS; the fixtures' server certificate is for it. */
export const HOST = 'server.example';
export const TLS_VERSIONS: readonly SecurityVersion[] = ['TLS1.2', 'TLS1.3'];

export const IDENTITY = 'urn:dev:näme'; // not ASCII on purpose
export const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);

export const PSK: Security = {
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode(IDENTITY)),
  key: pskKeyFromBuffer(KEY),
};

export const PSK_SERVER: PskServerSecurity = {
  mode: 'psk',
  /** The key of IDENTITY, and of nobody else. */
  lookup: (identity): PskKeyInfo | undefined =>
    new TextDecoder().decode(identity) === IDENTITY ? pskKeyFromBuffer(KEY) : undefined,
};

export const chainOf = (...names: readonly string[]): CertificateChainInfo =>
  certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));

export const SERVER: CertificateServerSecurity = {
  mode: 'certificate',
  chain: chainOf('server', 'inter'),
  key: privateKeyFromBuffer(keyPem('server certificate key')),
  trustAnchors: chainOf('root'),
};

export const TRUSTING: CertificateSecurity = { mode: 'certificate', trustAnchors: chainOf('root') };

/** Shows a certificate that SERVER lets in. */
export const SHOWING: CertificateSecurity = {
  ...TRUSTING,
  clientChain: chainOf('client', 'inter'),
  clientKey: privateKeyFromBuffer(keyPem('client certificate key')),
};

const resolver: Resolver = async (host, options) => {
  if (host === HOST) return [ADDRESS];
  if (host === 'unknown.invalid') throw new SocketError('ENOTFOUND', 'no such name');
  return systemResolver(host, options);
};

/** One backend with what its case has open. Not a simulation: OpenSSL and path validation work in real time. */
export class World {
  readonly environment: Environment;
  readonly backend: NodeTls;
  readonly #open: { close(): void }[] = [];
  wallTime = FIXTURE_TIME;
  readonly logged: string[] = [];
  #listening: (() => void)[] = [];

  constructor() {
    const note = (fields: object | string, message = ''): void =>
      this.#note(typeof fields === 'string' ? fields : `${message} ${JSON.stringify(fields)}`);
    const log: Log = { trace: note, debug: note, info: note, warn: note, error: note, child: () => log };
    const clock = { now: () => systemClock.now(), wallTime: () => this.wallTime };
    this.environment = systemEnvironment({ clock, log });
    this.backend = nodeTls({
      keyDecryption: nodeKeyDecryption,
      streamSocket: (configuration, environment) => tcpSocket(configuration, environment, { resolver }),
    });
  }

  #note(line: string): void {
    this.logged.push(line);
    for (const told of this.#listening.splice(0)) told();
  }

  /** Resolves once so many lines of the log match. */
  async logs(pattern: RegExp, count = 1): Promise<readonly string[]> {
    for (;;) {
      const lines = this.logged.filter((line) => pattern.test(line));
      if (lines.length >= count) return lines;
      await new Promise<void>((told) => this.#listening.push(told));
    }
  }

  client(security: Security, more: Partial<SslConfiguration> = {}): StreamSocket {
    return this.keep(this.backend.createSocket({ security, ...more }, this.environment));
  }

  /** Bound. */
  async server(security: ServerSecurity, more: Partial<ServerConfiguration> = {}): Promise<StreamSocket> {
    const server = this.keep(this.backend.createServer({ security, ...more }, this.environment));
    await server.bind(ADDRESS, 0);
    return server;
  }

  /** Connects, says hello and hears it. @returns both ends */
  async join(client: StreamSocket, server: StreamSocket, host = HOST): Promise<StreamSocket> {
    const accepted = server.accept();
    accepted.catch(() => undefined);
    await client.connect(host, server.local?.port ?? 0);
    const ended = new Promise<never>((_, reject) => {
      const closed = (cause?: SocketError): void => reject(cause ?? new Error('the server ended it'));
      client.handler = { readable: () => undefined, writable: () => undefined, closed };
    });
    const session = this.keep(await Promise.race([accepted, ended]));
    ended.catch(() => undefined);
    client.handler = undefined;
    client.send(Uint8Array.of(1, 2, 3));
    await session.next();
    session.send(Uint8Array.of(4));
    await client.next();
    return session;
  }

  /** The error of a client that does not get in, or that is shown out at once (in TLS 1.3 a server judges later). */
  async refused(client: StreamSocket, server: StreamSocket, host = HOST): Promise<SocketError> {
    const waiting = new AbortController();
    const accepted = server.accept({ signal: waiting.signal }).then(
      () => 'accepted',
      () => 'not accepted',
    );
    const error = await client
      .connect(host, server.local?.port ?? 0)
      .then(() => client.next())
      .then(
        () => new Error('it got in'),
        (reason: unknown) => reason,
      );
    waiting.abort();
    if ((await accepted) === 'accepted') throw new Error('the server let it in');
    if (!(error instanceof SocketError)) throw error;
    return error.code === 'EBADF' && error.cause instanceof SocketError ? error.cause : error;
  }

  keep<T extends { close(): void }>(socket: T): T {
    this.#open.push(socket);
    return socket;
  }

  close(): void {
    for (const each of this.#open.splice(0)) each.close();
  }
}

/** For the conformance cases of sockets: clients and servers of ours, and their sessions. */
export function tlsFixture(
  name: string,
  version: SecurityVersion,
  security: { readonly client: Security; readonly server: ServerSecurity },
): SocketFixture {
  const { backend, environment } = new World();
  return {
    name: `${name} ${version}`,
    transport: 'stream',
    secure: true,
    features: new Set<Feature>(['sessions', 'decorate', 'decorateFails', 'connectFails', 'reset', 'names', 'system']),
    environment,
    address: ADDRESS,
    host: HOST,
    socket: (socket) =>
      backend.createSocket({ security: security.client, serverName: HOST, versions: [version], socket }, environment),
    listener: (socket) => backend.createServer({ security: security.server, versions: [version], socket }, environment),
    run: (promise) => promise,
    lower: async (port) => {
      const lower = tcpSocket(undefined, environment);
      await lower.connect(ADDRESS, port);
      return lower;
    },
    failingLower: () => hungUp(environment),
    reset: (session) => {
      const { system } = session;
      if (typeof system === 'object' && system !== null && 'resetAndDestroy' in system) {
        (system.resetAndDestroy as () => void).call(system);
      }
    },
    deadPort: () => deadTcpPort(ADDRESS),
    openHandles,
  };
}

/** A TCP socket whose peer has gone. */
async function hungUp(environment: Environment): Promise<StreamSocket> {
  const [listener, lower] = [tcpSocket(undefined, environment), tcpSocket(undefined, environment)];
  await listener.bind(ADDRESS, 0);
  await lower.connect(ADDRESS, listener.local?.port ?? 0);
  (await listener.accept()).close();
  listener.close();
  return lower;
}
