// For each case of the kit a backend that breaks its rule: what proves that the case can fail.

import assert from 'node:assert/strict';
import { toHex } from '../../lib/bytes/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { KEY, OTHER_KEY, clientSecurity } from '../../lib/net/conformance/backend/credentials.ts';
import {
  BACKEND_CASES,
  type BackendCase,
  type BackendFixture,
  ConformanceError,
  type Kind,
  type RawSockets,
  backendCases,
} from '../../lib/net/conformance/backend/index.ts';
import {
  type AnySocket,
  type SecurityBackend,
  type ServerConfiguration,
  SocketError,
  type SocketHandler,
  type SslConfiguration,
} from '../../lib/net/index.ts';
import { type Environment, later, seconds } from '../../lib/runtime/index.ts';
import { type Overrides, standBefore } from './broken-sockets.ts';

/** What a broken backend does differently from the native one. */
export interface BackendBreakage {
  /** What it makes of a client's configuration. */
  readonly configure?: (configuration: SslConfiguration) => SslConfiguration;
  /** What its clients do differently; `remade` is another good one of the configuration as it is by then. */
  readonly client?: (good: AnySocket, remade: () => AnySocket) => Overrides;
  readonly configureServer?: (configuration: ServerConfiguration) => ServerConfiguration;
  readonly server?: (good: AnySocket) => Overrides;
  /** What the raw sockets do differently that it uses. */
  readonly lower?: (good: AnySocket) => Overrides;
  /** Called with each configuration, and the log. */
  readonly tells?: (configuration: SslConfiguration | ServerConfiguration, environment: Environment) => void;
}

function brokenBackend<S extends Kind<S>>(
  rawSocket: RawSockets<S>,
  { backend }: BackendFixture<S>,
  breakage: BackendBreakage,
): SecurityBackend<S> {
  const { configure = (same) => same, configureServer = (same) => same } = breakage;
  const good = backend((...raw) => {
    const socket = rawSocket(...raw);
    return standBefore(socket, breakage.lower?.(socket) ?? {});
  });
  return {
    ...good,
    createSocket(configuration, environment) {
      breakage.tells?.(configuration, environment);
      const make = (): S => good.createSocket(configure(configuration), environment);
      const socket = make();
      return standBefore(socket, breakage.client?.(socket, make) ?? {});
    },
    createServer(configuration, environment) {
      breakage.tells?.(configuration, environment);
      const socket = good.createServer?.(configureServer(configuration), environment);
      assert.ok(socket, 'the backend makes servers');
      return standBefore(socket, breakage.server?.(socket) ?? {});
    },
  };
}

/**
 * One spec for each case that can be tried in one of the fixtures: the good backend passes it, the broken one does not.
 * @returns names of the cases that can be tried in none
 */
export function brokenBackendCases<S extends Kind<S>>(fixtures: readonly BackendFixture<S>[]): readonly string[] {
  const untried: string[] = [];
  for (const { name } of BACKEND_CASES) {
    const fixture = fixtures.find((each) => caseNamed(name, each)?.skipped === undefined && caseNamed(name, each));
    if (fixture === undefined) untried.push(name);
    else it(name, () => fails(name, fixture));
  }
  return untried;
}

async function fails<S extends Kind<S>>(name: string, fixture: BackendFixture<S>): Promise<void> {
  await caseNamed(name, fixture)?.run();
  const breakage = BROKEN_BACKENDS[name] ?? {};
  const failing = caseNamed(name, { ...fixture, backend: (rawSocket) => brokenBackend(rawSocket, fixture, breakage) });
  await assert.rejects(
    async () => failing?.run(),
    (error) => error instanceof ConformanceError || error instanceof SocketError,
    `the broken backend passes "${name}"`,
  );
}

function caseNamed<S extends Kind<S>>(name: string, fixture: BackendFixture<S>): BackendCase | undefined {
  return backendCases(fixture).find((each) => each.name === name);
}

/** `getOption(key)` answers `value`. */
const option = (key: string, value: (good: AnySocket) => unknown): BackendBreakage => ({
  client: (good) => ({
    getOption: (asked: 'state') => (asked === (key as string) ? value(good) : good.getOption(asked)),
  }),
});

function over(upper: AnySocket, lower: AnySocket, host: string | undefined): Promise<void> {
  if (upper.transport === 'datagram' && lower.transport === 'datagram') return upper.decorate(lower, { host });
  assert.ok(upper.transport === 'stream' && lower.transport === 'stream', 'both sockets are of one kind');
  return upper.decorate(lower, { host });
}

const without = (...fields: readonly Exclude<keyof SslConfiguration, 'security'>[]): BackendBreakage => ({
  configure: (configuration) => ({
    ...configuration,
    ...Object.fromEntries(fields.map((field) => [field, undefined])),
  }),
});

/** Believes, or is, whoever the cases mean to be good. */
const trusting: BackendBreakage = {
  configure: (configuration) => ({ ...configuration, security: clientSecurity(configuration.security.mode) }),
};

const handlers = (change: (handler: SocketHandler) => SocketHandler): BackendBreakage => ({
  client: (good) => ({
    get handler() {
      return good.handler;
    },
    set handler(handler: SocketHandler | undefined) {
      good.handler = handler && change(handler);
    },
  }),
});

const nothing = (): void => undefined;
const errorInPlace: BackendBreakage = handlers((handler) => ({
  readable: () => handler.readable(),
  writable: () => handler.writable(),
  closed: () => handler.closed(new SocketError('EIO', 'something')),
}));

/** Says that it is connected, whatever came of it. */
const optimistic: BackendBreakage = {
  client: (good) => ({ connect: (...to: Parameters<AnySocket['connect']>) => good.connect(...to).catch(nothing) }),
};

/** Makes its socket when it is used, of what the configuration is by then. */
const lazy: BackendBreakage = {
  client: (_good, remade) => {
    let socket: AnySocket | undefined;
    return { connect: (...to: Parameters<AnySocket['connect']>) => (socket ??= remade()).connect(...to) };
  },
};

const deaf: BackendBreakage = {
  client: (good) => ({
    connect: (host: string, port: number) => good.connect(host, port),
    decorate: (lower: AnySocket, options?: { host?: string }) => over(good, lower, options?.host),
  }),
};
const talkative: BackendBreakage = {
  tells: ({ security }, { log }) => {
    if (security.mode !== 'psk') return log.debug({ security }, 'a socket');
    const known =
      'key' in security
        ? security.key
        : security.lookup(new TextEncoder().encode('conformance-device'), { address: '', port: 0 });
    if (known === undefined || known instanceof Promise) return;
    if (known.source.kind === 'buffer') log.debug(`the key is ${toHex(known.source.bytes)}`);
  },
};
const noSession: BackendBreakage = option('negotiated', () => undefined);
const acceptsNobody: BackendBreakage = {
  server: () => ({ accept: () => Promise.reject(new SocketError('ENOTSUP', 'nobody')) }),
};

/** Has a session although nobody got in. */
const welcoming: BackendBreakage = { server: (good) => ({ accept: async () => good }) };

export const BROKEN_BACKENDS: Readonly<Record<string, BackendBreakage>> = {
  'handshake with a pre-shared key': noSession,
  'handshake with certificates': noSession,
  'handshake with raw public keys': noSession,
  'the cipher suite asked for': without('ciphersuites'),
  'what is lacking is refused': without('versions', 'ciphersuites'),
  'key log': without('dangerKeyLog'),
  additionalConfiguration: without('additionalConfiguration'),
  'wrong key': trusting,
  'no anchors': trusting,
  'certificate of a stranger': trusting,
  'certificate for another name': without('serverName'),
  'raw public key of a stranger': trusting,
  'credential kinds never crossed': optimistic,
  'alert of the handshake': {
    client: (good) => ({
      connect: (...to: Parameters<AnySocket['connect']>) =>
        good.connect(...to).catch(() => Promise.reject(new SocketError('EPROTO', 'no handshake'))),
    }),
  },
  'alert of a connection': errorInPlace,
  DANE: without('daneTlsaRecords'),
  'inner MTU': option('innerMtu', (good) => good.getOption('innerMtu') - 1),
  'inner MTU of every suite': option('innerMtu', (good) => good.getOption('innerMtu') - 1),
  'inner MTU with a connection id': option('innerMtu', (good) => good.getOption('innerMtu') - 1),
  'two records in one arrival': option('hasBufferedData', () => false),
  'several arrivals at once': { lower: onePerArrival },
  'noise is silent': { client: (good) => ({ receive: () => good.receive() ?? new Uint8Array(0) }) },
  'replays are silent': { client: (good) => twice(good) },
  'connect twice': optimistic,
  'close and reconnect': {
    client: (good) => ({ connect: once((host: string, port: number) => good.connect(host, port)) }),
  },
  'failed connect': { tells: (_, { clock, timers }) => void timers.at(later(clock.now(), seconds(5)), nothing) },
  'decorate a connected socket': leakingWhenGiven(),
  'decorate a closed socket': { client: () => ({ decorate: async () => undefined }) },
  'decorate that fails': leakingWhenGiven(),
  'the raw socket ends': handlers((handler) => ({
    readable: () => handler.readable(),
    writable: () => handler.writable(),
    closed: (cause) => {
      handler.closed(cause);
      handler.closed(cause);
    },
  })),
  'the peer ends in order': errorInPlace,
  'an end that is cut off': handlers((handler) => ({
    readable: () => handler.readable(),
    writable: () => handler.writable(),
    closed: () => handler.closed(),
  })),
  dispose: { client: () => ({ [Symbol.asyncDispose]: async () => undefined }) },
  resumption: without('sessionStore'),
  'no resumption without a store': option('sessionResumed', () => true),
  'resumption by another': option('sessionResumed', () => true),
  'a live session': without('liveSession'),
  'a handshake that nobody answers': {
    client: (good) => ({
      connect: (...to: Parameters<AnySocket['connect']>) =>
        good.connect(...to).catch(() => Promise.reject(new SocketError('ECONNREFUSED', 'nobody'))),
    }),
  },
  'a stream on which nobody answers': {
    client: (good) => ({
      connect: (...to: Parameters<AnySocket['connect']>) =>
        good.connect(...to).catch(() => Promise.reject(new SocketError('ECONNRESET', 'the server went away'))),
    }),
  },
  'times of retransmission': without('handshakeTimeouts'),
  dtlsHandshakeTimeouts: { client: () => ({ setOption: nothing }) },
  'a lost datagram': { configure: (configuration) => ({ ...configuration, handshakeTries: 1 }) },
  'connect aborted at every step': deaf,
  'closed at every step of connect': { client: () => ({ close: nothing }) },
  'decorate aborted at every step': deaf,
  'credentials are copied': lazy,
  'certificates are copied': lazy,
  'our own certificate is told': without('onOwnCertificate'),
  'the configuration is copied': lazy,
  'secrets are not printed': talkative,
  'server with a pre-shared key': acceptsNobody,
  'server with certificates': acceptsNobody,
  'server with raw public keys': acceptsNobody,
  'server and a wrong key': knowing(OTHER_KEY),
  'server with keys looked up later': knowing(KEY),
  'server credential kinds never crossed': welcoming,
  'server with several clients': { configureServer: (configuration) => ({ ...configuration, maxSessions: 1 }) },
  'server resumption': { configureServer: (configuration) => ({ ...configuration, resumption: false }) },
  'server closed': {
    server: (good) => ({
      accept: (...given: Parameters<AnySocket['accept']>) =>
        good.accept(...given).catch(() => Promise.reject(new SocketError('EIO', 'something'))),
    }),
  },
  'server secrets are not printed': talkative,
};

/** Asks nobody for keys. */
function knowing(key: Uint8Array): BackendBreakage {
  const security = { mode: 'psk', lookup: () => pskKeyFromBuffer(key) } as const;
  return { configureServer: (configuration) => ({ ...configuration, security }) };
}

function once<A extends readonly unknown[]>(call: (...given: A) => Promise<void>): (...given: A) => Promise<void> {
  let calls = 0;
  return (...given) => (calls++ === 0 ? call(...given) : Promise.reject(new SocketError('EBADF', 'used up')));
}

/** Gives one piece for each call of `readable`, whatever else waits. */
function onePerArrival(good: AnySocket): Overrides {
  let allowed = 0;
  return {
    get handler() {
      return good.handler;
    },
    set handler(handler: SocketHandler | undefined) {
      const readable = (): void => {
        allowed = 1;
        handler?.readable();
      };
      good.handler = handler && {
        readable,
        writable: () => handler.writable(),
        closed: (cause) => handler.closed(cause),
      };
    },
    receive: () => (allowed-- > 0 ? good.receive() : undefined),
    getOption: (key: 'state') => (key === ('hasBufferedData' as string) && allowed <= 0 ? false : good.getOption(key)),
  };
}

/** Gives each message twice. */
function twice(good: AnySocket): Overrides {
  let again: Uint8Array | undefined;
  return {
    receive: () => {
      const bytes = again ?? good.receive();
      again = again === undefined ? bytes?.slice() : undefined;
      return bytes;
    },
    getOption: (key: 'state') =>
      key === ('hasBufferedData' as string) && again !== undefined ? true : good.getOption(key),
  };
}

/** Does not close the socket it was given. */
function leakingWhenGiven(): BackendBreakage {
  return {
    client: (good) => ({
      decorate: (lower: AnySocket, options?: { host?: string }) =>
        over(good, standBefore(lower, { close: nothing }), options?.host),
    }),
  };
}
