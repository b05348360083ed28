// Server accounts: what the application says about a server, checked, and as instances of /0 and /1.

import {
  type SecurityDefinition,
  type SecurityInit,
  type ServerActions,
  type ServerDefinition,
  type ServerInit,
  checkSecurityValues,
  checkServerValues,
  createSecurity,
  createServer,
} from '../objects/index.ts';
import {
  COAP_SCHEMES,
  type CoapScheme,
  type CoapUri,
  type DatagramSocket,
  type Security,
  type SocketConfiguration,
  type SslConfiguration,
  parseCoapUri,
} from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import { DecodeError } from '../bytes/index.ts';
import { LwM2mError } from './lwm2m-error.ts';
import {
  type DeviceTrust,
  type SecurityResources,
  securityFromResources,
  securityResources,
} from './account-security.ts';
import { checkCredentials } from './check-credentials.ts';
import { wrong } from './check-options.ts';
import { KeyDecryptionError, SecurityInfoError } from '../crypto/index.ts';
import { ModelError, type TypedObject } from '../model/index.ts';

/** A server to register with. */
export interface ServerAccount {
  /** `coaps://host:port`, or `coaps+tcp://…` over TLS; `coap://…` and `coap+tcp://…` need the client's `dangerAllowNoSec`. */
  readonly uri: string;
  /**
   * Credentials for `coaps` and `coaps+tcp`, such as `{ mode: 'psk', identity: pskIdentityFromBuffer(…), key: pskKeyFromBuffer(…) }`; /0/x/2
   * to 5. Of certificates, `serverCertificate` is /0/x/4 with its usage (/0/x/15, default 3) and matching type (/0/x/13).
   */
  readonly security?: Security | undefined;
  /** 1 to 65534, /0/x/10 and /1/x/0. Default: 101, 102, … in order. */
  readonly shortServerId?: number | undefined;
  /** Of the registration, in seconds; 0 is infinite. Default 86400 (LwM2M Core 1.0 §5.3.1). */
  readonly lifetime?: number | undefined;
  /** Further resources of this server's /1 instance, such as `{ defaultMaximumPeriod: 60 }`; muteSend is false by default. */
  readonly server?: Partial<Omit<ServerInit, 'shortServerId' | 'lifetime'>> | undefined;
  /** Tell the server that we may sleep (the `Q` of Register). Default false. */
  readonly queueMode?: boolean | undefined;
  /**
   * How the connection is secured, beside the credentials: time-outs, socket options, `serverName` (SNI, /0/x/14) and
   * `ciphersuites` (/0/x/16).
   */
  readonly tls?: Omit<SslConfiguration, 'security'> | undefined;
  /**
   * What carries this account's datagrams where UDP does not: a modem, SMS, a serial line. Makes a closed socket, which is
   * connected to host and port of the URI in the transport's own way, and secured by `decorate`. Default: UDP.
   */
  readonly transport?: ((configuration: SocketConfiguration, environment: Environment) => DatagramSocket) | undefined;
}

/** An account that can be used: number `instance` of /0 and of /1. */
export interface CheckedAccount {
  readonly instance: number;
  readonly uri: CoapUri;
  /** As the application wrote it. */
  readonly text: string;
  readonly shortServerId: number;
  readonly lifetime: number;
  readonly queueMode: boolean;
  /** Undefined: NoSec. */
  readonly security: Security | undefined;
  readonly tls: Omit<SslConfiguration, 'security'>;
  readonly server: Partial<Omit<ServerInit, 'shortServerId' | 'lifetime'>>;
  readonly transport: ServerAccount['transport'];
}

const DEFAULT_LIFETIME = 86_400; // seconds; LwM2M Core 1.0 §5.3.1
const FIRST_SHORT_SERVER_ID = 101; // as the examples of LwM2M Core 1.2 Appendix F number their servers

/** What the client's options let accounts be. */
export interface Allowed {
  readonly noSec: boolean;
  /** Whether there are backends for `coaps` and for `coaps+tcp`. */
  readonly dtls: boolean;
  readonly tls: boolean;
}

/** @throws LwM2mError ECONFIG naming the account, the field, and what to do */
export function checkAccounts(accounts: readonly ServerAccount[], allowed: Allowed): readonly CheckedAccount[] {
  if (!Array.isArray(accounts)) throw wrong('servers', 'an array of accounts such as [{ uri: … }]', accounts);
  if (accounts.length === 0) throw new LwM2mError('ECONFIG', 'servers: expected at least one account, found none');
  const checked = accounts.map((account, at) => checkAccount(account, at, allowed));
  const ids = new Set(checked.map((account) => account.shortServerId));
  if (ids.size < checked.length) {
    throw new LwM2mError('ECONFIG', 'servers: two accounts have the same shortServerId; give each its own');
  }
  return checked;
}

function checkAccount(account: ServerAccount, at: number, allowed: Allowed): CheckedAccount {
  const field = `servers[${at}]`;
  if (typeof account !== 'object' || account === null) throw wrong(field, 'an account such as { uri: … }', account);
  if (typeof account.uri !== 'string') throw wrong(`${field}.uri`, 'text such as coaps://server.example', account.uri);
  const uri = checkUri(account.uri, field);
  if (COAP_SCHEMES[uri.scheme].secure) checkSecured(account, uri, field, allowed);
  else checkUnsecured(account, uri, field, allowed.noSec);
  return {
    instance: at,
    uri,
    text: account.uri,
    security: account.security,
    shortServerId: within(account.shortServerId ?? FIRST_SHORT_SERVER_ID + at, 1, 65_534, `${field}.shortServerId`),
    lifetime: within(account.lifetime ?? DEFAULT_LIFETIME, 0, 0xffff_ffff, `${field}.lifetime`),
    queueMode: account.queueMode ?? false,
    tls: { ...account.tls },
    // Absent would mean muted (/1/x/23): for an account of a bootstrap server that is its choice, here it is ours.
    server: { muteSend: false, ...checkServer(account.server, uri, field) },
    transport: checkTransport(account.transport, uri, field),
  };
}

function checkTransport(
  transport: ServerAccount['transport'],
  { scheme }: CoapUri,
  field: string,
): ServerAccount['transport'] {
  if (transport !== undefined && isStream(scheme))
    throw new LwM2mError('ECONFIG', `${field}.transport: expected none for ${scheme}, which has no datagrams`);
  if (transport === undefined || typeof transport === 'function') return transport;
  throw wrong(`${field}.transport`, 'a function that makes a datagram socket', transport);
}

function checkServer(
  server: ServerAccount['server'],
  { scheme }: CoapUri,
  field: string,
): NonNullable<ServerAccount['server']> {
  refuseByName(() => {
    checkServerValues(server ?? {});
    checkPreferredTransport(server?.preferredTransport, scheme);
  }, `${field}.server.`);
  return { ...server };
}

/** /1/x/22: an account has one URI, and so one transport. @throws ModelError */
function checkPreferredTransport(value: unknown, scheme: CoapUri['scheme']): void {
  const own = isStream(scheme) ? 'T' : 'U';
  if (value === undefined || value === own) return;
  throw new ModelError('badRequest', `preferredTransport: expected ${own}, as the URI says, found another`);
}

function refuseByName(check: () => void, prefix: string): void {
  try {
    check();
  } catch (error) {
    throw error instanceof ModelError ? new LwM2mError('ECONFIG', `${prefix}${error.message}`) : error;
  }
}

function checkUri(text: string, field: string): CoapUri {
  const example = 'such as coaps://server.example:5684';
  try {
    const uri = parseCoapUri(text);
    if (uri.path.length > 0 || uri.query.length > 0) {
      throw new LwM2mError('ECONFIG', `${field}.uri: expected no path and no query, ${example}`);
    }
    return uri;
  } catch (error) {
    if (error instanceof DecodeError) throw new LwM2mError('ECONFIG', `${field}.uri: ${error.message}; ${example}`);
    throw error;
  }
}

function checkSecured(account: ServerAccount, { scheme }: CoapUri, field: string, allowed: Allowed): void {
  if (account.security === undefined) {
    throw new LwM2mError(
      'ECONFIG',
      `${field}.security: ${scheme} needs credentials, such as { mode: 'psk', identity, key } of pskIdentityFromBuffer and pskKeyFromBuffer`,
    );
  }
  checkCredentials(account.security, `${field}.security`);
  if (isStream(scheme) && !allowed.tls)
    throw new LwM2mError('ECONFIG', 'backends.tls: coaps+tcp needs a TLS backend, such as nodeTls');
  if (!isStream(scheme) && !allowed.dtls)
    throw new LwM2mError('ECONFIG', 'backends.dtls: coaps needs a DTLS backend, such as nativeDtls');
}

function checkUnsecured(account: ServerAccount, { scheme }: CoapUri, field: string, noSec: boolean): void {
  const secured = isStream(scheme) ? 'coaps+tcp://' : 'coaps://';
  if (account.security !== undefined) {
    throw new LwM2mError('ECONFIG', `${field}.uri: there are credentials but the URI is not secured; write ${secured}`);
  }
  if (!noSec) {
    throw new LwM2mError(
      'ECONFIG',
      `${field}.uri: ${scheme}:// has no security; use ${secured}, or set dangerAllowNoSec for a network that you trust`,
    );
  }
}

/** The letter of the transport that the URI asks for (LwM2M Core 1.2 §6.2.1.2). */
export function bindingOf(scheme: CoapScheme): 'U' | 'T' {
  return isStream(scheme) ? 'T' : 'U';
}

/** Whether the account's messages go by a stream: TCP or TLS. */
export function isStream(scheme: CoapScheme): boolean {
  return COAP_SCHEMES[scheme].transport === 'stream';
}

function within(value: number, least: number, most: number, field: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LwM2mError('ECONFIG', `${field}: expected an integer from ${least} to ${most}, found ${value}`);
}

/** The Security object of these accounts. Only bytes go in: what lies in files or engines stays there. */
export function securityObject(accounts: readonly CheckedAccount[]): TypedObject<SecurityDefinition> {
  return createSecurity(Object.fromEntries(accounts.map((account) => [account.instance, securityInit(account)])));
}

function securityInit(account: CheckedAccount): SecurityInit {
  try {
    const { text, shortServerId } = account;
    return { serverUri: text, bootstrapServer: false, shortServerId, ...securityResources(account) };
  } catch (error) {
    const known = [SecurityInfoError, KeyDecryptionError, DecodeError].some((each) => error instanceof each);
    if (!(error instanceof Error) || !known) throw error;
    throw new LwM2mError('ECONFIG', `servers[${account.instance}].security: ${error.message}`);
  }
}

/**
 * The account that an instance of the Security object describes.
 * @param more what /0 has no place for: the device's own trust anchors, and the account's other options
 * @throws LwM2mError ECONFIG naming the resource, also where it asks for what this client has not
 */
export function accountFromSecurity(
  instance: SecurityResources & {
    readonly serverUri: string;
    readonly shortServerId?: number | undefined;
    readonly bootstrapServer?: boolean | undefined;
  },
  more: Omit<ServerAccount, 'uri' | 'security' | 'shortServerId'> & { readonly trust?: DeviceTrust | undefined } = {},
): ServerAccount {
  const { trust, ...account } = more;
  if (instance.bootstrapServer === true) {
    throw new LwM2mError('ECONFIG', '/0/x/1 Bootstrap-Server: expected false: there is no bootstrap yet');
  }
  refuseByName(() => checkSecurityValues({ ...instance }), '');
  const { security, tls } = securityFromResources(instance, trust);
  const { serverUri, shortServerId } = instance;
  return {
    ...account,
    uri: serverUri,
    ...(security === undefined ? {} : { security }),
    ...(shortServerId === undefined ? {} : { shortServerId }),
    tls: { ...account.tls, ...tls },
  };
}

/** The Server object of these accounts; `actions` are what servers may ask of the client. */
export function serverObject(
  accounts: readonly CheckedAccount[],
  actions: ServerActions,
): TypedObject<ServerDefinition> {
  const instances = accounts.map(({ instance, shortServerId, lifetime, server, uri }) => {
    const init: ServerInit = { binding: bindingOf(uri.scheme), ...server, shortServerId, lifetime };
    return [instance, init] as const;
  });
  return createServer(Object.fromEntries(instances), actions, {
    willWrite: ({ id, values }) => {
      const account = accounts.find(({ instance }) => instance === id);
      if (account !== undefined) checkPreferredTransport(values['preferredTransport'], account.uri.scheme);
    },
  });
}
