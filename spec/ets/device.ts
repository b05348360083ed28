// The device of the cases, in OMA's configurations (ETS appendix C), over sockets of the loopback with time that we move.

import { type LwM2mVersion, LwM2mClient, type ServerAccount } from '../../lib/client/index.ts';
import { type InstanceInit, type ManagedObject, defineObject } from '../../lib/model/index.ts';
import { type DeviceInit, createDevice } from '../../lib/objects/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import type { Credentials } from './credentials.ts';
import { type VirtualTime, systemEnvironment } from '../../lib/runtime/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { tcpSocket, udpSocket } from '../../lib/net/node/index.ts';

/** Portfolio (object 16): texts about the host, which servers may create and delete. */
export const Portfolio = defineObject({
  id: 16,
  name: 'Portfolio',
  multiple: true,
  resources: {
    identity: { id: 0, name: 'Identity', operations: 'RW', type: 'string', multiple: true, mandatory: true },
  },
});

function keyHolder(id: number) {
  const name = { id: 0, name: 'Name', operations: 'R', type: 'string' } as const;
  return defineObject({ id, name: 'Keys', multiple: true, resources: { name } });
}

type PortfolioInit = InstanceInit<(typeof Portfolio)['definition']>;
type ServerValues = NonNullable<ServerAccount['server']>;

/** What a client has. */
export interface Configuration {
  readonly server: ServerValues;
  readonly device: Omit<DeviceInit, 'reboot'>;
  /** What Register says beyond the values of /1. Default: `LIFETIME`, and always reachable. */
  readonly account?: Pick<ServerAccount, 'lifetime' | 'queueMode'>;
  /** Instances of /16; undefined: the object is not there. */
  readonly portfolio?: Readonly<Record<number, PortfolioInit>>;
  /** Where the channel is secured. Default: not at all, for most cases look at what is said. */
  readonly credentials?: Credentials;
  /** How many servers it has accounts for, all alike. Default 1. */
  readonly servers?: number;
  /** Makes the objects beside these. Default none. */
  readonly others?: () => readonly ManagedObject[] | Promise<readonly ManagedObject[]>;
  /** Whether the device has Current Time. */
  readonly hasClock?: boolean;
}

/** `/1/0/1` of OMA's configurations, in seconds. */
export const LIFETIME = 86_400;

const MINIMAL_SERVER: ServerValues = { notificationStoringWhenDisabledOrOffline: false, binding: 'U' };
const EXTENDED_SERVER: ServerValues = {
  ...MINIMAL_SERVER,
  defaultMinimumPeriod: 1,
  defaultMaximumPeriod: 10,
  disableTimeout: 86_400,
};
const MINIMAL_DEVICE = {
  manufacturer: 'Open Mobile Alliance',
  modelNumber: 'Lightweight M2M Client',
  serialNumber: '345000123',
  firmwareVersion: '1.0',
  errorCode: { 0: 0 },
  supportedBindingAndModes: 'U',
};
const BATTERY_DEVICE = {
  ...MINIMAL_DEVICE,
  availablePowerSources: { 0: 1, 1: 2 },
  powerSourceVoltage: { 0: 0, 1: 0 },
  powerSourceCurrent: { 0: 0, 1: 0 },
  batteryLevel: 0,
};

/** C.1: the least. */
export const C1: Configuration = { server: MINIMAL_SERVER, device: MINIMAL_DEVICE };
/** C.3: default periods and disable timeout. */
export const C3: Configuration = { server: EXTENDED_SERVER, device: MINIMAL_DEVICE };
/** C.4: and the battery. */
export const C4: Configuration = { server: EXTENDED_SERVER, device: BATTERY_DEVICE };
/** C.6: and all else of the Device object. */
export const C6: Configuration = {
  server: EXTENDED_SERVER,
  hasClock: true,
  device: {
    ...BATTERY_DEVICE,
    memoryFree: 15,
    utcOffset: '+01:00',
    timezone: 'Europe/Berlin',
    deviceType: 'sensor',
    hardwareVersion: '1.1',
    softwareVersion: '1.2',
    batteryStatus: 0,
    memoryTotal: 128,
    extDevInfo: { 0: { object: 3, instance: 0 } },
    factoryReset: () => undefined,
  },
};
/** C.1 and an object of the Portfolio without instances. */
export const C1_PORTFOLIO: Configuration = { ...C1, portfolio: {} };
/** C.1, and Mute Send is there. */
export const C1_SENDING: Configuration = { ...C1, server: { ...MINIMAL_SERVER, muteSend: false } };
/** C.1, and the objects that hold keys: here they can be read, so that only the client stands before them. */
export const C1_KEYS: Configuration = {
  ...C1,
  others: () => [21, 23].map((id) => keyHolder(id).create({ 0: { name: 'a secret' } })),
};
/** C.14 without a bootstrap server and access control: two servers. */
export const C14: Configuration = { ...C3, servers: 2 };
/** C.12: the Portfolio with its first instance. */
export const C12: Configuration = {
  server: EXTENDED_SERVER,
  device: MINIMAL_DEVICE,
  portfolio: {
    0: {
      identity: {
        0: 'Host Device ID #1',
        1: 'Host Device Manufacturer #1',
        2: 'Host Device Model #1',
        3: 'Host Device Software Version #1',
      },
    },
  },
};

export interface TestDeviceOptions {
  readonly configuration: Configuration;
  readonly version: LwM2mVersion;
  /** Of its servers, which have the short ids 1, 2 and so on. */
  readonly uris: readonly string[];
  readonly time: VirtualTime;
  readonly endpoint: string;
}

interface Powered {
  readonly client: LwM2mClient;
  readonly device: ReturnType<typeof createDevice>;
}

/** A device that can be turned off and on; what it was told is then forgotten. */
export class TestDevice {
  readonly #options: TestDeviceOptions;
  #now: Powered | undefined;
  #socket: DatagramSocket | undefined;
  /** How often /3/0/4 was executed. */
  reboots = 0;

  constructor(options: TestDeviceOptions) {
    this.#options = options;
  }

  get client(): LwM2mClient {
    return this.#powered.client;
  }

  /** The instance /3/0, as the application has it. */
  get device(): ReturnType<typeof createDevice>[0] {
    return this.#powered.device[0];
  }

  /** Through the UDP socket it has now. */
  get bytesSent(): bigint {
    return this.#socket?.getOption('bytesSent') ?? 0n;
  }

  async turnOn(): Promise<void> {
    this.#now = await this.#make();
    await this.client.start();
  }

  /** Loses power and has it again. */
  async restart(): Promise<void> {
    await this.client.stop({ deregister: false });
    await this.turnOn();
  }

  get #powered(): Powered {
    if (this.#now === undefined) throw new Error('the device is off');
    return this.#now;
  }

  async #make(): Promise<Powered> {
    const { configuration, version, uris, time, endpoint } = this.#options;
    const { credentials } = configuration;
    const security = credentials && { security: credentials.device };
    const account = { server: configuration.server, ...configuration.account, ...security };
    const device = createDevice(
      { ...configuration.device, reboot: () => void this.reboots++ },
      configuration.hasClock === true ? { clock: time } : {},
    );
    const objects: ManagedObject[] = [device, ...((await configuration.others?.()) ?? [])];
    if (configuration.portfolio !== undefined) {
      const hooks = { instanceTemplate: () => ({}), deletable: true };
      objects.push(Portfolio.create(configuration.portfolio, hooks));
    }
    const client = new LwM2mClient({
      endpoint,
      objects,
      servers: uris.map((uri, at) => {
        const named = credentials?.host === undefined ? uri : uri.replace('127.0.0.1', credentials.host);
        return { uri: named, shortServerId: at + 1, lifetime: LIFETIME, ...account };
      }),
      backends: {
        udp: (...given) => (this.#socket = udpSocket(...given)),
        dtls: nativeDtls({
          datagramSocket: (...given) => udpSocket(...given, { resolver: async () => ['127.0.0.1'] }),
        }),
        tcp: tcpSocket,
      },
      environment: systemEnvironment({ clock: time, timers: time }),
      versions: [version],
      dangerAllowNoSec: true,
    });
    return { client, device };
  }
}
