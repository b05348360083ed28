// What was kept for a server, when it is told: the times of its values, and nothing that the server may not read any more.

import assert from 'node:assert/strict';
import { CONTENT_FORMATS } from '../../lib/formats/index.ts';
import { type Entry, Path, defineObject } from '../../lib/model/index.ts';
import { history, storedBatches } from '../../lib/client/watch.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';

const Server = defineObject({
  id: 1,
  version: '1.2',
  name: 'Server',
  multiple: true,
  resources: {
    lifetime: { id: 1, name: 'Lifetime', operations: 'RW', type: 'integer' },
    trigger: { id: 21, name: 'Came with 1.1', operations: 'RW', type: 'boolean' },
    secret: { id: 3, name: 'Not to be read', operations: 'W', type: 'string' },
  },
});
const objects = new ObjectSet([Server.create({ 0: {} })]);
const { senmlCbor, tlv } = CONTENT_FORMATS;
const entry = (resource: number, object = 1): Entry => ({ path: Path.of(object, 0, resource), value: 1 });
const reading = { at: 1e12, entries: [entry(1), entry(21), entry(3), entry(1, 77)] };
const shown = (entries: readonly Entry[]): readonly unknown[] =>
  entries.map(({ path, timestamp }) => `${path} ${timestamp}`);

describe('what was kept for a server', () => {
  it('is told without what may not be read, or is not there any more', () => {
    assert.deepEqual(shown(history([reading], senmlCbor, objects)), ['/1/0/1 1000000000000', '/1/0/21 1000000000000']);
  });

  it('is told without what came later than the version it has registered with now', () => {
    const entries = history([reading], senmlCbor, objects.editionFor('1.0'));
    assert.deepEqual(shown(entries), ['/1/0/1 1000000000000']);
  });

  it('has its own times where it came with some, and none where the format has none', () => {
    const timed = { at: 1e12, entries: [{ ...entry(1), timestamp: 9e11 }] };
    assert.deepEqual(shown(history([timed], senmlCbor, objects)), ['/1/0/1 900000000000']);
    assert.deepEqual(shown(history([{ at: 1e12, entries: [entry(1)] }], tlv, objects)), ['/1/0/1 undefined']);
  });

  it('is told together where the format has times and all are known', () => {
    const unknown = { at: undefined, entries: [entry(1)] };
    const sizes = (all: readonly { readonly readings: readonly unknown[] }[]): readonly number[] =>
      all.map(({ readings }) => readings.length);
    assert.deepEqual(sizes(storedBatches([reading, reading], senmlCbor)), [2]);
    assert.deepEqual(sizes(storedBatches([reading, reading], tlv)), [1, 1]);
    assert.deepEqual(sizes(storedBatches([reading, unknown], senmlCbor)), [1, 1]);
    assert.deepEqual(storedBatches([], senmlCbor), []);
  });
});
