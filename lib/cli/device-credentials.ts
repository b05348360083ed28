// Which credentials the flags of `lwm2m device` give: one kind, whole, and readable, before anything is sent.

import { statSync } from 'node:fs';
import {
  type CertificateUsage,
  type LoadOptions,
  type SecurityInfo,
  SecurityInfoError,
  certificateChainFromFile,
  certificateChainFromPath,
  loadCertificateChain,
  loadPrivateKey,
  loadRawPublicKeys,
  loadTrustAnchors,
  nodeProvider,
  privateKeyFromFile,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromFile,
} from '../crypto/index.ts';
import { nodeFileSource, nodeKeyDecryption } from '../crypto/node/index.ts';
import {
  COAP_SCHEMES,
  type CoapScheme,
  type CertificateSecurity,
  type RawPublicKeySecurity,
  type Security,
  SocketError,
  type SslConfiguration,
  oneBackend,
} from '../net/index.ts';
import type { Backends } from '../client/index.ts';
import { systemEnvironment } from '../runtime/index.ts';
import { utf8Encode } from '../bytes/index.ts';
import { wrongFlag } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { checkIdentity, parseInteger, readKey } from './options.ts';

/** The flags that say who we are and whom we trust. */
export interface CredentialFlags {
  readonly endpoint: string;
  readonly identity?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly trust?: string;
  readonly serverCertificate?: string;
  readonly certificateUsage?: string;
  readonly publicKey?: string;
  readonly serverPublicKey?: string;
  readonly sni?: string;
  readonly ciphersuites?: string;
}

/** What opens an encrypted --private-key. */
export const PASSWORD_VARIABLE = 'LWM2M_KEY_PASSWORD';

const DEVICE = 'lwm2m device --server coaps://127.0.0.1:5684 --endpoint sensor-1';
/** One right command line for each kind. */
export const CREDENTIAL_EXAMPLES = {
  psk: `${DEVICE} --key-file device.key`,
  rawPublicKey: `${DEVICE} --server-public-key server.pub --private-key device.key`,
  certificate: `${DEVICE} --certificate device.pem --private-key device.key --server-certificate server.pem`,
} as const;

type Mode = Security['mode'];
type Flag = Exclude<keyof CredentialFlags, 'endpoint'>;

/** The flags of one kind only; --private-key goes with two of them. */
const KINDS: Readonly<Record<Mode, readonly Flag[]>> = {
  psk: ['identity', 'key', 'keyFile'],
  certificate: ['certificate', 'trust', 'serverCertificate', 'certificateUsage'],
  rawPublicKey: ['publicKey', 'serverPublicKey'],
};
const MOST_SUITES = 64; // our own choice: more than there are for DTLS 1.2 worth naming
const LOADING: LoadOptions = { files: nodeFileSource(), keyDecryption: nodeKeyDecryption, provider: nodeProvider };

/** The one kind that the flags give. @throws CliError, also for kinds mixed and for files that cannot be used */
export async function securityOf(flags: CredentialFlags, io: CliIo): Promise<Security> {
  const modes = (['certificate', 'rawPublicKey', 'psk'] as const).filter((mode) => firstOf(flags, KINDS[mode]));
  const [mode, other] = modes;
  if (mode !== undefined && other !== undefined) throw mixed(flags, mode, other);
  if (mode === 'certificate') return certificates(flags, io);
  if (mode === 'rawPublicKey') return rawKeys(flags, io);
  if (flags.privateKey !== undefined) {
    const problem =
      mode === 'psk'
        ? 'it does not go with a pre-shared key; give one kind of credential'
        : 'needs --certificate, or --server-public-key';
    throw wrongFlag('--private-key', problem, CREDENTIAL_EXAMPLES.certificate);
  }
  return psk(flags, io);
}

/** Credentials that would not be used are a mistake: somebody believes that this is encrypted. @throws CliError */
export function refuseCredentials(flags: CredentialFlags): undefined {
  const all: readonly Flag[] = [...Object.values(KINDS).flat(), 'privateKey', 'sni', 'ciphersuites'];
  const given = firstOf(flags, all);
  if (given === undefined) return undefined;
  throw wrongFlag(
    '--server',
    `coap:// has no security, so ${flagName(given)} would not be used`,
    CREDENTIAL_EXAMPLES.psk,
  );
}

/** `0xC0AE,0xC02B` or decimal. @throws CliError */
export function parseCiphersuites(text: string): readonly number[] {
  const suites = text.split(',').map((each) => each.trim());
  const wrong = suites.find((each) => !/^(0x[0-9a-f]{1,4}|\d{1,5})$/i.test(each) || Number(each) > 0xffff);
  const example = '--ciphersuites 0xC0AE,0xC02B';
  if (wrong !== undefined) {
    throw wrongFlag('--ciphersuites', `expected IANA ids, found ${JSON.stringify(wrong)}`, example);
  }
  if (suites.length <= MOST_SUITES) return suites.map(Number);
  throw wrongFlag('--ciphersuites', `expected at most ${MOST_SUITES}, found ${suites.length}`, example);
}

/** @throws CliError */
export function checkSni(name: string): string {
  const example = '--sni server.example';
  if (/^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(name) && !/^[\d.]+$/.test(name)) return name;
  throw wrongFlag(
    '--sni',
    `expected a host name (an address is never sent as one), found ${JSON.stringify(name)}`,
    example,
  );
}

/** Makes a socket that sends nothing: what the backends refuse is told now, by its flag. @throws CliError */
export function tryOut(scheme: CoapScheme, { dtls, tls }: Backends, configuration: SslConfiguration): void {
  const isStream = COAP_SCHEMES[scheme].transport === 'stream';
  try {
    const backend = isStream ? tls && oneBackend(tls) : dtls && oneBackend(dtls);
    backend?.createSocket(configuration, systemEnvironment()).close();
  } catch (error) {
    if (error instanceof SocketError && error.message.includes('ciphersuites')) {
      throw wrongFlag('--ciphersuites', error.message, '--ciphersuites 0xC0AE,0xC02B');
    }
    if (error instanceof SocketError && error.code === 'ENOTSUP') {
      const flag = isStream ? '--tls-backend' : '--dtls-backend';
      throw wrongFlag(flag, error.message, isStream ? `${flag} node-tls` : `${flag} native`);
    }
    if (!(error instanceof SecurityInfoError)) throw error;
    throw wrongFlag('--private-key', error.message, CREDENTIAL_EXAMPLES[configuration.security.mode]);
  }
}

async function psk(flags: CredentialFlags, io: CliIo): Promise<Security> {
  const identity = checkIdentity('--identity', flags.identity ?? flags.endpoint);
  const key = await readKey(flags, io);
  if (key === undefined) {
    const problem = 'coaps:// needs a pre-shared key (or --certificate, or --server-public-key)';
    throw wrongFlag('--key-file', problem, CREDENTIAL_EXAMPLES.psk);
  }
  return { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode(identity)), key: pskKeyFromBuffer(key) };
}

function rawKeys(flags: CredentialFlags, io: CliIo): RawPublicKeySecurity {
  const example = CREDENTIAL_EXAMPLES.rawPublicKey;
  const { publicKey, privateKey, serverPublicKey } = flags;
  if (serverPublicKey === undefined) {
    throw wrongFlag('--server-public-key', 'without it no server would be trusted', example);
  }
  if (privateKey === undefined) throw wrongFlag('--private-key', 'raw public keys need the key of the device', example);
  const keyOf = (flag: string, file: string) => {
    const info = rawPublicKeyFromFile(file);
    usable(flag, example, () => loadRawPublicKeys(info, LOADING));
    return info;
  };
  return {
    mode: 'rawPublicKey',
    serverKeys: keyOf('--server-public-key', serverPublicKey),
    privateKey: privateKeyOf(privateKey, example, io),
    ...(publicKey === undefined ? {} : { publicKey: keyOf('--public-key', publicKey) }),
  };
}

function certificates(flags: CredentialFlags, io: CliIo): CertificateSecurity {
  const example = CREDENTIAL_EXAMPLES.certificate;
  const { certificate, privateKey, trust } = flags;
  if ((certificate === undefined) !== (privateKey === undefined)) {
    const [missing, there] =
      certificate === undefined ? ['certificate', 'private-key'] : ['private-key', 'certificate'];
    throw wrongFlag(`--${missing}`, `--${there} needs it`, example);
  }
  return {
    mode: 'certificate',
    ...(certificate === undefined ? {} : { clientChain: chainOf('--certificate', certificate, example) }),
    ...(privateKey === undefined ? {} : { clientKey: privateKeyOf(privateKey, example, io) }),
    ...(trust === undefined ? {} : { trustAnchors: trustOf(trust, example) }),
    ...serverCertificate(flags, example),
  };
}

function serverCertificate(
  { serverCertificate: file, certificateUsage, trust }: CredentialFlags,
  example: string,
): Pick<CertificateSecurity, 'serverCertificate'> {
  const usage = certificateUsage === undefined ? undefined : parseUsage(certificateUsage);
  const needed = usage ?? (trust === undefined ? 3 : undefined);
  if (file === undefined) {
    if (needed === undefined || (needed < 2 && trust !== undefined)) return {};
    const problem = `certificate usage ${needed} has nothing to compare with, so no server would be trusted`;
    throw wrongFlag('--server-certificate', problem, example);
  }
  if (usage !== undefined && usage < 2 && trust === undefined) {
    throw wrongFlag('--trust', `certificate usage ${usage} needs the authorities to trust`, '--trust ca.pem');
  }
  return { serverCertificate: { certificate: chainOf('--server-certificate', file, example), usage } };
}

function parseUsage(text: string): CertificateUsage {
  const usage = parseInteger('--certificate-usage', text, 0, 3, '--certificate-usage 3');
  return usage === 0 || usage === 1 || usage === 2 ? usage : 3;
}

function chainOf(flag: string, file: string, example: string): SecurityInfo<'certificateChain'> {
  const info = certificateChainFromFile(file);
  usable(flag, example, () => loadCertificateChain(info, LOADING));
  return info;
}

function trustOf(place: string, example: string): SecurityInfo<'certificateChain'> {
  const isDirectory = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const info = isDirectory ? certificateChainFromPath(place) : certificateChainFromFile(place);
  usable('--trust', example, () => loadTrustAnchors(info, LOADING));
  return info;
}

function privateKeyOf(file: string, example: string, io: CliIo): SecurityInfo<'privateKey'> {
  const info = privateKeyFromFile(file, io.environmentVariables[PASSWORD_VARIABLE]);
  usable(
    '--private-key',
    example,
    () => loadPrivateKey(info, LOADING)?.close(),
    `; its password: ${PASSWORD_VARIABLE}`,
  );
  return info;
}

/** The backend reads the file again when it connects: what it will find there is tried here, where its flag is known. */
function usable(flag: string, example: string, load: () => unknown, passwordHint = ''): void {
  try {
    load();
  } catch (error) {
    if (!(error instanceof SecurityInfoError)) throw error;
    const cause = error.cause instanceof Error && 'code' in error.cause ? ` (${String(error.cause.code)})` : '';
    throw wrongFlag(flag, `${error.message}${cause}${error.code === 'ENODATA' ? passwordHint : ''}`, example);
  }
}

function mixed(flags: CredentialFlags, one: Mode, other: Mode): Error {
  const [a, b] = [firstOf(flags, KINDS[one]), firstOf(flags, KINDS[other])];
  const problem = `it does not go with ${flagName(b ?? 'key')}; give one kind of credential`;
  return wrongFlag(flagName(a ?? 'certificate'), problem, CREDENTIAL_EXAMPLES[one]);
}

function firstOf(flags: CredentialFlags, names: readonly Flag[]): Flag | undefined {
  return names.find((name) => flags[name] !== undefined);
}

function flagName(flag: Flag): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
