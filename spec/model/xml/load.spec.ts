import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DefinitionError, loadObjectDefinitions } from '../../../lib/model/index.ts';
import { REGISTRY, registryFiles, registryText } from './registry.ts';

/** An item as the registry writes it; `parts` replaces elements by name. */
function item(parts: Readonly<Record<string, string | undefined>> = {}, id = '5700'): string {
  const elements = {
    Name: 'Sensor Value',
    Operations: 'R',
    MultipleInstances: 'Single',
    Mandatory: 'Mandatory',
    Type: 'Float',
    RangeEnumeration: '',
    Units: '',
    Description: 'x',
    ...parts,
  };
  const inner = Object.entries(elements)
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `<${name}>${text}</${name}>`);
  return `<Item ID="${id}">\n${inner.join('\n')}\n</Item>`;
}

function object(items: string, head = '<ObjectVersion>1.1</ObjectVersion>'): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<LWM2M>
<Object ObjectType="MODefinition">
<Name>Temperature</Name>
<ObjectID>3303</ObjectID>
${head}
<MultipleInstances>Multiple</MultipleInstances>
<Mandatory>Optional</Mandatory>
<Resources>
${items}
</Resources>
</Object>
</LWM2M>
`;
}

const load = async (xml: string) => (await loadObjectDefinitions(xml, { source: '3303.xml' }))[0]!;
const resource = async (parts: Record<string, string | undefined>) =>
  Object.values((await load(object(item(parts)))).resources)[0]!;

describe('definitions from XML', () => {
  it('are what defineObject takes', async () => {
    const definition = await load(
      object([item({ Units: 'Cel' }), item({ Name: 'Reset', Operations: 'E', Type: '' }, '5605')].join('\n')),
    );
    assert.deepEqual(definition, {
      id: 3303,
      name: 'Temperature',
      version: '1.1',
      multiple: true,
      resources: {
        sensorValue: {
          id: 5700,
          name: 'Sensor Value',
          operations: 'R',
          type: 'float',
          mandatory: true,
          units: 'Cel',
        },
        reset: { id: 5605, name: 'Reset', operations: 'E', type: 'none', mandatory: true },
      },
    });
  });

  it('are taken with the oddities of the registry', async () => {
    assert.equal((await load(`\uFEFF${object(item())}`)).id, 3303);
    assert.equal((await resource({ Operations: '' })).operations, '');
    assert.equal((await resource({ Operations: undefined })).operations, '');
    assert.equal((await resource({ Operations: 'E', Type: 'String' })).type, 'none');
    assert.equal((await resource({ Operations: 'E', Type: undefined })).type, 'none');
    assert.equal((await resource({ Type: '\n\t Unsigned Integer \n' })).type, 'unsignedInteger');
    assert.equal((await resource({ RangeEnumeration: undefined, Units: undefined })).units, undefined);
    assert.equal((await load(object(item(), ''))).version, undefined);
    assert.equal((await resource({ Name: 'A &lt;b&gt; &amp; <![CDATA[<c>]]>' })).name, 'A <b> & <c>');
  });

  it('have property names that differ', async () => {
    const names = ['SIM URI', 'Sim-Uri', '3D Value', '!?', 'Température', 'LwM2M Server'];
    const { resources } = await load(object(names.map((Name, i) => item({ Name }, String(i))).join('')));
    assert.deepEqual(Object.keys(resources), [
      'simUri',
      'simUri1',
      'resource3dValue',
      'resource3',
      'temperature',
      'lwM2MServer',
    ]);
  });

  it('hold wide integers where their range is', async () => {
    const wide = await resource({ Type: 'Unsigned Integer', RangeEnumeration: '0..18446744073709551615' });
    assert.deepEqual([wide.wide, wide.range], [true, [0, (1n << 64n) - 1n]]);
  });

  const mistakes: [what: string, xml: string, message: RegExp][] = [
    ['no XML', 'x', /^3303\.xml:1: malformed XML/],
    ['nothing', '', /^3303\.xml.*: /],
    ['an element that is not closed', '<LWM2M>\n<Object>\n</LWM2M>', /^3303\.xml:\d: malformed XML/],
    ['another document', '<DDFList></DDFList>', /^3303\.xml:1: expected <LWM2M>, found <DDFList>/],
    ['no object', '<LWM2M></LWM2M>', /expected an <Object>/],
    [
      'a list of reusable resources',
      '<LWM2M>\n<Object ObjectType="CommonResources"/></LWM2M>',
      /:2: expected ObjectType/,
    ],
    ['an item without id', object(item({}, '')), /:10: expected an id from 0 to 65534, found ""/],
    ['an id that is too large', object(item({}, '65535')), /:10: expected an id/],
    ['an id twice', object(item() + item({ Name: 'Other' })), /:3: .*same id 5700/],
    ['an item without name', object(item({ Name: undefined })), /:10: <Item> lacks <Name>/],
    ['a type that is none', object(item({ Type: 'Double' })), /:15: Type: expected string, .*, found "Double"/],
    ['no type of what can be read', object(item({ Type: '' })), /:15: Type: expected/],
    ['operations that are none', object(item({ Operations: 'X' })), /:12: Operations: expected R, W, RW, E or nothing/],
    ['neither single nor multiple', object(item({ MultipleInstances: 'Some' })), /:13: MultipleInstances: expected/],
    ['a version that is none', object(item(), '<ObjectVersion>one</ObjectVersion>'), /:6: ObjectVersion: expected/],
  ];
  for (const [what, xml, message] of mistakes) {
    it(`are refused by file and line: ${what}`, async () => {
      await assert.rejects(loadObjectDefinitions(xml, { source: '3303.xml' }), (error) => {
        assert.ok(error instanceof DefinitionError && error.code === 'EDEFINITION', String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('may have no document type, so that nothing expands', async () => {
    const bomb = `<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
${object(item({ Name: '&b;' }))}`;
    await assert.rejects(load(bomb), /^DefinitionError: 3303\.xml:2: expected XML without <!DOCTYPE/);
    await assert.rejects(load(bomb.replace('DOCTYPE', 'doctype')), /without <!DOCTYPE/);
    assert.equal((await resource({ Name: 'x &b; y' })).name, 'x &b; y');
  });

  it('are bounded in length and depth, and read in time that grows with them', async () => {
    await assert.rejects(loadObjectDefinitions(object(item()), { maxLength: 100 }), /at most 100 characters/);
    await assert.rejects(load('<LWM2M>'.repeat(10_000) + '</LWM2M>'.repeat(10_000)), DefinitionError);
    await assert.rejects(load('<'.repeat(100_000)), (error: Error) => error.message.length < 400);
    const many = Array.from({ length: 2_000 }, (_, i) => item({ Name: `R ${i}` }, String(i))).join('\n');
    assert.equal(Object.keys((await load(object(many))).resources).length, 2_000);
  });

  it('give a definition or a DefinitionError for any text and any damage', async () => {
    const good = object(item());
    const damaged = fc
      .tuple(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 8 }))
      .map(([at, length, text]) => good.slice(0, at) + text + good.slice(at + length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), damaged), async (text) => {
        try {
          await loadObjectDefinitions(text);
        } catch (error) {
          assert.ok(error instanceof DefinitionError, String(error));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  describe("OMA's registry", () => {
    if (REGISTRY === undefined) {
      it('is not there', () => console.log('    not run: OMA registry (not there)'));
      return;
    }

    // Lists of other things, and two files whose resources have neither operations nor a type.
    const PROBLEMS = new Map([
      ['10482.xml', /^10482\.xml:101: Type: expected/],
      ['Common.xml', /^Common\.xml:3: expected ObjectType MODefinition/],
      ['DDF.xml', /^DDF\.xml:2: expected <LWM2M>/],
      ['LWM2M_senml_units.xml', /^LWM2M_senml_units\.xml:2: expected <LWM2M>/],
      ['version_history/10482-1_0.xml', /^version_history\/10482-1_0\.xml:101: Type: expected/],
    ]);

    it('is read as a whole, old versions included, or reported by file and line', async () => {
      let objects = 0;
      for (const file of registryFiles()) {
        const loading = loadObjectDefinitions(registryText(file), { source: file });
        const problem = PROBLEMS.get(file.replaceAll('\\', '/'));
        if (problem === undefined) objects += (await loading).length;
        else await assert.rejects(loading, (error: Error) => problem.test(error.message));
      }
      assert.ok(objects >= 749, `${objects} objects`);
    });

    it('says of Temperature what our own definition says', async () => {
      const [definition] = await loadObjectDefinitions(registryText('3303.xml'));
      const { sensorValue, resetMinAndMaxMeasuredValues } = definition!.resources;
      assert.equal(definition!.version, '1.1');
      assert.deepEqual(sensorValue, {
        id: 5700,
        name: 'Sensor Value',
        operations: 'R',
        type: 'float',
        mandatory: true,
      });
      assert.equal(resetMinAndMaxMeasuredValues!.type, 'none');
    });
  });
});
