// Editions of OMA's objects against the registry and its history.

import assert from 'node:assert/strict';
import {
  ModelError,
  type ObjectDefinition,
  type OpaqueStream,
  Path,
  defineObject,
  loadObjectDefinitions,
  plausibleObject,
} from '../../lib/model/index.ts';
import { REGISTRY, registryFiles, registryText } from '../model/xml/registry.ts';
import type { LwM2mVersion } from '../../lib/client/index.ts';
import { editionOf } from '../../lib/client/object-versions.ts';

/** As the registry has it. */
interface Edition {
  readonly definition: ObjectDefinition;
  /** The first version of LwM2M that it goes with. */
  readonly since: string;
}

// Security (0) is for no server; 2, 6 and 7 have not changed with LwM2M.
const OBJECTS = [1, 2, 3, 4, 5, 6, 7];

async function editionsOf(id: number): Promise<readonly Edition[]> {
  const files = registryFiles().filter((file) => new RegExp(`(^|[\\\\/])${id}(-\\d+_\\d+)?\\.xml$`).test(file));
  const editions = await Promise.all(
    files.map(async (file) => {
      const xml = registryText(file);
      const [definition] = await loadObjectDefinitions(xml, { source: file });
      return { definition: definition!, since: /<LWM2MVersion>([\d.]+)</.exec(xml)?.[1] ?? '1.0' };
    }),
  );
  return editions.sort((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1));
}

function versionOf({ definition }: { readonly definition: ObjectDefinition }): string {
  return definition.version ?? '1.0';
}

function idsOf(definition: ObjectDefinition): readonly number[] {
  return Object.values(definition.resources)
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

describe("editions of OMA's objects", () => {
  if (REGISTRY === undefined) {
    it('are not compared', () => console.log('    not run: OMA registry (not there)'));
    return;
  }
  for (const id of OBJECTS) {
    for (const enabler of ['1.0', '1.1', '1.2'] as const satisfies readonly LwM2mVersion[]) {
      it(`of object ${id} for LwM2M ${enabler} are the newest that go with it`, async () => {
        const editions = await editionsOf(id);
        const newest = editions.at(-1)!;
        const expected = editions.findLast(({ since }) => since <= enabler)!;
        const object = plausibleObject(newest.definition, { instances: [0], now: new Date(0) });
        const edition = editionOf(object, enabler);
        assert.equal(versionOf(edition), versionOf(expected));
        assert.deepEqual(idsOf(edition.definition), idsOf(expected.definition));
        assert.ok(edition.resourceIds(0).every((resource) => idsOf(expected.definition).includes(resource)));
      });
    }
  }
});

describe('an older edition of an object', () => {
  const Firmware = defineObject({
    id: 5,
    version: '1.2',
    name: 'Firmware Update',
    multiple: true,
    resources: {
      package: { id: 0, name: 'Package', operations: 'RW', type: 'opaque' },
      later: { id: 14, name: 'Came later', operations: 'RW', type: 'opaque' },
    },
  });
  const path = Path.of(5, 0, 0);
  const hidden = Path.of(5, 0, 14);

  it('gives and takes opaque values in parts where the object does, and hides those that came later', async () => {
    const taken: Uint8Array[] = [];
    const stream: OpaqueStream = {
      read: () => ({ byteLength: 3, read: (offset, length) => new Uint8Array(length).fill(offset) }),
      write: async (_id, parts) => {
        for await (const part of parts) taken.push(part);
      },
    };
    const object = Firmware.create(
      { 0: {} },
      { streams: { package: stream, later: stream }, instanceTemplate: () => ({}), maxInstances: 3 },
    );
    const edition = editionOf(object, '1.0');
    assert.notEqual(edition, object);
    assert.deepEqual([edition.takesParts?.(path, 'server'), edition.takesParts?.(hidden, 'server')], [true, false]);
    assert.equal((await edition.source?.(path, 'server'))?.byteLength, 3);
    assert.equal(edition.source?.(hidden, 'server'), undefined);
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
    };
    await edition.writeParts?.(path, parts(), 'server');
    assert.deepEqual(taken, [Uint8Array.of(1)]);
    await assert.rejects(edition.writeParts!(hidden, parts(), 'server'), ModelError);
    assert.equal(edition.vacancies, 2);
  });
});
