import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ObjectDefinition, ResourceDefinition } from '../../lib/model/index.ts';
import { Device, Security, Server, Temperature } from '../../lib/objects/index.ts';

// The registry (OpenMobileAlliance/lwm2m-registry) lies beside the project, or where OMA_REGISTRY says.
const REGISTRY = process.env.OMA_REGISTRY ?? fileURLToPath(new URL('../../../shared/oma-registry', import.meta.url));

const TYPES: Readonly<Record<string, ResourceDefinition['type']>> = {
  '': 'none',
  String: 'string',
  Integer: 'integer',
  'Unsigned Integer': 'unsignedInteger',
  Float: 'float',
  Boolean: 'boolean',
  Opaque: 'opaque',
  Time: 'time',
  Objlnk: 'objectLink',
  Corelnk: 'coreLink',
};

/** The text of an element, without white space around it and with single spaces inside. */
function text(xml: string, tag: string): string {
  const found = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? '';
  return found.replace(/\s+/g, ' ').trim();
}

function rangeOf(text: string): readonly [number, number] | undefined {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2] ?? match[1])];
}

function registered(id: number): { object: object; resources: object[] } {
  const xml = readFileSync(`${REGISTRY}/${id}.xml`, 'utf8').replace(/<!--[\s\S]*?-->/g, '');
  const items = [...xml.matchAll(/<Item ID="(\d+)">([\s\S]*?)<\/Item>/g)];
  const head = xml.slice(0, xml.indexOf('<Resources>'));
  return {
    object: {
      id: Number(text(head, 'ObjectID')),
      name: text(head, 'Name'),
      version: text(head, 'ObjectVersion') || '1.0',
      multiple: text(head, 'MultipleInstances') === 'Multiple',
      mandatory: text(head, 'Mandatory') === 'Mandatory',
    },
    resources: items.map(([, itemId, item = '']) => ({
      id: Number(itemId),
      name: text(item, 'Name'),
      operations: text(item, 'Operations'),
      type: TYPES[text(item, 'Type')],
      multiple: text(item, 'MultipleInstances') === 'Multiple',
      mandatory: text(item, 'Mandatory') === 'Mandatory',
      range: rangeOf(text(item, 'RangeEnumeration')),
      units: text(item, 'Units') || undefined,
    })),
  };
}

function declared(definition: ObjectDefinition): { object: object; resources: object[] } {
  const { id, name, version = '1.0', multiple = false, mandatory = false } = definition;
  return {
    object: { id, name, version, multiple, mandatory },
    resources: Object.values(definition.resources).map((resource) => ({
      id: resource.id,
      name: resource.name,
      operations: resource.operations,
      type: resource.type,
      multiple: resource.multiple ?? false,
      mandatory: resource.mandatory ?? false,
      range: resource.range,
      units: resource.units,
    })),
  };
}

describe("objects and OMA's registry", () => {
  before(function () {
    if (existsSync(REGISTRY)) return;
    console.log('    not run: oma-registry (not there)');
    this.skip();
  });

  for (const { definition } of [Security, Server, Device, Temperature]) {
    it(`say the same of object ${definition.id} (${definition.name})`, () => {
      assert.deepEqual(declared(definition), registered(definition.id));
    });
  }
});
