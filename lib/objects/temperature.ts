// Temperature (IPSO object 3303, version 1.1): a value, and the smallest and largest seen.

import { type InstanceInit, Path, type TypedObject, defineObject } from '../model/index.ts';

export const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  version: '1.1',
  multiple: true,
  resources: {
    sensorValue: { id: 5700, name: 'Sensor Value', operations: 'R', type: 'float', mandatory: true },
    minMeasuredValue: { id: 5601, name: 'Min Measured Value', operations: 'R', type: 'float' },
    maxMeasuredValue: { id: 5602, name: 'Max Measured Value', operations: 'R', type: 'float' },
    minRangeValue: { id: 5603, name: 'Min Range Value', operations: 'R', type: 'float' },
    maxRangeValue: { id: 5604, name: 'Max Range Value', operations: 'R', type: 'float' },
    sensorUnits: { id: 5701, name: 'Sensor Units', operations: 'R', type: 'string' },
    resetMinAndMaxMeasuredValues: {
      id: 5605,
      name: 'Reset Min and Max Measured Values',
      operations: 'E',
      type: 'none',
    },
    applicationType: { id: 5750, name: 'Application Type', operations: 'RW', type: 'string' },
    timestamp: { id: 5518, name: 'Timestamp', operations: 'R', type: 'time' },
    fractionalTimestamp: {
      id: 6050,
      name: 'Fractional Timestamp',
      operations: 'R',
      type: 'float',
      range: [0, 1],
      units: 's',
    },
    measurementQualityIndicator: {
      id: 6042,
      name: 'Measurement Quality Indicator',
      operations: 'R',
      type: 'integer',
      range: [0, 23],
    },
    measurementQualityLevel: {
      id: 6049,
      name: 'Measurement Quality Level',
      operations: 'R',
      type: 'integer',
      range: [0, 100],
    },
  },
});

export type TemperatureDefinition = (typeof Temperature)['definition'];

/** A sensor: its value may be a number, assigned later, or a function asked at every read. */
export type TemperatureInit = Omit<
  InstanceInit<TemperatureDefinition>,
  'minMeasuredValue' | 'maxMeasuredValue' | 'resetMinAndMaxMeasuredValues'
>;

/**
 * Makes the Temperature object: `createTemperature({ 0: { sensorValue: 20, sensorUnits: 'Cel' } })`. The smallest and
 * largest measured value follow what is assigned, and what functions answer when `changed` announces it; a server starts
 * them anew by executing 5605.
 */
export function createTemperature<const I extends Readonly<Record<number, TemperatureInit>>>(
  instances: I,
): TypedObject<TemperatureDefinition, keyof I & number> {
  const object = Temperature.create({});
  object.subscribe(({ kind, path }) => {
    const id = path.instance!;
    if (kind === 'created') {
      object.set(id, 'resetMinAndMaxMeasuredValues', () =>
        withValue(object, id, (value) => restart(object, id, value)),
      );
    }
    if (kind === 'created' || (kind === 'value' && path.resource === SENSOR_VALUE)) {
      // A function that fails fails its readers too: here it only means that there is nothing to count.
      withValue(object, id, (value) => extend(object, id, value)).catch(() => undefined);
    }
  });
  for (const [id, init] of Object.entries(instances)) object.add(Number(id), init);
  return object as TypedObject<TemperatureDefinition, keyof I & number>;
}

const SENSOR_VALUE = Temperature.definition.resources.sensorValue.id;
type TemperatureObject = TypedObject<TemperatureDefinition>;

/** Calls `use` with the current value: at once, or later where it is asynchronous. */
async function withValue(object: TemperatureObject, id: number, use: (value: number) => void): Promise<void> {
  const read = object.read(Path.of(object.definition.id, id, SENSOR_VALUE), 'application');
  const [entry] = read instanceof Promise ? await read : read;
  if (typeof entry?.value === 'number' && Number.isFinite(entry.value)) use(entry.value);
}

function extend(object: TemperatureObject, id: number, value: number): void {
  const { minMeasuredValue = value, maxMeasuredValue = value } = object.instance(id);
  object.set(id, 'minMeasuredValue', Math.min(minMeasuredValue, value));
  object.set(id, 'maxMeasuredValue', Math.max(maxMeasuredValue, value));
}

function restart(object: TemperatureObject, id: number, value: number): void {
  object.set(id, 'minMeasuredValue', value);
  object.set(id, 'maxMeasuredValue', value);
}
