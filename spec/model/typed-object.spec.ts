import assert from 'node:assert/strict';
import {
  type Actor,
  type Change,
  type Entry,
  ModelError,
  type ModelErrorReason,
  type ObjectHooks,
  Path,
  type TypedObject,
  type Value,
  type WriteMode,
} from '../../lib/model/index.ts';
import { Sample, type SampleDefinition } from './support.ts';

const entry = (path: string, value: Value): Entry => ({ path: Path.parse(path), value });

function sample(hooks: ObjectHooks<SampleDefinition> = {}): TypedObject<SampleDefinition, 0> {
  return Sample.create(
    {
      0: { count: 1, colours: { 0: 'Red', 1: 'Green' }, serial: 'S1', hidden: 'h', note: 'n', blink: () => undefined },
    },
    hooks,
  );
}

/** Everything the object holds, for comparison. */
async function snapshot(object: TypedObject<SampleDefinition>): Promise<unknown> {
  const entries = await object.read(Path.of(34), 'application');
  return entries.map(({ path, value }) => [path.toString(), value]);
}

function changesOf(object: TypedObject<SampleDefinition>): string[] {
  const changes: string[] = [];
  object.subscribe(({ kind, path }: Change) => changes.push(`${kind} ${path}`));
  return changes;
}

function refuses(run: () => unknown, reason: ModelErrorReason, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ModelError);
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  });
}

describe('a typed object', () => {
  it('is its instances as plain properties', () => {
    const object = sample();
    object[0].count = 5;
    object[0].colours = { 3: 'Blue' };
    assert.equal(object[0].count, 5);
    assert.deepEqual(object[0].colours, { 3: 'Blue' });
    assert.deepEqual(object.instanceIds, [0]);
    assert.equal(object[1], undefined);
  });

  it('has the types of its definition', () => {
    const object = sample();
    object[0].count = 21;
    // @ts-expect-error a string is no integer
    assert.throws(() => (object[0].count = 'hot'), ModelError);
    // @ts-expect-error a mandatory resource cannot be taken away
    assert.throws(() => (object[0].count = undefined), ModelError);
    // @ts-expect-error a multiple resource takes values by resource instance id
    assert.throws(() => (object[0].colours = 'Red'), ModelError);
    // @ts-expect-error wide integers are bigints
    object[0].total = 1;
    object[0].total = 1n;
    // @ts-expect-error no such resource
    assert.throws(() => (object[0].size = 1), TypeError);
    // @ts-expect-error count is mandatory
    assert.throws(() => Sample.create({ 0: {} }), ModelError);
    // @ts-expect-error there may be no instance 7: its properties need a check
    assert.throws(() => object[7].count, TypeError);
    const total: bigint | undefined = object[0].total;
    const count: number = object[0].count;
    assert.deepEqual([total, count], [1n, 21]);
  });

  it('tells observers what changed, and nothing when nothing did', () => {
    const object = sample();
    const changes = changesOf(object);
    object[0].count = 1;
    object[0].count = 2;
    object[0].colours = { 0: 'Red', 1: 'Green' };
    object[0].colours = { 0: 'Red' };
    object[0].note = undefined;
    object.add(4, { count: 0 });
    object.remove(4);
    object.remove(4);
    assert.deepEqual(changes, ['value /34/0/0', 'value /34/0/1', 'value /34/0/6', 'created /34/4', 'deleted /34/4']);
  });

  it('stops telling a listener that unsubscribed', () => {
    const object = sample();
    let calls = 0;
    const unsubscribe = object.subscribe(() => calls++);
    object[0].count = 2;
    unsubscribe();
    object[0].count = 3;
    assert.equal(calls, 1);
  });

  const wrong: [what: string, set: (object: TypedObject<SampleDefinition, 0>) => void, message: RegExp][] = [
    [
      'a value out of range',
      (object) => object.set(0, 'count', 101),
      /\/34\/0\/0 \(Count\): expected 0 to 100, found 101/,
    ],
    [
      'a text that is too long in bytes',
      (object) => object.set(0, 'note', 'ääääm'),
      /a length of 0 to 8, found a length of 9/,
    ],
    ['another type', (object) => object.set(0, 'count', 'x'), /expected integer, found string/],
    ['a fraction', (object) => object.set(0, 'count', 1.5), /expected integer/],
    ['a bigint that is not wide', (object) => object.set(0, 'count', 1n), /at most 53 bits/],
    ['a resource that is not there', (object) => object.set(0, 'size', 1), /no resource size/],
    ['a value for an executable', (object) => object.set(0, 'blink', 1), /takes a function/],
    [
      'an id that is no number',
      (object) => object.set(0, 'colours', Object.fromEntries([['x', 'y']])),
      /0 to 65534, not x/,
    ],
  ];
  for (const [what, set, message] of wrong) {
    it(`refuses ${what} and stays as it was`, async () => {
      const object = sample();
      const before = await snapshot(object);
      const changes = changesOf(object);
      assert.throws(() => set(object), message);
      assert.deepEqual(await snapshot(object), before);
      assert.deepEqual(changes, []);
    });
  }

  it('never quotes a value in an error', () => {
    assert.throws(
      () => sample().set(0, 'count', 'hunter2'),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });

  describe('reading', () => {
    it('gives servers what they may read, in order', async () => {
      const paths = (await sample().read(Path.of(34, 0), 'server')).map(({ path }) => path.toString());
      assert.deepEqual(paths, ['/34/0/0', '/34/0/1/0', '/34/0/1/1', '/34/0/2', '/34/0/6']);
    });

    it('gives bootstrap servers and the application everything that has a value', async () => {
      const paths = (await sample().read(Path.of(34, 0), 'bootstrap')).map(({ path }) => path.toString());
      assert.deepEqual(paths, ['/34/0/0', '/34/0/1/0', '/34/0/1/1', '/34/0/2', '/34/0/4', '/34/0/6']);
    });

    it('gives one resource instance', () => {
      assert.deepEqual(sample().read(Path.of(34, 0, 1, 1), 'server'), [entry('/34/0/1/1', 'Green')]);
    });

    const refused: [path: string, reason: ModelErrorReason][] = [
      ['/34/1', 'notFound'],
      ['/34/0/9', 'notFound'],
      ['/34/0/8', 'notFound'],
      ['/34/0/1/9', 'notFound'],
      ['/34/0/0/0', 'notFound'],
      ['/34/0/5', 'methodNotAllowed'],
      ['/34/0/4', 'methodNotAllowed'],
    ];
    for (const [path, reason] of refused) {
      it(`refuses a server ${path}: ${reason}`, () => {
        refuses(() => sample().read(Path.parse(path), 'server'), reason, /34/);
      });
    }

    it('asks functions at every read, at once or later', async () => {
      let level = 0;
      const object = Sample.create({ 0: { count: () => ++level, level: async () => 0.5 } });
      const first = object.read(Path.of(34, 0), 'server');
      assert.ok(first instanceof Promise);
      assert.deepEqual(await first, [entry('/34/0/0', 1), entry('/34/0/8', 0.5)]);
      assert.deepEqual(object.read(Path.of(34, 0, 0), 'server'), [entry('/34/0/0', 2)]);
      assert.equal(object[0].count, 3);
      assert.throws(() => object[0].level, /asynchronous/);
    });

    it('checks what functions answer', async () => {
      const object = Sample.create({ 0: { count: () => 101, level: async () => 'x' as unknown as number } });
      assert.throws(() => object.read(Path.of(34, 0, 0), 'server'), /0 to 100/);
      await assert.rejects(async () => object.read(Path.of(34, 0, 8), 'server'), /expected float/);
    });

    it('leaves no rejection unheard when one source throws and an earlier one rejects', async () => {
      const object = Sample.create({
        0: {
          count: () => Promise.reject(new Error('later')),
          level: () => {
            throw new Error('at once');
          },
        },
      });
      const unheard: unknown[] = [];
      const listen = (reason: unknown): void => void unheard.push(reason);
      process.on('unhandledRejection', listen);
      assert.throws(() => object.read(Path.of(34, 0), 'server'), /at once/);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('unhandledRejection', listen);
      assert.deepEqual(unheard, []);
    });
  });

  describe('writing (LwM2M Core 1.2 §6.3.3)', () => {
    it("replaces or updates a multiple resource as the specification's example does", () => {
      const values = [entry('/34/0/1/1', 'Yellow'), entry('/34/0/1/3', 'Blue')];
      const replaced = sample();
      void replaced.write(Path.of(34, 0, 1), values, 'replace', 'server');
      assert.deepEqual(replaced[0].colours, { 1: 'Yellow', 3: 'Blue' });
      const updated = sample();
      void updated.write(Path.of(34, 0, 1), values, 'update', 'server');
      assert.deepEqual(updated[0].colours, { 0: 'Red', 1: 'Yellow', 3: 'Blue' });
    });

    it('updates what is given of an instance, and replaces all that the server may write', () => {
      const updated = sample();
      void updated.write(Path.of(34, 0), [entry('/34/0/0', 9)], 'update', 'server');
      assert.deepEqual([updated[0].count, updated[0].note, updated[0].serial], [9, 'n', 'S1']);
      const replaced = sample();
      void replaced.write(Path.of(34, 0), [entry('/34/0/0', 9)], 'replace', 'server');
      assert.deepEqual([replaced[0].count, replaced[0].note, replaced[0].colours], [9, undefined, undefined]);
      assert.deepEqual([replaced[0].serial, replaced[0].hidden], ['S1', 'h']);
    });

    it('keeps what the application computes through a replace', () => {
      const object = Sample.create({ 0: { count: 1, note: () => 'now' } });
      void object.write(Path.of(34, 0), [entry('/34/0/0', 9)], 'replace', 'server');
      assert.equal(object[0].note, 'now');
    });

    it('empties a multiple resource by a replace without values', () => {
      const object = sample();
      void object.write(Path.of(34, 0, 1), [], 'replace', 'server');
      assert.deepEqual(object[0].colours, {});
      assert.deepEqual(object.resourceInstanceIds(0, 1), []);
    });

    it('sets one resource instance that is there', () => {
      const object = sample();
      void object.write(Path.of(34, 0, 1, 0), [entry('/34/0/1/0', 'Pink')], 'replace', 'server');
      assert.deepEqual(object[0].colours, { 0: 'Pink', 1: 'Green' });
    });

    it('passes over resources of an instance that it does not know', () => {
      const object = sample();
      void object.write(Path.of(34, 0), [entry('/34/0/99', 1), entry('/34/0/0', 9)], 'update', 'server');
      assert.equal(object[0].count, 9);
    });

    it('lets bootstrap servers write what no server may', () => {
      const object = sample();
      void object.write(Path.of(34, 0), [entry('/34/0/4', 'x'), entry('/34/0/2', 'S2')], 'update', 'bootstrap');
      assert.deepEqual([object[0].hidden, object[0].serial], ['x', 'S2']);
    });

    type Refusal = [what: string, path: string, entries: Entry[], mode: WriteMode, by: Actor, reason: ModelErrorReason];
    const refusals: Refusal[] = [
      ['a read-only resource', '/34/0/2', [entry('/34/0/2', 'x')], 'replace', 'server', 'methodNotAllowed'],
      ['an executable', '/34/0/5', [entry('/34/0/5', 'x')], 'replace', 'bootstrap', 'methodNotAllowed'],
      [
        'an instance with one read-only resource among good ones',
        '/34/0',
        [entry('/34/0/0', 9), entry('/34/0/2', 'x'), entry('/34/0/6', 'new')],
        'update',
        'server',
        'methodNotAllowed',
      ],
      [
        'an instance with one wrong value after good ones',
        '/34/0',
        [entry('/34/0/6', 'new'), entry('/34/0/0', 101)],
        'update',
        'server',
        'badRequest',
      ],
      ['a replace without a mandatory resource', '/34/0', [entry('/34/0/6', 'x')], 'replace', 'server', 'badRequest'],
      ['a value outside the path', '/34/0/0', [entry('/34/0/6', 'x')], 'replace', 'server', 'badRequest'],
      ['a value of another instance', '/34/0', [entry('/34/1/0', 2)], 'update', 'server', 'badRequest'],
      ['a resource without a value', '/34/0/0', [], 'replace', 'server', 'badRequest'],
      ['a resource instance without a value', '/34/0/1/0', [], 'update', 'server', 'badRequest'],
      ['a resource twice', '/34/0', [entry('/34/0/0', 2), entry('/34/0/0', 3)], 'update', 'server', 'badRequest'],
      [
        'a multiple resource without instance id',
        '/34/0/1',
        [entry('/34/0/1', 'x')],
        'replace',
        'server',
        'badRequest',
      ],
      ['a single resource with instance id', '/34/0/0', [entry('/34/0/0/0', 2)], 'replace', 'server', 'badRequest'],
      ['an instance of a single resource', '/34/0/0/0', [entry('/34/0/0/0', 2)], 'replace', 'server', 'notFound'],
      ['a resource instance that is not there', '/34/0/1/9', [entry('/34/0/1/9', 'x')], 'update', 'server', 'notFound'],
      ['a resource the object does not have', '/34/0/99', [entry('/34/0/99', 'x')], 'replace', 'server', 'notFound'],
      ['an instance that is not there', '/34/5', [entry('/34/5/0', 1)], 'replace', 'server', 'notFound'],
    ];
    for (const [what, path, entries, mode, by, reason] of refusals) {
      it(`refuses ${what} and leaves everything as it was`, async () => {
        const object = sample();
        const before = await snapshot(object);
        const changes = changesOf(object);
        refuses(() => object.write(Path.parse(path), entries, mode, by), reason, /./);
        assert.deepEqual(await snapshot(object), before);
        assert.deepEqual(changes, []);
      });
    }

    it('asks the application before, and tells it after', () => {
      const heard: string[] = [];
      const object = sample({
        willWrite: ({ id, values, by }) => void heard.push(`will ${id} ${JSON.stringify(values)} ${by}`),
        written: ({ id, instance, resources, by }) =>
          void heard.push(`did ${id} ${resources.join()} ${instance.count} ${by}`),
      });
      void object.write(Path.of(34, 0), [entry('/34/0/0', 9)], 'update', 'server');
      assert.deepEqual(heard, ['will 0 {"count":9} server', 'did 0 count 9 server']);
    });

    it('changes nothing when the application refuses, at once or later', async () => {
      const refusal = (): never => {
        throw new ModelError('conflict', 'not now');
      };
      for (const willWrite of [refusal, async () => refusal()]) {
        const object = sample({ willWrite });
        const before = await snapshot(object);
        await assert.rejects(
          async () => object.write(Path.of(34, 0, 0), [entry('/34/0/0', 9)], 'replace', 'server'),
          /not now/,
        );
        assert.deepEqual(await snapshot(object), before);
      }
    });

    it('works with what is there when consent comes late', async () => {
      let consent = (): void => undefined;
      const object = sample({ willWrite: () => new Promise<void>((resolve) => (consent = resolve)) });
      const write = object.write(Path.of(34, 0, 1), [entry('/34/0/1/5', 'Pink')], 'update', 'server');
      object[0].colours = { 7: 'Grey' };
      consent();
      await write;
      assert.deepEqual(object[0].colours, { 5: 'Pink', 7: 'Grey' });
    });

    it('refuses when the instance is gone once consent comes', async () => {
      let consent = (): void => undefined;
      const object = sample({ willWrite: () => new Promise<void>((resolve) => (consent = resolve)) });
      const write = Promise.resolve(object.write(Path.of(34, 0, 0), [entry('/34/0/0', 2)], 'update', 'server'));
      object.remove(0);
      consent();
      await assert.rejects(write, /there is no \/34\/0/);
    });

    it('tells observers even when the application fails afterwards', () => {
      const object = sample({
        written: () => {
          throw new Error('mine');
        },
      });
      const changes = changesOf(object);
      assert.throws(() => object.write(Path.of(34, 0, 0), [entry('/34/0/0', 2)], 'replace', 'server'), /mine/);
      assert.deepEqual(changes, ['value /34/0/0']);
    });
  });

  describe('executing', () => {
    it('calls the function with its arguments', () => {
      let heard: unknown;
      const object = Sample.create({ 0: { count: 1, blink: (args) => void (heard = [...args]) } });
      void object.execute(Path.of(34, 0, 5), new Map([[0, 'x']]));
      assert.deepEqual(heard, [[0, 'x']]);
    });

    const refused: [path: string, reason: ModelErrorReason][] = [
      ['/34/0/0', 'methodNotAllowed'],
      ['/34/0/5/0', 'methodNotAllowed'],
      ['/34/0', 'notFound'],
      ['/34/0/99', 'notFound'],
      ['/34/9/5', 'notFound'],
    ];
    for (const [path, reason] of refused) {
      it(`refuses ${path}: ${reason}`, () => refuses(() => sample().execute(Path.parse(path), new Map()), reason, /./));
    }
  });

  describe('creating and deleting', () => {
    const template = { instanceTemplate: () => ({ count: 7, serial: 'T' }), deletable: true };

    it('makes an instance of the next free id from template and values', () => {
      const object = sample(template);
      const changes = changesOf(object);
      assert.equal(object.create(undefined, [entry('/34/1/6', 'made')], 'server'), 1);
      assert.deepEqual([object[1]?.count, object[1]?.note], [7, 'made']);
      assert.deepEqual(changes, ['created /34/1']);
    });

    it('passes over what servers may not write and what it does not know (§6.3.6)', () => {
      const object = sample(template);
      void object.create(3, [entry('/34/3/2', 'forged'), entry('/34/3/99', 1)], 'server');
      assert.equal(object[3]?.serial, 'T');
    });

    it('refuses, and makes nothing', () => {
      const object = sample(template);
      refuses(() => object.create(0, [], 'server'), 'badRequest', /there is \/34\/0 already/);
      refuses(() => object.create(3, [entry('/34/3/0', 101)], 'server'), 'badRequest', /0 to 100/);
      refuses(() => object.create(3, [entry('/34/4/0', 1)], 'server'), 'badRequest', /not below \/34\/3/);
      refuses(() => sample().create(3, [entry('/34/3/0', 1)], 'server'), 'methodNotAllowed', /no new instances/);
      refuses(() => sample().create(3, [], 'bootstrap'), 'badRequest', /mandatory resource 0/);
      assert.deepEqual(object.instanceIds, [0]);
    });

    it('lets no server create without end; others are not bound', () => {
      const object = sample({ ...template, maxInstances: 3 });
      void object.create(undefined, [], 'server');
      void object.create(undefined, [], 'server');
      refuses(() => object.create(undefined, [], 'server'), 'badRequest', /has 3 instances already/);
      object.add(9, { count: 1, serial: 'x' });
      void object.create(10, [], 'bootstrap');
      object.delete(1, 'server');
      refuses(() => object.create(undefined, [], 'server'), 'badRequest', /has 4 instances already/);
      const endless = sample(template);
      for (let count = 1; count < 256; count++) void endless.create(undefined, [], 'server');
      refuses(() => endless.create(undefined, [], 'server'), 'badRequest', /has 256 instances already/);
    });

    it('lets bootstrap servers create and delete without template', () => {
      const object = sample();
      assert.equal(object.create(3, [entry('/34/3/0', 1)], 'bootstrap'), 3);
      object.delete(3, 'bootstrap');
      assert.deepEqual(object.instanceIds, [0]);
      assert.equal(object[3], undefined);
    });

    it('deletes for servers only where the application says so', () => {
      refuses(() => sample().delete(0, 'server'), 'methodNotAllowed', /cannot be deleted/);
      refuses(() => sample().delete(9, 'bootstrap'), 'notFound', /\/34\/9/);
      const heard: number[] = [];
      const object = sample({ ...template, deleted: ({ id }) => void heard.push(id) });
      object.delete(0, 'server');
      assert.deepEqual(heard, [0]);
    });
  });
});
