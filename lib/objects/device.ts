// Device (object 3, version 1.2): what the device is, its clock, its errors, and its reboot.

import {
  type Executable,
  type InstanceInit,
  type ObjectHooks,
  type TypedObject,
  defineObject,
} from '../model/index.ts';

export const Device = defineObject({
  id: 3,
  name: 'Device',
  version: '1.2',
  mandatory: true,
  resources: {
    manufacturer: { id: 0, name: 'Manufacturer', operations: 'R', type: 'string' },
    modelNumber: { id: 1, name: 'Model Number', operations: 'R', type: 'string' },
    serialNumber: { id: 2, name: 'Serial Number', operations: 'R', type: 'string' },
    firmwareVersion: { id: 3, name: 'Firmware Version', operations: 'R', type: 'string' },
    reboot: { id: 4, name: 'Reboot', operations: 'E', type: 'none', mandatory: true },
    factoryReset: { id: 5, name: 'Factory Reset', operations: 'E', type: 'none' },
    availablePowerSources: {
      id: 6,
      name: 'Available Power Sources',
      operations: 'R',
      type: 'integer',
      multiple: true,
      range: [0, 7],
    },
    powerSourceVoltage: { id: 7, name: 'Power Source Voltage', operations: 'R', type: 'integer', multiple: true },
    powerSourceCurrent: { id: 8, name: 'Power Source Current', operations: 'R', type: 'integer', multiple: true },
    batteryLevel: { id: 9, name: 'Battery Level', operations: 'R', type: 'integer', range: [0, 100], units: '/100' },
    memoryFree: { id: 10, name: 'Memory Free', operations: 'R', type: 'integer' },
    errorCode: {
      id: 11,
      name: 'Error Code',
      operations: 'R',
      type: 'integer',
      multiple: true,
      mandatory: true,
      range: [0, 32],
    },
    resetErrorCode: { id: 12, name: 'Reset Error Code', operations: 'E', type: 'none' },
    currentTime: { id: 13, name: 'Current Time', operations: 'RW', type: 'time' },
    utcOffset: { id: 14, name: 'UTC Offset', operations: 'RW', type: 'string' },
    timezone: { id: 15, name: 'Timezone', operations: 'RW', type: 'string' },
    supportedBindingAndModes: {
      id: 16,
      name: 'Supported Binding and Modes',
      operations: 'R',
      type: 'string',
      mandatory: true,
    },
    deviceType: { id: 17, name: 'Device Type', operations: 'R', type: 'string' },
    hardwareVersion: { id: 18, name: 'Hardware Version', operations: 'R', type: 'string' },
    softwareVersion: { id: 19, name: 'Software Version', operations: 'R', type: 'string' },
    batteryStatus: { id: 20, name: 'Battery Status', operations: 'R', type: 'integer', range: [0, 6] },
    memoryTotal: { id: 21, name: 'Memory Total', operations: 'R', type: 'integer' },
    extDevInfo: { id: 22, name: 'ExtDevInfo', operations: 'R', type: 'objectLink', multiple: true },
  },
});

export type DeviceDefinition = (typeof Device)['definition'];

type Given = 'errorCode' | 'resetErrorCode' | 'currentTime' | 'supportedBindingAndModes';

/** The Device instance; what is left out has a default or is not there. */
export type DeviceInit = Omit<InstanceInit<DeviceDefinition>, Given> & {
  /** Default: one instance, 0, "no error". */
  readonly errorCode?: Readonly<Record<number, number>>;
  /** Default `U`. */
  readonly supportedBindingAndModes?: string;
};

export interface DeviceOptions {
  /** Tells Current Time; an Environment's clock fits. Without it the device has no Current Time. */
  readonly clock?: { wallTime(): number };
  /** The errors that persist when a server resets them. Default: none. */
  readonly currentErrors?: () => readonly number[];
  readonly hooks?: ObjectHooks<DeviceDefinition>;
}

const NO_ERROR = 0; // /3/0/11: 0 = no error

/**
 * Makes the Device object: `createDevice({ manufacturer: 'Example', reboot() { … } }, env)`. Current Time follows the
 * clock; when a server writes it, the difference is kept and the device's clock itself stays as it is.
 */
export function createDevice(init: DeviceInit, options: DeviceOptions = {}): TypedObject<DeviceDefinition, 0> {
  const time = options.clock === undefined ? undefined : new DeviceTime(options.clock);
  const device: TypedObject<DeviceDefinition, 0> = Device.create(
    {
      0: {
        errorCode: { 0: NO_ERROR },
        supportedBindingAndModes: 'U',
        ...init,
        resetErrorCode: resetErrorCode(() => device, options.currentErrors),
        currentTime: time?.now,
      },
    },
    {
      ...options.hooks,
      written(event) {
        if (time !== undefined && event.resources.includes('currentTime')) {
          const written = event.instance.currentTime;
          if (written !== undefined) time.follow(written);
          device.set(0, 'currentTime', time.now);
        }
        options.hooks?.written?.(event);
      },
    },
  );
  return device;
}

/** /3/0/12: all errors go, one "no error" comes, then those that persist are put back. */
function resetErrorCode(
  device: () => TypedObject<DeviceDefinition, 0>,
  currentErrors: (() => readonly number[]) | undefined,
): Executable {
  return () => {
    const errors = currentErrors?.() ?? [];
    device()[0].errorCode = Object.fromEntries((errors.length === 0 ? [NO_ERROR] : errors).entries());
  };
}

const LARGEST_TIME = 8.64e15; // ms either side of 1970 that a Date can hold (ECMA-262 §21.4.1.1)

/** The clock plus what a server's writes added to it. It stands still at the end of what a Date can hold. */
class DeviceTime {
  readonly #clock: { wallTime(): number };
  #offset = 0;

  constructor(clock: { wallTime(): number }) {
    this.#clock = clock;
  }

  readonly now = (): Date => {
    const time = this.#clock.wallTime() + this.#offset;
    return new Date(Math.min(Math.max(time, -LARGEST_TIME), LARGEST_TIME));
  };

  follow(time: Date): void {
    this.#offset = time.getTime() - this.#clock.wallTime();
  }
}
