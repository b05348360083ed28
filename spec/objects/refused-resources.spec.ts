// Security (0) and Server (1) of 1.2, resource by resource: it works, or it is refused by name when it is written.

import assert from 'node:assert/strict';
import { type Entry, ModelError, type ObjectDefinition, Path, type Value } from '../../lib/model/index.ts';
import { Security, Server, createSecurity, createServer, noSecSecurity } from '../../lib/objects/index.ts';
import type { ManagedObject, ResourceDefinition } from '../../lib/model/index.ts';

interface Subject {
  readonly definition: ObjectDefinition;
  readonly make: () => ManagedObject;
  /** What another part of the client does something with; what only tells of the server counts. */
  readonly works: readonly number[];
  readonly refused: readonly number[];
  /** Values of refused resources that ask for nothing. */
  readonly harmless: readonly (readonly [id: number, value: Value])[];
}

const NULL_LINK = { object: 65_535, instance: 65_535 };

const SUBJECTS: readonly Subject[] = [
  {
    definition: Security.definition,
    make: () => createSecurity({ 0: noSecSecurity({ serverUri: 'coap://192.0.2.1', shortServerId: 101 }) }),
    works: [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 19, 21, 23],
    refused: [6, 7, 8, 9, 17, 18, 20, 22, 24, 25, 26, 27, 28, 29, 30],
    harmless: [
      [6, 3], // no SMS security
      [8, new Uint8Array(0)],
      [9, ''],
      [17, NULL_LINK],
      [26, NULL_LINK],
    ],
  },
  {
    definition: Server.definition,
    make: () =>
      createServer(
        { 0: { shortServerId: 101, lifetime: 60 } },
        { registrationUpdateTrigger() {}, disable() {}, bootstrapRequestTrigger() {} },
      ),
    works: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 25, 26],
    refused: [10, 16, 21, 24, 27],
    harmless: [
      [10, NULL_LINK],
      [16, false],
      [21, false],
    ],
  },
];

/** A value that its definition allows, and that asks for something. */
function valueOf({ type, range }: ResourceDefinition): Value {
  const least = Math.max(1, Number(range?.[0] ?? 1));
  switch (type) {
    case 'boolean':
      return true;
    case 'opaque':
      return new Uint8Array(least).fill(1);
    case 'objectLink':
      return { object: 11, instance: 0 };
    case 'string':
      return 'U';
    case 'time':
      return new Date(1_700_000_000_000);
    default:
      return least;
  }
}

function entriesOf(path: Path, { multiple }: ResourceDefinition, value: Value): readonly Entry[] {
  return [{ path: multiple === true ? path.child(0) : path, value }];
}

for (const { definition, make, works, refused, harmless } of SUBJECTS) {
  const resources = Object.values(definition.resources);
  const resourceOf = (id: number): ResourceDefinition => resources.find((resource) => resource.id === id)!;
  const path = (id: number): Path => Path.of(definition.id, 0, id);
  const write = (object: ManagedObject, id: number, value: Value): void | Promise<void> =>
    object.write(path(id), entriesOf(path(id), resourceOf(id), value), 'replace', 'bootstrap');

  describe(`${definition.name}, written by a bootstrap server`, () => {
    it('has resources that work or are refused, and no other', () => {
      const ids = [...works, ...refused].sort((a, b) => a - b);
      assert.deepEqual(
        ids,
        resources.map(({ id }) => id).sort((a, b) => a - b),
      );
    });

    for (const id of works.filter((each) => resourceOf(each).type !== 'none')) {
      it(`takes ${id} ${resourceOf(id).name}`, () => {
        const object = make();
        void write(object, id, valueOf(resourceOf(id)));
        assert.ok(object.resourceIds(0).includes(id));
      });
    }

    for (const id of refused) {
      const named = (error: unknown): boolean =>
        error instanceof ModelError &&
        error.reason === 'badRequest' &&
        error.message.includes(`/${definition.id}/x/${id} ${resourceOf(id).name}`) &&
        error.message.includes('expected nothing, found a value');

      it(`refuses ${id} ${resourceOf(id).name} by its name, and stays as it was`, () => {
        const object = make();
        const before = object.read(Path.of(definition.id), 'application');
        const value = valueOf(resourceOf(id));
        assert.throws(() => write(object, id, value), named);
        assert.deepEqual(object.read(Path.of(definition.id), 'application'), before);
        const created = entriesOf(Path.of(definition.id, 1, id), resourceOf(id), value);
        const copied = (before as readonly Entry[])
          .filter((entry) => entry.path.resource !== id)
          .map((entry) => ({ ...entry, path: Path.of(definition.id, 1, ...entry.path.ids.slice(2)) }));
        assert.throws(() => object.create(1, [...copied, ...created], 'bootstrap'), named);
        assert.deepEqual(object.instanceIds, [0]);
      });
    }

    for (const [id, value] of harmless) {
      it(`takes ${id} ${resourceOf(id).name} where it asks for nothing`, () => void write(make(), id, value));
    }
  });
}
