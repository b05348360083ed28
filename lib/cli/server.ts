// `lwm2m server`: the embedded server alone, one line per event.

import { Command } from 'commander';
import { equalBytes, utf8Encode } from '../bytes/index.ts';
import { Path } from '../model/index.ts';
import { type CoapBackends, datagramsOf, serverSocket, streamsOf } from '../coap/index.ts';
import { COAP_SCHEMES, type CoapUri, type DatagramSocket, type StreamSocket, formatEndpoint } from '../net/index.ts';
import { tcpSocket, udpSocket } from '../net/node/index.ts';
import { Device, Server, Temperature } from '../objects/index.ts';
import { type Environment, systemEnvironment } from '../runtime/index.ts';
import {
  LwM2mServer,
  type Peer,
  PskStore,
  type ReadResult,
  type RegisteredDevice,
  type ServerEvents,
} from '../server/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { wrongFlag } from './cli-error.ts';
import { consoleLog } from './console-log.ts';
import { formatValue } from './format-value.ts';
import type { CliIo } from './io.ts';
import { fieldValue, printable } from './printable.ts';
import { checkIdentity, parseKey, parseListen, parseLogLevel } from './options.ts';

interface Psk {
  readonly identity: string;
  readonly key: Uint8Array;
}

const PSK_EXAMPLE = '--psk sensor-1:000102030405060708090a0b0c0d0e0f';
const EXAMPLE = `lwm2m server --listen coaps://127.0.0.1:5684 ${PSK_EXAMPLE}`;

/** Parses `IDENTITY:HEXKEY`, split at the last colon. @throws CliError that never quotes the key */
export function parsePsk(text: string): Psk {
  const colon = text.lastIndexOf(':');
  if (colon < 1)
    throw wrongFlag('--psk', `expected IDENTITY:HEXKEY, found no ${colon < 0 ? 'colon' : 'identity'}`, PSK_EXAMPLE);
  const identity = checkIdentity('--psk', text.slice(0, colon), PSK_EXAMPLE);
  return { identity, key: parseKey('--psk', text.slice(colon + 1), PSK_EXAMPLE) };
}

interface ServerFlags {
  readonly listen: string;
  readonly psk?: readonly string[];
  readonly observe?: readonly string[];
  readonly log: string;
  readonly json?: boolean;
}

/** The command, to be added to the program; it ends by a signal. */
export function serverCommand(io: CliIo): Command {
  return new Command('server')
    .description('run the embedded LwM2M server alone: registrations, observations and Send, one line per event')
    .requiredOption(
      '--listen <uri>',
      'where to listen: coaps://ADDRESS[:PORT], coaps+tcp://…; coap:// and coap+tcp:// are without any security',
    )
    .option('--psk <identity:hexkey...>', 'devices that may connect, each split at its last colon')
    .option('--observe <path...>', 'observe these paths of every device that registers, e.g. /3303/0/5700')
    .option('--log <level>', 'silent, error, warn, info, debug, trace; on standard error', 'warn')
    .option('--json', 'one JSON object per event instead of text')
    .showHelpAfterError(`Example: ${EXAMPLE}`)
    .addHelpText(
      'after',
      `\nExamples:\n  ${EXAMPLE}\n  lwm2m server --listen coap://127.0.0.1 --observe /3303/0/5700 --json\n\n` +
        'A key on the command line shows in the process list: this server is for tests and demonstrations.',
    )
    .action((flags: ServerFlags) => runServer(flags, io));
}

function runServer(flags: ServerFlags, io: CliIo): Promise<void> {
  const uri = parseListen('--listen', flags.listen);
  const psk = (flags.psk ?? []).map(parsePsk);
  const { secure } = COAP_SCHEMES[uri.scheme];
  if (secure && psk.length === 0)
    throw wrongFlag('--psk', `${uri.scheme}:// needs at least one device that may connect`, EXAMPLE);
  if (!secure && psk.length > 0)
    throw wrongFlag('--psk', `${uri.scheme}:// has no security, so the key would not be used`, EXAMPLE);
  const observe = (flags.observe ?? []).map(parseObserve);
  const environment = systemEnvironment({ log: consoleLog(parseLogLevel('--log', flags.log), io) });
  return serve({ uri, psk, observe, json: flags.json === true }, environment, io);
}

function parseObserve(text: string): Path {
  try {
    return Path.parse(text);
  } catch (error) {
    throw wrongFlag('--observe', (error as Error).message, '--observe /3303/0/5700');
  }
}

interface Serving {
  readonly uri: CoapUri;
  readonly psk: readonly Psk[];
  readonly observe: readonly Path[];
  readonly json: boolean;
}

async function serve({ uri, psk, observe, json }: Serving, environment: Environment, io: CliIo): Promise<void> {
  const { secure } = COAP_SCHEMES[uri.scheme];
  const keys = new PskStore();
  for (const { identity, key } of psk) keys.add({ identity: utf8Encode(identity), key });
  const server = new LwM2mServer({
    environment,
    definitions: [Server.definition, Device.definition, Temperature.definition],
    dangerAllowNoSec: !secure,
    mayRegister: ({ negotiated }, endpoint) => mayRegister(psk, negotiated?.pskIdentity, endpoint),
  });
  const report = reporter((line) => io.out(line), json, environment);
  watch(server, report, observe);
  const listener = listenerFor(uri, keys, environment);
  await listener.bind(uri.host, uri.port);
  server.serve(listener);
  report('listening', { uri: `${uri.scheme}://${formatEndpoint(listener.local!)}` });
  await new Promise<void>((resolve) => {
    const release = io.onInterrupt(() => {
      release();
      resolve();
    });
  });
  server.close();
  keys.close();
  report('closed', {});
}

/** Any name, but one that is another device's identity is that device's. */
function mayRegister(psk: readonly Psk[], identity: Uint8Array | undefined, endpoint: string): boolean {
  const reserved = psk.some((known) => known.identity === endpoint);
  return !reserved || (identity !== undefined && equalBytes(identity, utf8Encode(endpoint)));
}

function listenerFor({ scheme }: CoapUri, keys: PskStore, environment: Environment): DatagramSocket | StreamSocket {
  const backends: CoapBackends = {
    udp: udpSocket,
    dtls: nativeDtls({ datagramSocket: udpSocket }),
    tcp: tcpSocket,
    tls: nodeTls(),
  };
  const security = { mode: 'psk', lookup: keys.lookup } as const;
  if (COAP_SCHEMES[scheme].transport === 'stream')
    return serverSocket(scheme, streamsOf(backends), environment, { security });
  const tls = { connectionId: true, resumption: true };
  return serverSocket(scheme, datagramsOf(backends), environment, { security, tls });
}

type Report = (event: string, fields: Readonly<Record<string, unknown>>) => void;

function reporter(write: (line: string) => void, json: boolean, { clock }: Environment): Report {
  return (event, fields) => {
    const time = new Date(clock.wallTime()).toISOString();
    if (json) return write(printable(JSON.stringify({ time, event, ...fields })));
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${fieldValue(value)}`);
    write(printable([time.slice(11, 23), event.padEnd(13), ...shown].join(' ')));
  };
}

function watch(server: LwM2mServer, report: Report, observe: readonly Path[]): void {
  const { events } = server;
  events.on('connected', ({ peer }) => report('connected', describePeer(peer)));
  events.on('disconnected', ({ peer, cause }) =>
    report('disconnected', { ...describePeer(peer), cause: cause?.message }),
  );
  events.on('registered', ({ device, replaced }: ServerEvents['registered']) => {
    report('registered', { ...describeRegistration(device), replaced });
    for (const path of observe) void follow(device, path, report);
  });
  events.on('updated', ({ device }) => report('updated', describeRegistration(device)));
  events.on('deregistered', ({ device }) => report('deregistered', { endpoint: device.endpoint }));
  events.on('expired', ({ device }) => report('expired', { endpoint: device.endpoint }));
  events.on('sent', ({ device, result }) => report('sent', { endpoint: device.endpoint, values: values(result) }));
  events.on('refused', ({ peer, operation, reason }) =>
    report('refused', { ...describePeer(peer), operation, reason }),
  );
}

async function follow(device: RegisteredDevice, at: Path, report: Report): Promise<void> {
  const { endpoint } = device;
  const path = at.toString();
  try {
    const observation = await device.observe(at, (result) =>
      result instanceof Error
        ? report('observe-ended', { endpoint, path, reason: result.message })
        : report('notified', { endpoint, values: values(result) }),
    );
    report('observed', { endpoint, values: values(observation.first) });
  } catch (error) {
    report('observe-failed', { endpoint, path, reason: (error as Error).message });
  }
}

function describePeer({ endpoint, negotiated }: Peer): Record<string, unknown> {
  const identity = negotiated?.pskIdentity;
  return {
    peer: formatEndpoint(endpoint),
    identity: identity && new TextDecoder().decode(identity), // whatever bytes the peer chose
  };
}

function describeRegistration({ registration }: RegisteredDevice): Record<string, unknown> {
  const { id, endpoint, lifetime, version, binding, objects } = registration;
  const paths = [...objects].flatMap(([object, { instances }]) =>
    instances.length === 0 ? [`/${object}`] : instances.map((instance) => `/${object}/${instance}`),
  );
  return { endpoint, location: `/rd/${id}`, version, lifetime: lifetime / 1_000, binding, objects: paths };
}

function values({ entries }: ReadResult): Record<string, string> {
  return Object.fromEntries(entries.map(({ path, value }) => [path.toString(), formatValue(value)]));
}
