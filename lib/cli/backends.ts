// The security backends that commands can choose from, and `lwm2m backends`, which lists what is here.

import { Command } from 'commander';
import { nodeFileSource, nodeKeyDecryption, nodeSystemTrustStore } from '../crypto/node/index.ts';
import type { NodeBackendsOptions } from '../index.ts';
import {
  type AnySocket,
  type Capabilities,
  type DatagramSocket,
  type SecurityBackend,
  type StreamSocket,
} from '../net/index.ts';
import { nodeBackends } from '../index.ts';
import { CIPHERSUITES as DTLS_SUITES } from '../../security-backends/native/ciphersuites.ts';
import { CIPHERSUITES as TLS_SUITES } from '../../security-backends/node-tls/ciphersuites.ts';
import { CliError, wrongFlag } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { printable } from './printable.ts';

/** What all backends load credentials with. */
const LOADING = {
  files: nodeFileSource(),
  systemTrustStore: nodeSystemTrustStore(),
  keyDecryption: nodeKeyDecryption,
} as const;

/** Backends by name. Loading one throws an Error that says what this machine lacks. */
type Loaders<S extends AnySocket> = Readonly<
  Record<string, (options: NodeBackendsOptions) => SecurityBackend<S> | Promise<SecurityBackend<S>>>
>;

const DTLS: Loaders<DatagramSocket> = {
  native: (options) => nodeBackends(options).dtls,
  openssl: async ({ datagramSocket }) =>
    (await import('../../security-backends/openssl/index.ts')).opensslDtls({ datagramSocket, ...LOADING }),
};

const TLS: Loaders<StreamSocket> = {
  'node-tls': (options) => nodeBackends(options).tls,
  openssl: async () => (await import('../../security-backends/openssl/index.ts')).opensslTls(LOADING),
};

export const DTLS_BACKENDS = Object.keys(DTLS);
export const TLS_BACKENDS = Object.keys(TLS);

/** The backends that a flag names, in its order: of several the first that fits is taken. @throws CliError */
export function loadDtlsBackends(
  flag: string,
  names: string,
  options: NodeBackendsOptions,
): Promise<readonly SecurityBackend<DatagramSocket>[]> {
  return load(DTLS, flag, names, options);
}

/** @throws CliError */
export function loadTlsBackends(
  flag: string,
  names: string,
  options: NodeBackendsOptions,
): Promise<readonly SecurityBackend<StreamSocket>[]> {
  return load(TLS, flag, names, options);
}

async function load<S extends AnySocket>(
  loaders: Loaders<S>,
  flag: string,
  names: string,
  options: NodeBackendsOptions,
): Promise<readonly SecurityBackend<S>[]> {
  const loaded: SecurityBackend<S>[] = [];
  for (const name of names.split(',')) {
    const loader = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
    if (loader === undefined) {
      const known = Object.keys(loaders).join(', ');
      throw wrongFlag(
        flag,
        `expected some of ${known}, found ${JSON.stringify(name)}`,
        `${flag} ${known.replace(', ', ',')}`,
      );
    }
    try {
      loaded.push(await loader(options));
    } catch (error) {
      throw new CliError(`${flag}: ${name} is not to be had here: ${messageOf(error)}`);
    }
  }
  return loaded;
}

/** The command, to be added to the program. */
export function backendsCommand(io: CliIo): Command {
  return new Command('backends')
    .description('the security backends: which are here, and what each can do')
    .option('--json', 'one JSON object per backend instead of text')
    .addHelpText('after', '\nExamples:\n  lwm2m backends\n  lwm2m device --dtls-backend openssl,native …')
    .action(async ({ json }: { readonly json?: boolean }) => {
      for (const [protocol, loaders] of [
        ['DTLS', DTLS],
        ['TLS', TLS],
      ] as const) {
        for (const [name, loader] of Object.entries(loaders)) {
          const line = await describeBackend(protocol, name, loader);
          io.out(json === true ? JSON.stringify(line) : textOf(line));
        }
      }
    });
}

interface Description {
  readonly protocol: 'DTLS' | 'TLS';
  readonly name: string;
  readonly available: boolean;
  /** What it stands on, where that is not ours. */
  readonly library?: string;
  /** Why it is not. */
  readonly reason?: string;
  readonly capabilities?: Omit<Capabilities, 'ciphersuites'> & {
    readonly ciphersuites: readonly { readonly id: string; readonly name: string }[];
  };
}

async function describeBackend(
  protocol: Description['protocol'],
  name: string,
  loader: Loaders<DatagramSocket>[string] | Loaders<StreamSocket>[string],
): Promise<Description> {
  try {
    const backend = await loader({});
    const { capabilities } = backend;
    const ciphersuites = capabilities.ciphersuites.map((id) => ({ id: hex(id), name: NAMES.get(id) ?? hex(id) }));
    const library = 'version' in backend && typeof backend.version === 'string' ? { library: backend.version } : {};
    return { protocol, name, available: true, ...library, capabilities: { ...capabilities, ciphersuites } };
  } catch (error) {
    return { protocol, name, available: false, reason: messageOf(error) };
  }
}

const NAMES = new Map<number, string>([
  ...TLS_SUITES.map(({ id, standardName }) => [id, standardName] as const),
  ...DTLS_SUITES.map(({ id, name }) => [id, name] as const),
]);

function textOf({ protocol, name, library, capabilities, reason }: Description): string {
  if (capabilities === undefined) return printable(`${protocol} by ${name}: not here: ${reason}`);
  const { versions, credentials, roles, ciphersuites, clock } = capabilities;
  const has = (['resumption', 'connectionId', 'dane', 'engine', 'liveSession'] as const).filter(
    (each) => capabilities[each] === true,
  );
  return [
    `${protocol} by ${name}${library === undefined ? '' : ` (${library})`}`,
    `  versions     ${versions.join(', ')}`,
    `  roles        ${roles.join(', ')}`,
    `  credentials  ${credentials.join(', ')}`,
    `  has          ${has.join(', ') || 'none of resumption, connectionId, dane, engine, liveSession'}`,
    `  clock        ${clock}`,
    ...ciphersuites.map((suite, at) => `  ${at === 0 ? 'suites' : '      '}       ${suite.id} ${suite.name}`),
  ].join('\n');
}

function hex(id: number): string {
  return `0x${id.toString(16).toUpperCase().padStart(4, '0')}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
