// `lwm2m device`: a simulated device at a real server.

import { Command } from 'commander';
import {
  type Backends,
  type CaptureFile,
  type ClientEvents,
  type Environment,
  FileStorage,
  type KeyLog,
  type LwM2mClient,
  type ManagedObject,
  type NodeBackendsOptions,
  type ServerAccount,
  type Storage,
  createClient,
  formatDuration,
  formatResponseCode,
  nodeBackends,
  seconds,
  sessionsIn,
  systemEnvironment,
  udpSocket,
} from '../index.ts';
import { COAP_SCHEMES, type CoapScheme } from '../net/index.ts';
import { DTLS_BACKENDS, TLS_BACKENDS, loadDtlsBackends, loadTlsBackends } from './backends.ts';
import { CAPTURE_HELP, openCapture } from './capture.ts';
import { CliError, wrongFlag } from './cli-error.ts';
import {
  CREDENTIAL_EXAMPLES,
  type CredentialFlags,
  PASSWORD_VARIABLE,
  checkSni,
  parseCiphersuites,
  refuseCredentials,
  securityOf,
  tryOut,
} from './device-credentials.ts';
import { parseChoice, parseInteger, parseLogLevel, parseUri } from './options.ts';
import { type ObjectFlags, objectsFrom } from './device-objects.ts';
import type { CliIo } from './io.ts';
import { consoleLog } from './console-log.ts';
import { type KeyLogFile, openKeyLog } from './key-log.ts';
import { printable } from './printable.ts';
import { runShell } from './shell.ts';
import { type SimulatedDevice, simulatedDevice } from './simulated-device.ts';

interface DeviceFlags extends CredentialFlags, ObjectFlags {
  readonly server: string;
  readonly lifetime: string;
  readonly binding?: string;
  readonly lwm2mVersion: string;
  readonly interval: string;
  readonly seed: string;
  readonly state?: string;
  readonly connectionId?: boolean;
  readonly dtlsBackend: string;
  readonly tlsBackend: string;
  readonly keyLog?: string;
  readonly capture?: string;
  readonly shell?: boolean;
  readonly log: string;
  readonly json?: boolean;
}

const EXAMPLE = CREDENTIAL_EXAMPLES.psk;
const VERSIONS = ['1.0', '1.1', '1.2'] as const;
const MOST_SECONDS = 0xffff_ffff;

/** The command, to be added to the program. */
export function deviceCommand(io: CliIo): Command {
  return new Command('device')
    .description('a simulated device (thermometer 3303, device 3) that registers with a server')
    .requiredOption('--server <uri>', 'coaps://host[:port] or coaps+tcp://…; coap:// and coap+tcp:// have no security')
    .requiredOption('--endpoint <name>', 'Endpoint Client Name')
    .option('--identity <id>', 'PSK identity (default: the endpoint name)')
    .option('--key <hex>', 'pre-shared key in hex, or - to read it from standard input; shows in the process list')
    .option('--key-file <file>', 'file with the pre-shared key in hex; or the environment variable LWM2M_PSK_KEY')
    .option(
      '--certificate <file>',
      'our certificate, and CAs to send after it (PEM or DER); its CN should be the endpoint',
    )
    .option('--private-key <file>', `key of --certificate or of our raw public key; ${PASSWORD_VARIABLE} opens it`)
    .option('--trust <file|dir>', 'authorities that the server certificate may lead to')
    .option('--server-certificate <file>', "what the server's certificate is compared with")
    .option('--certificate-usage <0..3>', '0 CA in its path, 1 itself and its path, 2 trust anchor, 3 itself (default)')
    .option('--server-public-key <file>', 'raw public key of the server (PEM or DER): needs no certificates')
    .option('--public-key <file>', 'our raw public key (default: told by --private-key)')
    .option('--sni <name>', 'server name to ask for and to check (default: the host of --server)')
    .option('--ciphersuites <ids>', 'IANA ids in order of preference, such as 0xC0AE,0xC02B')
    .option('--lifetime <seconds>', 'registration lifetime; 0 is infinite', '300')
    .option('--binding <modes>', 'U, or T over TCP; Q at its end announces queue mode (default: as --server has it)')
    .option('--lwm2m-version <version>', `${VERSIONS.join(', ')}; lower ones are tried if the server refuses it`, '1.1')
    .option('--interval <seconds>', 'time between changes of the temperature', '5')
    .option(
      '--objects <file|dir>',
      "further objects, from OMA's XML definitions: each with one instance, its values made up",
    )
    .option('--instance <object/instance>', 'of --objects only these instances; may be repeated', repeated)
    .option('--seed <number>', 'the same seed changes the temperature in the same way', '1')
    .option('--state <directory>', 'keep the registration there, and DTLS sessions to resume: a restart takes them up')
    .option('--connection-id', 'DTLS connection ids (RFC 9146): the session survives a change of our address')
    .option(
      '--dtls-backend <names>',
      `what secures coaps://: ${DTLS_BACKENDS.join(', ')}; of several, the first that fits (lwm2m backends tells what each can do)`,
      DTLS_BACKENDS[0],
    )
    .option('--tls-backend <names>', `the same for coaps+tcp://: ${TLS_BACKENDS.join(', ')}`, TLS_BACKENDS[0])
    .option('--key-log <file>', 'append the TLS secrets to this file (mode 0600): whoever reads it can decrypt all')
    .option('--capture <file>', CAPTURE_HELP)
    .option('--shell', 'take commands from standard input, a line each; `help` lists them')
    .option('--log <level>', 'silent, error, warn, info, debug, trace; on standard error', 'warn')
    .option('--json', 'one JSON object per event instead of text')
    .showHelpAfterError(`Example: ${EXAMPLE}`)
    .addHelpText(
      'after',
      `\nExamples:\n  ${Object.values(CREDENTIAL_EXAMPLES).join('\n  ')}\n  LWM2M_PSK_KEY=000102030405060708090a0b0c0d0e0f lwm2m device --server coaps://leshan.example --endpoint a --identity a\n  lwm2m device --server coap://127.0.0.1 --endpoint sensor-1    (no security: for a network that you trust)`,
    )
    .action((flags: DeviceFlags) => runDevice(flags, io));
}

/** Collects the values of a flag that may be repeated. */
function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function runDevice(flags: DeviceFlags, io: CliIo): Promise<void> {
  if (flags.shell === true && flags.key === '-') {
    throw wrongFlag('--shell', 'expected the key elsewhere: --key - reads it from standard input, too', EXAMPLE);
  }
  const environment = systemEnvironment({ log: consoleLog(parseLogLevel('--log', flags.log), io) });
  const say = announcer(flags.json === true, io);
  const { scheme } = parseUri('--server', flags.server);
  const binding = parseBinding(flags.binding, scheme);
  const device = simulatedDevice({
    environment,
    seed: parseInteger('--seed', flags.seed, 0, MOST_SECONDS, '--seed 1'),
    interval: seconds(parseInteger('--interval', flags.interval, 1, MOST_SECONDS, '--interval 5')),
    binding: flags.binding ?? binding.binding,
    rebooted: () => say('reboot', {}, 'the server asked for a reboot: this device is simulated and only says so'),
  });
  const further = await objectsFrom(
    flags,
    {
      taken: device.objects,
      now: new Date(environment.clock.wallTime()),
      executed: (name) =>
        say('executed', { name }, `the server executed ${name}: this device is simulated and only says so`),
    },
    io,
  );
  const storage = flags.state === undefined ? undefined : new FileStorage(flags.state);
  const records = openRecords(flags, environment, io);
  try {
    const backends = await backendsOver(flags, records.capture);
    await runClient(
      flags,
      await accountOf(flags, binding, { ...records, storage, backends }, io),
      { environment, device, further, say, backends, storage },
      io,
    );
  } finally {
    records.keyLog?.close();
    records.capture?.close();
  }
}

interface Stage {
  readonly environment: Environment;
  readonly device: SimulatedDevice;
  /** Of `--objects`. */
  readonly further: readonly ManagedObject[];
  readonly say: Say;
  readonly backends: Backends;
  readonly storage: Storage | undefined;
}

/** Files with secrets in them, where they were asked for. */
interface Records {
  readonly keyLog: KeyLogFile | undefined;
  readonly capture: CaptureFile | undefined;
}

function openRecords(flags: DeviceFlags, { clock }: Environment, io: CliIo): Records {
  const keyLog = flags.keyLog === undefined ? undefined : openKeyLog(flags.keyLog, io);
  try {
    return { keyLog, capture: flags.capture === undefined ? undefined : openCapture(flags.capture, clock, io) };
  } catch (error) {
    keyLog?.close();
    throw error;
  }
}

async function runClient(flags: DeviceFlags, account: ServerAccount, stage: Stage, io: CliIo): Promise<void> {
  const { environment, device, further, say, backends, storage } = stage;
  const client = createClient({
    endpoint: flags.endpoint,
    objects: [...device.objects, ...further],
    servers: [account],
    backends,
    environment,
    storage,
    versions: versionsFrom(parseChoice('--lwm2m-version', flags.lwm2mVersion, VERSIONS)),
    dangerAllowNoSec: true, // checked by the URI: coap:// has to be written out
  });
  narrate(client, say);
  const shell = (signal: AbortSignal): Promise<'quit' | 'end'> =>
    runShell(io.lines(signal), { client, objects: [...device.objects, ...further], say });
  await runUntilEnded(client, () => device.run(), { io, shell: flags.shell === true ? shell : undefined });
}

async function backendsOver(
  { dtlsBackend, tlsBackend }: DeviceFlags,
  capture: CaptureFile | undefined,
): Promise<Backends> {
  const options: NodeBackendsOptions =
    capture === undefined ? {} : { datagramSocket: (...configured) => capture.watch(udpSocket(...configured)) };
  const dtls = await loadDtlsBackends('--dtls-backend', dtlsBackend, options);
  const tls = await loadTlsBackends('--tls-backend', tlsBackend, options);
  return { ...nodeBackends(options), dtls: dtls.length === 1 ? dtls[0] : dtls, tls: tls.length === 1 ? tls[0] : tls };
}

interface Ends {
  readonly io: CliIo;
  /** Commands; where they end without a word the device goes on. */
  readonly shell: ((signal: AbortSignal) => Promise<'quit' | 'end'>) | undefined;
}

/** Runs until a signal or `quit` (de-registers then) or until registering is given up. */
async function runUntilEnded(client: LwM2mClient, simulate: () => () => void, { io, shell }: Ends): Promise<void> {
  let release: () => void = () => undefined;
  const interrupted = new Promise<'interrupted'>((resolve) => {
    release = io.onInterrupt(() => resolve('interrupted'));
  });
  const failed = client.events.next('registrationFailed', { accepts: ({ retryAfter }) => retryAfter === undefined });
  const end = simulate();
  const listening = new AbortController();
  try {
    await client.start();
    const quit = shell?.(listening.signal).then((how) => (how === 'quit' ? 'interrupted' : interrupted));
    const outcome = await Promise.race([interrupted, failed, ...(quit === undefined ? [] : [quit])]);
    await client.stop();
    if (outcome !== 'interrupted') throw new CliError(`gave up: ${outcome.error.message}`);
  } finally {
    listening.abort();
    end();
    release();
  }
}

async function accountOf(
  flags: DeviceFlags,
  { binding, queueMode }: ReturnType<typeof parseBinding>,
  { keyLog, capture, storage, backends }: Records & Pick<Stage, 'storage' | 'backends'>,
  io: CliIo,
): Promise<ServerAccount> {
  const uri = parseUri('--server', flags.server);
  const security = COAP_SCHEMES[uri.scheme].secure ? await securityOf(flags, io) : refuseCredentials(flags);
  const chosen = chosenTls(flags);
  if (security !== undefined) tryOut(uri.scheme, backends, { ...chosen, security });
  else if (flags.connectionId === true) {
    throw wrongFlag(
      '--connection-id',
      `${uri.scheme}:// has no security, so there is no session to find by an id`,
      EXAMPLE,
    );
  }
  return {
    uri: flags.server,
    security,
    lifetime: parseInteger('--lifetime', flags.lifetime, 0, MOST_SECONDS, '--lifetime 300'),
    queueMode,
    server: { binding, muteSend: false, disableTimeout: 60 },
    tls: {
      ...chosen,
      ...(storage === undefined ? {} : { sessionStore: sessionsIn(storage) }),
      ...(keyLog === undefined && capture === undefined ? {} : { dangerKeyLog: logTo({ keyLog, capture }) }),
    },
  };
}

function chosenTls({ sni, ciphersuites, connectionId }: DeviceFlags): NonNullable<ServerAccount['tls']> {
  return {
    ...(connectionId === true ? { connectionId } : {}),
    ...(sni === undefined ? {} : { serverName: checkSni(sni) }),
    ...(ciphersuites === undefined ? {} : { ciphersuites: parseCiphersuites(ciphersuites) }),
  };
}

function logTo({ keyLog, capture }: Records): KeyLog {
  return (line) => {
    keyLog?.write(line);
    capture?.keyLog(line);
  };
}

function parseBinding(
  text: string | undefined,
  scheme: CoapScheme,
): { readonly binding: string; readonly queueMode: boolean } {
  const own = COAP_SCHEMES[scheme].transport === 'stream' ? 'T' : 'U';
  if (text === undefined || text === own || text === `${own}Q`) return { binding: own, queueMode: text === `${own}Q` };
  throw wrongFlag('--binding', `expected ${own} or ${own}Q, found ${JSON.stringify(text)}`, `--binding ${own}`);
}

/** That version, then the lower ones. */
function versionsFrom(version: (typeof VERSIONS)[number]): readonly (typeof VERSIONS)[number][] {
  return VERSIONS.slice(0, VERSIONS.indexOf(version) + 1).reverse();
}

type Say = (event: string, fields: object, text: string) => void;

function announcer(json: boolean, io: CliIo): Say {
  return (event, fields, text) => io.out(printable(json ? JSON.stringify({ event, ...fields }) : text));
}

/** Every event as one line. */
function narrate(client: LwM2mClient, say: Say): void {
  const on = <K extends keyof ClientEvents>(
    name: K,
    tell: (event: ClientEvents[K]) => readonly [fields: object, text: string],
  ): void => void client.events.on(name, (event) => say(name, ...tell(event)));
  on('certificateNameDiffers', ({ endpoint, commonNames }) => [
    { endpoint, commonNames },
    `warning: our certificate is for ${commonNames.join(', ') || 'no name'}, not for ${endpoint}: servers may refuse that`,
  ]);
  on('connecting', ({ server }) => [{ server: server.uri }, `connecting to ${server.uri}`]);
  on('connected', ({ local, remote, negotiated }) => {
    const suite = negotiated === undefined ? undefined : `0x${negotiated.ciphersuite.toString(16).padStart(4, '0')}`;
    const resumed = negotiated?.resumed === true;
    const how = resumed ? ', session resumed' : '';
    const secured = negotiated === undefined ? 'without security' : `${negotiated.version}, suite ${suite}${how}`;
    return [
      { local, remote, version: negotiated?.version, ciphersuite: suite, resumed },
      `connected from port ${local?.port}: ${secured}`,
    ];
  });
  on('registered', ({ location, lifetime, version }) => [
    { endpoint: client.endpoint, location, lifetime, version },
    `registered as ${client.endpoint} at ${location}, lifetime ${lifetime} s, LwM2M ${version}`,
  ]);
  on('updated', ({ location, lifetime }) => [{ location, lifetime }, `updated ${location}, lifetime ${lifetime} s`]);
  on('deregistered', () => [{}, 'de-registered']);
  on('disconnected', ({ cause }) => [
    { cause: cause?.message },
    `connection lost: ${cause?.message ?? 'closed by the server'}`,
  ]);
  on('registrationFailed', ({ error, retryAfter }) => {
    const next = retryAfter === undefined ? 'no further attempt' : `next attempt in ${formatDuration(retryAfter)}`;
    return [{ error: error.message, retryAfterMs: retryAfter }, `not registered: ${error.message}; ${next}`];
  });
  on('request', ({ method, path, code }) => {
    const answer = code === undefined ? 'not answered' : formatResponseCode(code);
    return [{ method, path, code: code && formatResponseCode(code) }, `${method} ${path} → ${answer}`];
  });
}
