// Several security backends as one: a socket comes from the first of them that can do what its configuration asks for.

import type { Environment } from '../runtime/index.ts';
import type { SecurityInfo } from '../crypto/index.ts';
import { SocketError, notSupported } from './errors.ts';
import type { Capabilities, SecurityBackend } from './security-backend.ts';
import type { AnySocket } from './socket.ts';
import type { ServerConfiguration, ServerSecurity, SslConfiguration, Security } from './ssl-configuration.ts';

type Role = Capabilities['roles'][number];
type Configuration = SslConfiguration | ServerConfiguration;

const SYSTEM_CLOCK = "reads the system's clock, and the environment's is a simulated one";

/** A backend, or several of which the first that fits is taken. */
export type BackendChoice<S extends AnySocket> = SecurityBackend<S> | readonly SecurityBackend<S>[];

/** @throws SocketError EINVAL for an empty list */
export function oneBackend<S extends AnySocket>(choice: BackendChoice<S>): SecurityBackend<S> {
  return 'createSocket' in choice ? choice : firstFitting(choice);
}

/**
 * What is asked for and the capabilities lack, in words; undefined if they fit. Looked at are role, kind of credential and
 * whether its keys are an engine's, versions, cipher suites, connection ids, DANE, live sessions, and whether time is simulated.
 */
export function lacking(
  capabilities: Capabilities,
  role: Role,
  configuration: Configuration,
  { clock }: Pick<Environment, 'clock'>,
): string | undefined {
  const { security, versions, ciphersuites } = configuration;
  const none = <T>(wanted: readonly T[] | undefined, had: readonly T[]): boolean =>
    wanted !== undefined && !wanted.some((one) => had.includes(one));
  if (!capabilities.roles.includes(role)) return `is no ${role}`;
  if (!capabilities.credentials.includes(security.mode)) return `has no credentials of the kind ${security.mode}`;
  if (none(versions, capabilities.versions)) return `has none of the versions ${versions!.join(', ')}`;
  if (none(ciphersuites, capabilities.ciphersuites)) return 'has none of the cipher suites asked for';
  if (asksConnectionId(configuration) && !capabilities.connectionId) return 'has no connection ids';
  if (asksDane(configuration) && !capabilities.dane) return 'has no DANE';
  if (asksEngine(security) && capabilities.engine !== true) return 'has no engine for keys that stay outside';
  if (asksLiveSession(configuration) && capabilities.liveSession !== true) return 'has no live sessions';
  if (clock.simulated === true && capabilities.clock === 'system') return SYSTEM_CLOCK;
  return undefined;
}

/** For backends whose clock is `system`. @throws SocketError ENOTSUP if the environment's time is simulated */
export function refuseSimulatedTime({ clock }: Pick<Environment, 'clock'>): void {
  if (clock.simulated === true)
    throw notSupported('environment.clock', 'simulated, and this stack reads the system clock');
}

/**
 * A backend whose sockets are those of the first of `backends` that fits; which, and why not those before it, is logged at
 * `info`. Its capabilities are those of all together.
 * @throws SocketError EINVAL if there are none; from `createSocket` and `createServer`: ENOTSUP that says what each lacks
 */
export function firstFitting<S extends AnySocket>(backends: readonly SecurityBackend<S>[]): SecurityBackend<S> {
  const all = [...backends];
  if (all.length === 0)
    throw new SocketError('EINVAL', 'backends: expected at least one, found none', { fatal: false });
  const chosen = (role: Role, configuration: Configuration, environment: Environment): SecurityBackend<S> => {
    const passedOver: string[] = [];
    for (const backend of all) {
      const lack = lacking(backend.capabilities, role, configuration, environment);
      if (lack === undefined) {
        environment.log.info(
          { backend: backend.name, passedOver },
          `security backend: ${reason(backend.name, passedOver)}`,
        );
        return backend;
      }
      passedOver.push(`${backend.name} ${lack}`);
    }
    throw new SocketError('ENOTSUP', `no security backend fits: ${passedOver.join('; ')}`);
  };
  return {
    name: all.map(({ name }) => name).join(', '),
    capabilities: together(all.map(({ capabilities }) => capabilities)),
    createSocket: (configuration, environment) =>
      chosen('client', configuration, environment).createSocket(configuration, environment),
    createServer(configuration, environment) {
      const backend = chosen('server', configuration, environment);
      if (backend.createServer !== undefined) return backend.createServer(configuration, environment);
      throw new SocketError('ENOTSUP', `${backend.name} says that it is a server, but makes none`);
    },
  };
}

function reason(name: string, passedOver: readonly string[]): string {
  return passedOver.length === 0 ? `${name}, the first` : `${name}, for ${passedOver.join(', ')}`;
}

function together(all: readonly Capabilities[]): Capabilities {
  const union = <T>(of: (one: Capabilities) => readonly T[]): readonly T[] => [...new Set(all.flatMap(of))];
  const any = (of: (one: Capabilities) => boolean | undefined): boolean => all.some((one) => of(one) === true);
  return Object.freeze({
    versions: union(({ versions }) => versions),
    ciphersuites: union(({ ciphersuites }) => ciphersuites),
    credentials: union(({ credentials }) => credentials),
    roles: union(({ roles }) => roles),
    resumption: any(({ resumption }) => resumption),
    connectionId: any(({ connectionId }) => connectionId),
    dane: any(({ dane }) => dane),
    engine: any(({ engine }) => engine),
    liveSession: any(({ liveSession }) => liveSession),
    clock: all.every(({ clock }) => clock === 'injected') ? 'injected' : 'system',
  });
}

function asksConnectionId({ connectionId }: Configuration): boolean {
  return connectionId !== undefined && connectionId !== false;
}

function asksDane(configuration: Configuration): boolean {
  const records = 'daneTlsaRecords' in configuration ? (configuration.daneTlsaRecords ?? []) : [];
  return records.length > 0 || ('dane' in configuration.security && configuration.security.dane === true);
}

function asksLiveSession(configuration: Configuration): boolean {
  return 'liveSession' in configuration && configuration.liveSession !== undefined;
}

/** A `list` is read once, when it is loaded, and is for certificates and raw public keys: no engine has those. */
function asksEngine(security: Security | ServerSecurity): boolean {
  return ownKeys(security).some(({ source }) => source.kind === 'engine');
}

function ownKeys(security: Security | ServerSecurity): readonly SecurityInfo[] {
  const keys: (SecurityInfo | undefined)[] = [];
  if (security.mode === 'psk' && 'key' in security) keys.push(security.key, security.identity);
  if (security.mode === 'rawPublicKey') keys.push(security.privateKey);
  if (security.mode === 'certificate' && 'chain' in security) keys.push(security.key);
  if (security.mode === 'certificate' && !('chain' in security)) {
    keys.push(security.clientKey, ...(security.clientCredentials ?? []).map(({ key }) => key));
  }
  return keys.filter((key) => key !== undefined);
}
