import assert from 'node:assert/strict';
import { Path } from '../../lib/model/index.ts';
import { createServer } from '../../lib/objects/index.ts';

const account = { shortServerId: 101, lifetime: 86_400 };
const idle = { registrationUpdateTrigger: () => undefined };

describe('Server (object 1)', () => {
  it('stores notifications and binds to UDP unless told otherwise', () => {
    const server = createServer({ 0: account, 1: { ...account, binding: 'T' } }, idle);
    assert.deepEqual([server[0].binding, server[1].binding], ['U', 'T']);
    assert.equal(server[0].notificationStoringWhenDisabledOrOffline, true);
  });

  it('asks the engine to act, by instance', () => {
    const heard: unknown[] = [];
    const server = createServer(
      { 0: account, 4: account },
      {
        registrationUpdateTrigger: (instance, args) => void heard.push('update', instance, args.size),
        disable: (instance) => void heard.push('disable', instance),
      },
    );
    void server.execute(Path.of(1, 4, 8), new Map([[0, 'U']]));
    void server.execute(Path.of(1, 0, 4), new Map());
    assert.deepEqual(heard, ['update', 4, 1, 'disable', 0]);
  });

  it('has only the executables the engine offers', () => {
    const server = createServer({ 0: account }, idle);
    assert.deepEqual(server.resourceIds(0), [0, 1, 6, 7, 8]);
  });

  it('lets servers write their lifetime, not their identifier', () => {
    const server = createServer({ 0: account }, idle);
    const write = (resource: number, value: number): void => {
      const path = Path.of(1, 0, resource);
      void server.write(path, [{ path, value }], 'replace', 'server');
    };
    write(1, 60);
    assert.equal(server[0].lifetime, 60);
    assert.throws(() => write(0, 1), /Short Server ID\) cannot be written/);
  });

  it('takes new instances from bootstrap servers only, with working executables', () => {
    const heard: number[] = [];
    const server = createServer({}, { registrationUpdateTrigger: (instance) => void heard.push(instance) });
    const values = [
      { path: Path.of(1, 2, 0), value: 7 },
      { path: Path.of(1, 2, 1), value: 300 },
    ];
    assert.throws(() => server.create(2, values, 'server'), /no new instances/);
    assert.equal(server.create(2, values, 'bootstrap'), 2);
    void server.execute(Path.of(1, 2, 8), new Map());
    assert.deepEqual([server[2]?.shortServerId, heard], [7, [2]]);
  });
});
