import assert from 'node:assert/strict';
import {
  ModelError,
  type ObjectDefinition,
  Path,
  type ResourceDefinition,
  type ResourceType,
  loadObjectDefinitions,
  plausibleObject,
  plausibleValue,
} from '../../lib/model/index.ts';
import { REGISTRY, registryFiles, registryText } from './xml/registry.ts';

const now = new Date(1_700_000_000_500);
const of = (type: ResourceType, more: Partial<ResourceDefinition> = {}): ResourceDefinition => ({
  id: 1,
  name: 'Sensor Units',
  operations: 'RW',
  type,
  ...more,
});

const definition: ObjectDefinition = {
  id: 3_400,
  name: 'Test',
  multiple: true,
  resources: {
    level: { id: 1, name: 'Level', operations: 'RW', type: 'integer', mandatory: true, range: [10, 20] },
    mode: { id: 2, name: 'Mode', operations: 'RW', type: 'string', oneOf: ['ON', 'OFF'] },
    codes: {
      id: 3,
      name: 'Codes',
      operations: 'RW',
      type: 'integer',
      multiple: true,
      ranges: [
        [0, 5],
        [255, 255],
      ],
    },
    reset: { id: 4, name: 'Reset', operations: 'E', type: 'none' },
  },
};

describe('a plausible object', () => {
  it('has values that its definition allows, the nearest to nothing', () => {
    const cases: [resource: ResourceDefinition, value: unknown][] = [
      [of('integer'), 0],
      [of('integer', { range: [5, 9] }), 5],
      [of('integer', { range: [-9, -5] }), -5],
      [of('unsignedInteger', { range: [1, 1n << 63n], wide: true }), 1n],
      [of('float', { range: [0.5, 1] }), 0.5],
      [of('boolean'), false],
      [of('time'), new Date(1_700_000_000_000)],
      [of('opaque', { range: [2, 4] }), new Uint8Array(2)],
      [of('objectLink'), { object: 65_535, instance: 65_535 }],
      [of('string'), 'Sensor Units'],
      [of('string', { range: [0, 6] }), 'Sensor'],
      [of('string', { range: [14, 20] }), 'Sensor Units..'],
      [of('string', { oneOf: ['ON', 'OFF'] }), 'ON'],
    ];
    for (const [resource, value] of cases) assert.deepEqual(plausibleValue(resource, now), value);
  });

  it('reads, executes, and lets servers create and delete', async () => {
    const executed: string[] = [];
    const object = plausibleObject(definition, { instances: [0], now, executed: ({ name }) => executed.push(name) });
    const entries = await object.read(Path.of(3_400, 0), 'server');
    assert.deepEqual(
      entries.map(({ path, value }) => [path.toString(), value]),
      [
        ['/3400/0/1', 10],
        ['/3400/0/2', 'ON'],
        ['/3400/0/3/0', 0],
      ],
    );
    await object.execute(Path.of(3_400, 0, 4), new Map());
    assert.deepEqual(executed, ['Reset']);
    assert.equal(await object.create(undefined, [{ path: Path.of(3_400, 1, 1), value: 12 }], 'server'), 1);
    assert.deepEqual(object.instanceIds, [0, 1]);
    object.delete(0, 'server');
    assert.deepEqual(object.instanceIds, [1]);
  });

  it('holds writes to the declared ranges, and stays as it was', () => {
    const object = plausibleObject(definition, { instances: [0], now });
    const write = (path: string, value: string | number): void =>
      void object.write(Path.parse(path), [{ path: Path.parse(path), value }], 'update', 'server');
    const refuses = (path: string, value: string | number, message: RegExp): void =>
      assert.throws(
        () => write(path, value),
        (error) => error instanceof ModelError && error.reason === 'badRequest' && message.test(error.message),
      );
    refuses('/3400/0/1', 21, /expected 10 to 20, found 21/);
    refuses('/3400/0/2', 'DIM', /expected ON or OFF, found another string/);
    refuses('/3400/0/3/0', 6, /expected 0 to 5 or 255, found 6/);
    assert.deepEqual([object[0]!['level'], object[0]!['mode']], [10, 'ON']);
    write('/3400/0/1', 20);
    write('/3400/0/2', 'OFF');
    write('/3400/0/3/0', 255);
  });

  it('makes nothing as large as a definition may ask for', () => {
    const huge = of('opaque', { range: [1e12, 1e13] });
    assert.equal((plausibleValue(huge, now) as Uint8Array).length, 65_536);
    const object: ObjectDefinition = { id: 3_401, name: 'Huge', resources: { huge } };
    assert.throws(() => plausibleObject(object, { instances: [0], now }), ModelError);
  });

  it("can be made of everything in OMA's registry", async function test() {
    if (REGISTRY === undefined) return this.skip();
    for (const file of registryFiles()) {
      const definitions = await loadObjectDefinitions(registryText(file)).catch(() => []);
      for (const each of definitions) {
        const object = plausibleObject(each, { instances: [0], now });
        assert.ok((await object.read(Path.of(each.id, 0), 'application')).length >= 0, file);
      }
    }
  });
});
