// A device to look at: a thermometer that drifts slowly, and a reboot that only says so.

import { type Environment, type Timer, SeededRandom, later, type Duration } from '../runtime/index.ts';
import { createDevice, createTemperature } from '../objects/index.ts';
import type { ManagedObject } from '../model/index.ts';

export interface SimulatedDevice {
  readonly objects: readonly ManagedObject[];
  /** Begins to change the temperature. @returns ends it */
  run(): () => void;
}

export interface SimulatedDeviceOptions {
  readonly environment: Environment;
  /** The same seed drifts the same way. */
  readonly seed: number;
  /** Between two changes. */
  readonly interval: Duration;
  readonly binding: string;
  /** A server executed /3/0/4, with its arguments. */
  readonly rebooted: (args: ReadonlyMap<number, string | undefined>) => void;
}

const START = 20; // °C
const [COLDEST, WARMEST] = [-10, 40];
const LARGEST_STEP = 0.5;

/** Device (3) and Temperature (3303). */
export function simulatedDevice(options: SimulatedDeviceOptions): SimulatedDevice {
  const { environment } = options;
  const device = createDevice(
    {
      manufacturer: 'lwm2m-client',
      modelNumber: 'simulated device',
      deviceType: 'demo',
      supportedBindingAndModes: options.binding,
      reboot: options.rebooted,
    },
    { clock: environment.clock },
  );
  const temperature = createTemperature({ 0: { sensorValue: START, sensorUnits: 'Cel' } });
  const random = new SeededRandom(options.seed);
  const drift = (): void => {
    const step = (random.unit() * 2 - 1) * LARGEST_STEP;
    const next = Math.min(WARMEST, Math.max(COLDEST, temperature[0].sensorValue + step));
    temperature[0].sensorValue = Math.round(next * 100) / 100;
  };
  return { objects: [device, temperature], run: () => every(environment, options.interval, drift) };
}

function every({ clock, timers }: Environment, interval: Duration, work: () => void): () => void {
  let timer: Timer;
  const next = (): void => {
    timer = timers.at(later(clock.now(), interval), () => {
      work();
      next();
    });
  };
  next();
  return () => timer.cancel();
}
