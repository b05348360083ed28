// `lwm2m demo`: server and device in one process, over DTLS on loopback, each step with its bytes and its time.

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { toHex, utf8Encode } from '../bytes/index.ts';
import { type ClientEvents, LwM2mClient } from '../client/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../crypto/index.ts';
import { type Entry, Path } from '../model/index.ts';
import { type DatagramSocket, type Tap, tapped } from '../net/index.ts';
import { type CaptureFile, udpSocket } from '../net/node/index.ts';
import { Device, Server, Temperature, createDevice, createTemperature } from '../objects/index.ts';
import { type Environment, type Instant, formatDuration, milliseconds, systemEnvironment } from '../runtime/index.ts';
import { LwM2mServer, OperationError, PskStore, type ReadResult, type RegisteredDevice } from '../server/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { CAPTURE_HELP, openCapture } from './capture.ts';
import { formatValue } from './format-value.ts';
import type { CliIo } from './io.ts';

/** One line of the demo, and one object of `--json`. */
export interface DemoStep {
  readonly step: number;
  readonly title: string;
  /** What came of it, one text a line. */
  readonly details: readonly string[];
  /** Of the device's UDP socket. */
  readonly sent: { readonly datagrams: number; readonly bytes: number };
  readonly received: { readonly datagrams: number; readonly bytes: number };
  readonly milliseconds: number;
  /** With `hex`: every datagram, `>` sent and `<` received. */
  readonly datagrams?: readonly string[] | undefined;
}

/** The step that failed, and why. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
  readonly code = 'EDEMO';

  constructor(step: string, cause: unknown) {
    super(`step "${step}" failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

export interface DemoOptions {
  readonly hex?: boolean | undefined;
  /** Records the device's datagrams. Default: none. */
  readonly capture?: CaptureFile | undefined;
  readonly environment?: Environment | undefined;
  readonly onStep: (step: DemoStep) => void;
}

const STEP_LIMIT = 10_000; // milliseconds: on loopback every step takes a few

const ENDPOINT = 'urn:dev:ops:32473-demo';
const IDENTITY = 'demo-device';

/** Runs all steps. @throws DemoError naming the step that failed */
export async function runDemo(options: DemoOptions): Promise<void> {
  const environment = options.environment ?? systemEnvironment();
  const house = new House(environment, options);
  try {
    await house.run();
  } finally {
    await house.close();
  }
}

/** Server, device and the meter between them. */
class House {
  readonly #environment: Environment;
  readonly #options: DemoOptions;
  readonly #keys = new PskStore();
  readonly #server: LwM2mServer;
  readonly #temperature = createTemperature({ 0: { sensorValue: 20, sensorUnits: 'Cel' } });
  readonly #reboots: Date[] = [];
  readonly #meter = { sent: { datagrams: 0, bytes: 0 }, received: { datagrams: 0, bytes: 0 } };
  readonly #lines: string[] = [];
  #reading: Reading;
  #handover: Reading | undefined; // where one step ended and the next began, if that was before the step returned
  #client: LwM2mClient | undefined;
  #accepted: Promise<unknown> | undefined;
  #number = 0;

  constructor(environment: Environment, options: DemoOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#reading = this.#read();
    this.#server = new LwM2mServer({
      environment,
      definitions: [Server.definition, Device.definition, Temperature.definition],
      mayRegister: ({ negotiated }, endpoint) =>
        negotiated?.pskIdentity !== undefined && this.#keys.mayRegister(negotiated.pskIdentity, endpoint),
    });
  }

  async run(): Promise<void> {
    const port = await this.#step('A server listens for DTLS on loopback', () => this.#listen());
    await this.#step('The device shakes hands: DTLS 1.2 with a pre-shared key', () => this.#connect(port));
    const device = await this.#step('Register', () => this.#registered());
    await this.#step('Discover /3303', () => this.#discover(device));
    await this.#step('Read /3/0', async () => [undefined, describe(await device.read('/3/0'))]);
    await this.#step('Write 60 to /1/0/1 (lifetime); the device updates its registration', () => this.#write(device));
    await this.#step("Execute /3/0/4 (reboot) with 0='now'", () => this.#execute(device));
    await this.#step('Observe /3303/0/5700; the device assigns 21.5, then 22', () => this.#observe(device));
    await this.#step('The device sends /3303/0 by itself (Send)', () => this.#send());
    await this.#step('De-register and close', () => this.#deregister());
  }

  async close(): Promise<void> {
    await this.#client?.stop({ deregister: false });
    this.#server.close();
    this.#keys.close();
  }

  async #step<T>(title: string, act: () => Promise<readonly [T, readonly string[]]>): Promise<T> {
    const before = this.#reading;
    try {
      const [result, details] = await withLimit(act());
      const after = this.#handover ?? this.#read();
      this.#handover = undefined;
      this.#reading = after;
      this.#options.onStep({
        step: ++this.#number,
        title,
        details,
        sent: difference(after.sent, before.sent),
        received: difference(after.received, before.received),
        milliseconds: after.at - before.at,
        datagrams: this.#options.hex === true ? this.#lines.slice(before.line, after.line) : undefined,
      });
      return result;
    } catch (error) {
      throw new DemoError(title, error);
    }
  }

  #read(): Reading {
    const { sent, received } = this.#meter;
    return {
      sent: { ...sent },
      received: { ...received },
      line: this.#lines.length,
      at: this.#environment.clock.now(),
    };
  }

  async #listen(): Promise<readonly [number, readonly string[]]> {
    const backend = nativeDtls({ datagramSocket: udpSocket });
    const listener = backend.createServer({ security: { mode: 'psk', lookup: this.#keys.lookup } }, this.#environment);
    await listener.bind('127.0.0.1', 0);
    this.#server.serve(listener);
    return [listener.local!.port, [`coaps://127.0.0.1:${listener.local!.port}`]];
  }

  async #connect(port: number): Promise<readonly [undefined, readonly string[]]> {
    const key = this.#environment.random.bytes(16);
    this.#keys.add({ identity: utf8Encode(IDENTITY), key, endpoint: ENDPOINT });
    const backend = nativeDtls({
      datagramSocket: (...configured) => this.#watched(udpSocket(...configured)),
    });
    this.#client = new LwM2mClient({
      endpoint: ENDPOINT,
      objects: [this.#device(), this.#temperature],
      servers: [
        {
          uri: `coaps://127.0.0.1:${port}`,
          security: {
            mode: 'psk',
            identity: pskIdentityFromBuffer(utf8Encode(IDENTITY)),
            key: pskKeyFromBuffer(key),
          },
          lifetime: 300,
          server: { muteSend: false },
          tls: { dangerKeyLog: this.#options.capture?.keyLog },
        },
      ],
      backends: { dtls: backend },
      environment: this.#environment,
    });
    key.fill(0);
    this.#client.events.on('connected', () => (this.#handover = this.#read())); // Register follows in the same breath
    const connected = this.#next('connected');
    this.#accepted = this.#next('registered');
    this.#accepted.catch(() => undefined); // the step after this one waits for it
    await this.#client.start();
    const { negotiated, local } = await connected;
    const suite = negotiated === undefined ? 'none' : `0x${negotiated.ciphersuite.toString(16).toUpperCase()}`;
    return [
      undefined,
      [
        `${negotiated?.version}, ciphersuite ${suite}, extended master secret ${negotiated?.extendedMasterSecret}`,
        `identity "${IDENTITY}", from 127.0.0.1:${local?.port}`,
      ],
    ];
  }

  #device(): ReturnType<typeof createDevice> {
    return createDevice(
      {
        manufacturer: 'lwm2m-client',
        modelNumber: 'demo',
        serialNumber: '1',
        reboot: () => void this.#reboots.push(new Date(this.#environment.clock.wallTime())),
      },
      { clock: this.#environment.clock },
    );
  }

  async #registered(): Promise<readonly [RegisteredDevice, readonly string[]]> {
    await this.#accepted;
    const known = this.#server.device(ENDPOINT);
    const device = known ?? (await this.#server.events.next('registered', { signal: limit() })).device;
    const { id, lifetime, version, binding, objects } = device.registration;
    const list = [...objects].map(
      ([object, { instances }]) => instances.map((i) => `/${object}/${i}`).join(' ') || `/${object}`,
    );
    return [
      device,
      [
        `"${device.endpoint}" is /rd/${id}: LwM2M ${version}, lifetime ${lifetime / 1_000} s, binding ${binding}`,
        list.join(' '),
      ],
    ];
  }

  async #discover(device: RegisteredDevice): Promise<readonly [undefined, readonly string[]]> {
    const links = await device.discover('/3303');
    return [undefined, [links.map(({ target }) => target).join(' ')]];
  }

  async #write(device: RegisteredDevice): Promise<readonly [undefined, readonly string[]]> {
    const updated = this.#server.events.next('updated', { signal: limit() });
    await device.write('/1/0/1', [{ path: Path.of(1, 0, 1), value: 60 }]);
    const { registration } = (await updated).device;
    const held = valueOf(await device.read('/1/0/1'));
    if (held !== '60' || registration.lifetime !== 60_000) throw new Error(`the lifetime is ${held}, not 60`);
    return [undefined, [`2.04; Update says lifetime ${registration.lifetime / 1_000} s; read back: ${held}`]];
  }

  async #execute(device: RegisteredDevice): Promise<readonly [undefined, readonly string[]]> {
    await device.execute('/3/0/4', { 0: 'now' });
    if (this.#reboots.length !== 1) throw new Error(`the reboot handler ran ${this.#reboots.length} times, not once`);
    return [undefined, [`2.04; the reboot handler ran at ${this.#reboots[0]!.toISOString()}`]];
  }

  async #observe(device: RegisteredDevice): Promise<readonly [undefined, readonly string[]]> {
    const values: (ReadResult | OperationError)[] = [];
    let heard: () => void = () => undefined;
    const observation = await device.observe('/3303/0/5700', (value) => {
      values.push(value);
      heard();
    });
    for (const value of [21.5, 22]) {
      const next = new Promise<void>((resolve) => (heard = resolve));
      this.#temperature[0].sensorValue = value;
      await next;
    }
    await observation.cancel();
    const failure = values.find((value) => value instanceof OperationError);
    if (failure !== undefined) throw failure;
    const told = (values as ReadResult[]).map(valueOf);
    if (told.join() !== '21.5,22') throw new Error(`notified ${told.join()}, not 21.5,22`);
    return [undefined, [`first ${valueOf(observation.first)}, notified ${told.join(', ')}; then cancelled`]];
  }

  async #send(): Promise<readonly [undefined, readonly string[]]> {
    const sent = this.#server.events.next('sent', { signal: limit() });
    await this.#client!.send(['/3303/0']);
    return [undefined, describe((await sent).result)];
  }

  async #deregister(): Promise<readonly [undefined, readonly string[]]> {
    const gone = this.#server.events.next('deregistered', { signal: limit() });
    await this.#client!.stop();
    this.#client = undefined;
    const { endpoint } = (await gone).device;
    return [undefined, [`"${endpoint}" is gone: ${this.#server.devices.length} devices registered`]];
  }

  async #next<K extends keyof ClientEvents>(name: K): Promise<ClientEvents[K]> {
    const failed = this.#client!.events.next('registrationFailed', { signal: limit() });
    const failure = failed.then(({ error }) => Promise.reject(error));
    failure.catch(() => undefined); // only the race below cares
    return Promise.race([this.#client!.events.next(name, { signal: limit() }), failure]);
  }

  #watched(socket: DatagramSocket): DatagramSocket {
    const { capture } = this.#options;
    return tapped(capture === undefined ? socket : capture.watch(socket), this.#tap());
  }

  #tap(): Tap {
    const count = (way: 'sent' | 'received', sign: string) => (bytes: Uint8Array) => {
      this.#meter[way].datagrams++;
      this.#meter[way].bytes += bytes.length;
      if (this.#options.hex === true) this.#lines.push(`${sign} ${toHex(bytes)}`);
    };
    return { sent: count('sent', '>'), received: count('received', '<') };
  }
}

type Count = DemoStep['sent'];

interface Reading {
  readonly sent: Count;
  readonly received: Count;
  readonly line: number;
  readonly at: Instant;
}

function difference(after: Count, before: Count): Count {
  return { datagrams: after.datagrams - before.datagrams, bytes: after.bytes - before.bytes };
}

function valueOf({ entries }: ReadResult): string {
  return entries[0] === undefined ? 'nothing' : formatValue(entries[0].value);
}

function describe({ entries, contentFormat }: ReadResult): readonly string[] {
  const shown = entries.map(({ path, value }: Entry) => `${path} = ${formatValue(value)}`);
  return [`content format ${contentFormat}`, ...shown];
}

function limit(): AbortSignal {
  return AbortSignal.timeout(STEP_LIMIT);
}

async function withLimit<T>(act: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(STEP_LIMIT, undefined, { signal: over.signal }).then(() => {
    throw new Error(`nothing happened for ${formatDuration(milliseconds(STEP_LIMIT))}`);
  });
  late.catch(() => undefined); // cancelled below
  try {
    return await Promise.race([act, late]);
  } finally {
    over.abort();
  }
}

/** One step as a person reads it. */
export function formatStep({ step, title, details, sent, received, milliseconds: took, datagrams }: DemoStep): string {
  const count = ({ datagrams: n, bytes }: Count): string => `${bytes} B in ${n}`;
  const wire =
    sent.datagrams + received.datagrams === 0 ? '' : `, sent ${count(sent)}, received ${count(received)} datagrams`;
  const head = `${String(step).padStart(2)}. ${title}  (${formatDuration(milliseconds(took))}${wire})`;
  return [head, ...details.map((line) => `      ${line}`), ...(datagrams ?? []).map((line) => `      ${line}`)].join(
    '\n',
  );
}

/** The command, to be added to the program. */
export function demoCommand(io: CliIo): Command {
  return new Command('demo')
    .description('run a server and a device over DTLS on loopback, and show each step')
    .option('--hex', 'show every datagram of the device in hex')
    .option('--capture <file>', CAPTURE_HELP)
    .option('--json', 'one JSON object per step instead of text')
    .addHelpText(
      'after',
      '\nExamples:\n  lwm2m demo\n  lwm2m demo --hex\n  lwm2m demo --capture demo.pcapng\n  lwm2m demo --json | jq .milliseconds',
    )
    .action(async (flags: DemoFlags) => {
      const environment = systemEnvironment();
      const capture = flags.capture === undefined ? undefined : openCapture(flags.capture, environment.clock, io);
      const tell = (step: DemoStep): void => io.out(flags.json === true ? JSON.stringify(step) : formatStep(step));
      try {
        await runDemo({ hex: flags.hex, capture, environment, onStep: tell });
      } finally {
        capture?.close();
      }
      if (flags.json !== true) io.out('\nDone: registered over DTLS, managed, observed, and gone again.');
    });
}

interface DemoFlags {
  readonly hex?: boolean;
  readonly capture?: string;
  readonly json?: boolean;
}
