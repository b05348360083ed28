import assert from 'node:assert/strict';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { type Change, Path } from '../../lib/model/index.ts';
import { createDevice } from '../../lib/objects/index.ts';

const START = Date.UTC(2026, 0, 1);
const reboot = (): void => undefined;

describe('Device (object 3)', () => {
  it('needs a way to reboot, and has no error and UDP unless told otherwise', () => {
    const device = createDevice({ manufacturer: 'Example', reboot });
    assert.deepEqual([device[0].errorCode, device[0].supportedBindingAndModes], [{ 0: 0 }, 'U']);
    assert.deepEqual(device.resourceIds(0), [0, 4, 11, 12, 16]);
    // @ts-expect-error reboot is mandatory
    assert.throws(() => createDevice({ manufacturer: 'Example' }), /mandatory resource 4/);
  });

  it('calls what the application gave for reboot and factory reset', () => {
    const heard: string[] = [];
    const device = createDevice({
      reboot: () => void heard.push('reboot'),
      factoryReset: () => void heard.push('reset'),
    });
    void device.execute(Path.of(3, 0, 4), new Map());
    void device.execute(Path.of(3, 0, 5), new Map());
    assert.deepEqual(heard, ['reboot', 'reset']);
  });

  it('follows the clock', async () => {
    const clock = new VirtualTime(START);
    const device = createDevice({ reboot }, { clock });
    assert.deepEqual(device[0].currentTime, new Date(START));
    await clock.advance(5_000);
    assert.deepEqual(device[0].currentTime, new Date(START + 5_000));
  });

  it('goes on from the time a server wrote, leaving the clock alone', async () => {
    const clock = new VirtualTime(START);
    const device = createDevice({ reboot }, { clock });
    const path = Path.of(3, 0, 13);
    const changes: Change[] = [];
    device.subscribe((change) => changes.push(change));
    void device.write(path, [{ path, value: new Date(START + 3_600_000) }], 'replace', 'server');
    assert.ok(changes.length > 0 && changes.every((change) => change.path.equals(path)));
    await clock.advance(1_000);
    assert.deepEqual(device[0].currentTime, new Date(START + 3_601_000));
    assert.equal(clock.wallTime(), START + 1_000);
  });

  it('tells the application of writes after its own part', () => {
    const clock = new VirtualTime(START);
    const heard: unknown[] = [];
    const written = (event: { resources: readonly string[]; instance: { currentTime?: Date | undefined } }): void =>
      void heard.push(event.resources, event.instance.currentTime);
    const device = createDevice({ reboot }, { clock, hooks: { written } });
    const path = Path.of(3, 0, 13);
    void device.write(path, [{ path, value: new Date(0) }], 'replace', 'server');
    assert.deepEqual(heard, [['currentTime'], new Date(0)]);
  });

  it('resets errors to "no error", or to those that persist', () => {
    let persisting: number[] = [];
    const device = createDevice({ reboot, errorCode: { 0: 1, 1: 3 } }, { currentErrors: () => persisting });
    void device.execute(Path.of(3, 0, 12), new Map());
    assert.deepEqual(device[0].errorCode, { 0: 0 });
    persisting = [2, 8];
    void device.execute(Path.of(3, 0, 12), new Map());
    assert.deepEqual(device[0].errorCode, { 0: 2, 1: 8 });
  });

  it('has one instance that no server creates or deletes', () => {
    const device = createDevice({ reboot });
    assert.throws(() => device.create(undefined, [], 'server'), /no new instances/);
    assert.throws(() => device.delete(0, 'server'), /cannot be deleted/);
  });
});
