// For each conformance case a socket that breaks its rule and no other: what proves that the case can fail.

import type { SocketFixture } from '../../lib/net/conformance/index.ts';
import { type AnySocket, type SocketConfiguration, SocketError, type SocketHandler } from '../../lib/net/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { behind } from './fixtures.ts';

/** Members that stand before those of a good socket. */
export type Overrides = Record<string, unknown>;

export interface Breakage {
  /** What a broken socket does differently from the good one behind it. */
  readonly socket?: (good: AnySocket, configuration: SocketConfiguration | undefined) => Overrides;
  /** What it makes of its configuration. */
  readonly configure?: (configuration: SocketConfiguration | undefined) => SocketConfiguration | undefined;
}

/** A fixture all of whose sockets are broken in one way. */
export function brokenFixture(fixture: SocketFixture, breakage: Breakage): SocketFixture {
  const configure = breakage.configure ?? ((configuration) => configuration);
  return {
    ...fixture,
    socket: (configuration) => broken(fixture.socket(configure(configuration)), breakage, configuration),
    listener: (configuration) => broken(fixture.listener(configure(configuration)), breakage, configuration),
  };
}

function broken(good: AnySocket, breakage: Breakage, configuration?: SocketConfiguration): AnySocket {
  const sessions = {
    accept: async (...given: Parameters<AnySocket['accept']>) => broken(await good.accept(...given), breakage),
  };
  const socket = standBefore(good, withAccessors(sessions, breakage.socket?.(good, configuration) ?? {}));
  behind.set(socket, good);
  return socket;
}

/** The same socket but for `overrides`, which go before its own members. */
export function standBefore<S extends AnySocket>(good: S, overrides: Overrides): S {
  return new Proxy(good, {
    get: (target, key) => {
      if (Object.hasOwn(overrides, key)) return Reflect.get(overrides, key) as unknown;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) =>
      Object.hasOwn(overrides, key) ? Reflect.set(overrides, key, value) : Reflect.set(target, key, value, target),
  });
}

/** Object spread would call getters once; this keeps them. */
function withAccessors(...parts: readonly Overrides[]): Overrides {
  return Object.defineProperties(
    {},
    Object.assign({}, ...parts.map(Object.getOwnPropertyDescriptors)) as PropertyDescriptorMap,
  );
}

const nothing = (): void => undefined;
const never = (): Promise<never> => new Promise<never>(nothing);

/** `getOption(key)` answers `value`. */
function option(key: string, value: (good: AnySocket) => unknown): Breakage {
  return {
    socket: (good) => ({
      getOption: (asked: 'state') => (asked === (key as string) ? value(good) : good.getOption(asked)),
    }),
  };
}

function handlers(change: (handler: SocketHandler) => SocketHandler): Breakage {
  return {
    socket: (good) => ({
      get handler() {
        return good.handler;
      },
      set handler(handler: SocketHandler | undefined) {
        good.handler = handler && change(handler);
      },
    }),
  };
}

function without(...fields: readonly (keyof SocketConfiguration)[]): Breakage {
  return {
    configure: (configuration) =>
      Object.fromEntries(Object.entries(configuration ?? {}).filter(([key]) => !fields.some((field) => field === key))),
  };
}

const methods = (overrides: (good: AnySocket) => Overrides): Breakage => ({ socket: overrides });

const deafToSignals = methods((good) => ({
  connect: (host: string, port: number) => good.connect(host, port),
  next: () => good.next(),
  accept: () => good.accept(),
  decorate: (lower: AnySocket) => (good.decorate as (lower: AnySocket) => Promise<void>).call(good, lower),
}));

const setsNothing = methods(() => ({ setOption: nothing }));

let lastSent: Uint8Array | undefined;

/** By the name of the case that must fail. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  connect: methods(() => ({ remoteHostname: undefined })),
  'connect twice': methods((good) => ({
    connect: async (host: string, port: number) =>
      good.getOption('state') === 'connected' ? undefined : good.connect(host, port),
  })),
  'connect to an unknown name': methods((good) => ({
    connect: (host: string, port: number) =>
      good.connect(host, port).catch(() => Promise.reject(new SocketError('EIO', 'something went wrong'))),
  })),
  'connect to a port out of range': methods((good) => ({
    connect: (host: string, port: number) => good.connect(host, port & 0xffff),
  })),
  'failed connect': option('state', (good) =>
    good.getOption('state') === 'closed' ? 'connecting' : good.getOption('state'),
  ),
  'connect aborted before': deafToSignals,
  'connect aborted under way': deafToSignals,
  'close while connecting': methods((good) => ({
    close: () => (good.getOption('state') === 'connecting' ? undefined : good.close()),
  })),
  reconnect: methods((good) => {
    let lives = 0;
    return {
      connect: async (host: string, port: number) => {
        if (++lives > 1) throw new SocketError('EBADF', 'one life only');
        await good.connect(host, port);
      },
    };
  }),
  bind: methods((good) => ({
    get local() {
      return good.local && { ...good.local, port: 0 };
    },
  })),
  'bind to a name': methods((good) => ({
    bind: (address: string, port: number) => good.bind(/[a-z]/.test(address) ? '0.0.0.0' : address, port),
  })),
  'bind to a taken port': methods((good) => ({ bind: (address: string) => good.bind(address, 0) })),
  accept: methods((good) => {
    let first: Promise<AnySocket> | undefined;
    return { accept: () => (first ??= good.accept() as Promise<AnySocket>) };
  }),
  'accept aborted': deafToSignals,
  'accept on a connected socket': methods((good) => ({
    accept: async () => {
      if (good.getOption('state') !== 'bound') throw new SocketError('EBADF', 'not bound');
      return good.accept();
    },
  })),
  'accept ends with its listener': methods((good) => ({
    accept: () => (good.accept() as Promise<AnySocket>).catch(never),
  })),
  'send and receive': methods((good) => ({
    receive: () => {
      const bytes = good.receive();
      if (bytes?.[0] !== undefined) bytes[0] ^= 1;
      return bytes;
    },
  })),
  'send on a closed socket': methods((good) => ({
    send: (bytes: Uint8Array) => (good.getOption('state') === 'closed' ? undefined : good.send(bytes)),
  })),
  'send on a bound socket': methods((good) => ({
    send: (bytes: Uint8Array) => {
      if (good.getOption('state') === 'bound') throw new SocketError('EBADF', 'no peer');
      good.send(bytes);
    },
  })),
  'receive on a closed socket': methods((good) => ({
    receive: () => (good.getOption('state') === 'closed' ? undefined : good.receive()),
  })),
  'next waits': methods((good) => ({
    next: () => {
      const bytes = good.receive();
      return bytes === undefined && good.getOption('state') === 'connected' ? Promise.resolve(null) : good.next();
    },
  })),
  'next aborted': deafToSignals,
  'next with no time': methods((good) => ({
    next: () => (good.getOption('receiveTimeout') === 0 ? never() : good.next()),
  })),
  'next with finite time': methods((good) => ({
    next: () =>
      good
        .next()
        .catch((error: SocketError) => Promise.reject(new SocketError(error.code, error.message, { fatal: true }))),
  })),
  'next with unbounded time': methods((good) => {
    good.setOption('receiveTimeout', seconds(30));
    return {};
  }),
  shutdown: methods(() => ({ shutdown: async () => undefined })),
  'shutdown on a closed socket': methods((good) => ({
    shutdown: async () => (good.getOption('state') === 'closed' ? undefined : good.shutdown()),
  })),
  close: methods((good) => ({ next: () => good.next().catch(never) })),
  dispose: methods(() => ({ [Symbol.asyncDispose]: async () => undefined })),
  'system handle': methods(() => ({ system: undefined })),
  'interface name': methods(() => ({ interfaceName: 'eth0' })),
  'decorate without a layer below': methods(() => ({ decorate: async () => undefined })),
  decorate: methods(() => ({ close: nothing })),
  'decorate aborted': deafToSignals,
  'decorate that fails': methods(() => ({
    decorate: () => Promise.reject(new SocketError('ETIMEDOUT', 'no answer')),
  })),
  'the lower socket ends': handlers((handler) => ({
    ...handler,
    closed: (cause) => {
      handler.closed(cause);
      handler.closed(cause);
    },
  })),
  'state through a life': option('state', (good) => {
    const state = good.getOption('state');
    return state === 'connecting' ? 'closed' : state;
  }),
  addressFamily: option('addressFamily', () => 'ipv4'),
  mtu: option('mtu', () => 1500),
  'innerMtu of datagrams': option('innerMtu', (good) => good.getOption('innerMtu') + 1),
  'innerMtu of streams': option('innerMtu', (good) => good.getOption('innerMtu') - 1),
  hasBufferedData: option('hasBufferedData', () => false),
  sessionResumed: option('sessionResumed', () => true),
  connectionIdResumed: option('connectionIdResumed', () => true),
  bytesSent: option('bytesSent', () => 0n),
  bytesReceived: option('bytesReceived', () => 0n),
  negotiated: option('negotiated', () => ({ version: 'DTLS1.2', ciphersuite: 0xc0a8, extendedMasterSecret: true })),
  preferredAddressFamily: setsNothing,
  forcedAddressFamily: setsNothing,
  'forced family excludes': setsNothing,
  receiveTimeout: option('receiveTimeout', () => seconds(60)),
  dtlsHandshakeTimeouts: setsNothing,
  'dtlsHandshakeTimeouts elsewhere': setsNothing,
  daneTlsaRecords: setsNothing,
  'unknown option': methods((good) => ({
    getOption: (key: 'state') => ((key as string) === 'noSuchOption' ? undefined : good.getOption(key)),
  })),
  'readable once per arrival': handlers((handler) => ({
    ...handler,
    readable: () => {
      handler.readable();
      handler.readable();
    },
  })),
  'readable never from inside a call': methods((good) => ({
    get handler() {
      return good.handler;
    },
    set handler(handler: SocketHandler | undefined) {
      good.handler = handler;
      if (good.getOption('hasBufferedData')) handler?.readable();
    },
  })),
  'a handler set late': methods((good) => {
    good.handler = { readable: nothing, writable: nothing, closed: nothing };
    return {};
  }),
  'the draining loop is enough': methods((good) => ({
    getOption: (key: 'state' | 'hasBufferedData') => (key === 'hasBufferedData' ? false : good.getOption(key)),
    receive: () => (good.transport === 'stream' ? good.receive(1) : good.receive()),
  })),
  'closed once, by us': handlers((handler) => ({
    ...handler,
    closed: (cause) => {
      handler.closed(cause);
      handler.closed(cause);
    },
  })),
  'closed never without an opening': methods((good) => ({
    close: () => {
      good.close();
      good.handler?.closed();
    },
  })),
  'a fatal error': handlers((handler) => ({ ...handler, closed: () => handler.closed() })),
  'the configuration is copied': {
    socket: (good, configuration) => ({
      getOption: (key: 'state' | 'mtu') => (key === 'mtu' ? (configuration?.mtu ?? 1280) : good.getOption(key)),
    }),
  },
  'a wrong configuration': without('mtu'),
  'host options without configureHandle': without('interfaceName', 'dscp', 'priority', 'transparent'),
  'local endpoint': without('localEndpoint'),
  'sent bytes are gone': methods((good) => ({
    send: (bytes: Uint8Array) => {
      lastSent = bytes;
      good.send(bytes);
    },
    next: async () => {
      const bytes = await good.next();
      return bytes?.length === lastSent?.length ? lastSent : bytes;
    },
  })),
  'received bytes are ours': methods((good) => {
    const shared = new Uint8Array(2_000);
    return {
      next: async () => {
        const bytes = await good.next();
        shared.set(bytes ?? []);
        return shared.subarray(0, bytes?.length ?? 0);
      },
    };
  }),
  'datagram boundaries': methods((good) => ({
    next: async () => {
      for (;;) {
        const bytes = await good.next();
        if (bytes === null || bytes.length > 0) return bytes;
      }
    },
  })),
  'datagram shutdown': methods((good) => ({
    next: () => (good.getOption('state') === 'shutdown' ? never() : good.next()),
  })),
  'sendTo and receiveFrom': methods((good) => ({
    receiveFrom: () => ({ bytes: good.receive(), from: { address: '0.0.0.0', port: 0 } }),
  })),
  'sendTo when closed': methods(() => ({ sendTo: nothing })),
  'sendTo on a connected socket': methods(() => ({ sendTo: nothing })),
  'bind, then connect': methods((good) => ({
    connect: async (host: string, port: number) => {
      good.close();
      await good.connect(host, port);
    },
  })),
  'soft errors': methods((good) => {
    let seen: unknown;
    return {
      receive: () => {
        if (seen !== undefined) throw seen;
        try {
          return good.receive();
        } catch (error) {
          seen = error;
          throw error;
        }
      },
    };
  }),
  'bounded receive queue': without('maxBufferedBytes'),
  'receive in pieces': methods((good) => ({ receive: () => good.receive() })),
  'end of stream': methods((good) => ({ receive: () => good.receive() ?? undefined })),
  'half close': methods((good) => ({
    shutdown: async () => {
      await good.shutdown();
      good.close();
    },
  })),
  'last words': methods((good) => ({
    shutdown: async () => good.close(),
    send: (bytes: Uint8Array) => good.send(bytes.subarray(0, 1_000)),
  })),
  'closed in order': handlers((handler) => ({
    ...handler,
    closed: () => handler.closed(new SocketError('ECONNRESET', 'no, it was in order')),
  })),
  'back-pressure': methods((good) => ({
    send: (bytes: Uint8Array) => {
      try {
        good.send(bytes);
      } catch {
        // lost without a word
      }
    },
  })),
};
