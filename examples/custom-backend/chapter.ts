// What all chapters share: from a configuration to a socket, with everything refused that the chapter has not got.

import type { WantedServer } from '../../lib/crypto/index.ts';
import type { Environment } from '../../lib/index.ts';
import {
  type Capabilities,
  type CheckedSocketConfiguration,
  type DatagramSocket,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
  checkedSocketConfiguration,
  lacking,
} from '../../lib/net/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../security-backends/native/index.ts';
import type { BackendOptions } from './1-stub.ts';

/** What a configuration's credentials are once they have been loaded: copies, which answer what the stack asks. */
export interface Credentials {
  readonly mode: SslConfiguration['security']['mode'];
  /** At once or later. */
  answer(job: DtlsJob, server: WantedServer): DtlsJobAnswer | Promise<DtlsJobAnswer>;
  /** Zeroes what is secret. */
  forget(): void;
}

/** What a socket is made from, checked when it is made. */
export interface Made<C extends Credentials = Credentials> {
  readonly configuration: SslConfiguration;
  readonly socket: CheckedSocketConfiguration;
  readonly credentials: C;
  readonly makeLower: () => DatagramSocket;
}

/** What tells the chapters' backends apart. */
export interface Chapter<C extends Credentials> {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** What a later chapter brings: refused until then, for to ignore it would be worse. */
  readonly later: readonly (keyof SslConfiguration)[];
  /** @throws SecurityInfoError */
  readonly load: (configuration: SslConfiguration, environment: Environment) => C;
  readonly make: (environment: Environment, made: Made<C>) => DatagramSocket;
}

/** Whatever cannot be met is refused here, before anything is opened; everything else is copied here. */
export function backendOf<C extends Credentials>(
  { name, capabilities, later, load, make }: Chapter<C>,
  { datagramSocket }: BackendOptions,
): SecurityBackend<DatagramSocket> {
  return {
    name,
    capabilities,
    createSocket(configuration, environment) {
      const lack = lacking(capabilities, 'client', configuration, environment);
      if (lack !== undefined) throw new SocketError('ENOTSUP', `${name} ${lack}`);
      const early = later.find((option) => configuration[option] !== undefined);
      if (early !== undefined) throw new SocketError('ENOTSUP', `${name} has no ${early} yet`);
      const socket = checkedSocketConfiguration(configuration.socket);
      return make(environment, {
        configuration: { ...configuration },
        socket,
        credentials: load(configuration, environment),
        makeLower: () => datagramSocket(socket, environment),
      });
    },
  };
}

export const AFTER_CHAPTER_4 = [
  'ciphersuites',
  'serverName',
  'alpn',
  'recordSizeLimit',
  'maxFragmentLength',
  'extendedMasterSecret',
  'dangerKeyLog',
  'additionalConfiguration',
] as const;
export const AFTER_CHAPTER_3 = [...AFTER_CHAPTER_4, 'sessionStore'] as const;
