import assert from 'node:assert/strict';
import { Path } from '../../lib/model/index.ts';
import { settle } from '../../lib/runtime/index.ts';
import { createTemperature } from '../../lib/objects/index.ts';

const RESET = Path.of(3303, 0, 5605);

describe('Temperature (object 3303)', () => {
  it('has the types of its definition', () => {
    const temperature = createTemperature({ 0: { sensorValue: 20 } });
    temperature[0].sensorValue = 21.5;
    // @ts-expect-error a temperature is a number
    assert.throws(() => (temperature[0].sensorValue = 'hot'), /expected float, found string/);
    assert.equal(temperature[0].sensorValue, 21.5);
  });

  it('keeps the smallest and largest value, and starts anew when told', async () => {
    const temperature = createTemperature({ 0: { sensorValue: 20 }, 3: { sensorValue: 1 } });
    for (const value of [22, 18, 19]) temperature[0].sensorValue = value;
    assert.deepEqual([temperature[0].minMeasuredValue, temperature[0].maxMeasuredValue], [18, 22]);
    assert.deepEqual([temperature[3].minMeasuredValue, temperature[3].maxMeasuredValue], [1, 1]);
    await temperature.execute(RESET, new Map());
    assert.deepEqual([temperature[0].minMeasuredValue, temperature[0].maxMeasuredValue], [19, 19]);
  });

  it('tells observers of the extremes only when they move', () => {
    const temperature = createTemperature({ 0: { sensorValue: 20 } });
    const changes: string[] = [];
    temperature.subscribe(({ path }) => changes.push(path.toString()));
    temperature[0].sensorValue = 21;
    temperature[0].sensorValue = 20.5;
    assert.deepEqual(changes.toSorted(), ['/3303/0/5602', '/3303/0/5700', '/3303/0/5700']);
  });

  it('counts what functions answer when a change is announced', async () => {
    let value = 20;
    const temperature = createTemperature({ 0: { sensorValue: () => value }, 1: { sensorValue: async () => -value } });
    value = 25;
    temperature.changed(0, 'sensorValue');
    temperature.changed(1, 'sensorValue');
    await settle();
    assert.deepEqual([temperature[0].minMeasuredValue, temperature[0].maxMeasuredValue], [20, 25]);
    assert.deepEqual([temperature[1].minMeasuredValue, temperature[1].maxMeasuredValue], [-25, -20]);
  });

  it('does not count values that are no number, nor functions that fail', async () => {
    let fails = false;
    const source = async (): Promise<number> => {
      if (fails) throw new Error('sensor is gone');
      return Number.NaN;
    };
    const temperature = createTemperature({ 0: { sensorValue: source } });
    fails = true;
    temperature.changed(0, 'sensorValue');
    await settle();
    assert.equal(temperature[0].minMeasuredValue, undefined);
    await assert.rejects(async () => temperature.execute(RESET, new Map()), /sensor is gone/);
  });

  it('measures instances that come later, and forgets those that go', () => {
    const temperature = createTemperature({});
    temperature.add(7, { sensorValue: 5 });
    assert.equal(temperature.instance(7).maxMeasuredValue, 5);
    temperature.remove(7);
    temperature.add(7, { sensorValue: 2 });
    assert.equal(temperature.instance(7).maxMeasuredValue, 2);
  });
});
