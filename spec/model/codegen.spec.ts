// What `lwm2m codegen` writes compiles under strict TypeScript, and says what the definition says.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type ObjectDefinition, generateModule, loadObjectDefinitions } from '../../lib/model/index.ts';
import { REGISTRY, registryFiles, registryText } from './xml/registry.ts';

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '../..' : '../../..');
const MODEL = path.join(ROOT, 'lib/model/index.ts');

const OPTIONS = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules/@types')],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ['*.ts'],
};

const odd: ObjectDefinition = {
  id: 32_769,
  name: "class: It's\n`odd` \\ ${1}",
  version: '1.2',
  resources: {
    wide: { id: 0, name: 'a "b" \'c\'', operations: 'RW', type: 'unsignedInteger', range: [0, 1n << 64n], wide: true },
    words: { id: 1, name: 'Words', operations: 'RW', type: 'string', oneOf: ['ON', "it's"], units: '\u2028' },
    'not-a-name': { id: 3, name: 'x', operations: 'R', type: 'boolean' },
    parts: {
      id: 2,
      name: 'Parts',
      operations: 'RW',
      type: 'float',
      ranges: [
        [-1.5, 2],
        [5, 5],
      ],
    },
  },
};

describe('generated modules', function suite() {
  this.timeout(120_000);
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'codegen-'));
    await writeFile(path.join(directory, 'package.json'), '{"type":"module"}');
    await writeFile(path.join(directory, 'tsconfig.json'), JSON.stringify(OPTIONS));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function write(name: string, definition: ObjectDefinition): Promise<string> {
    const file = path.join(directory, `${name}.ts`);
    await writeFile(file, generateModule(definition, { importFrom: MODEL.replaceAll('\\', '/') }));
    return file;
  }

  async function importKind(file: string): Promise<{ readonly definition: ObjectDefinition }> {
    const exported = (await import(pathToFileURL(file).href)) as Record<string, { definition: ObjectDefinition }>;
    return Object.values(exported)[0]!;
  }

  it('says what the definition says, whatever its names are made of', async () => {
    const { definition } = await importKind(await write('odd', odd));
    assert.deepEqual(definition, odd);
  });

  it('shows what it does: a definition has no control characters and no turned text to hide something with', async () => {
    const hostile: ObjectDefinition = {
      id: 32_770,
      name: '\u001b[2J\u202ex\u009b1m',
      resources: {
        a: { id: 0, name: "\\\u202e'\u2066 \u0000", operations: 'RW', type: 'string', oneOf: ['\\', '\u{e0041}'] },
      },
    };
    const module = generateModule(hostile, { importFrom: MODEL });
    assert.doesNotMatch(module.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    const { definition } = await importKind(await write('hostile', hostile));
    assert.deepEqual(definition, hostile);
  });

  it("compiles under strict TypeScript, with types of its own, for every newest object of OMA's registry", async () => {
    const files = registryFiles().filter((file) => !file.includes('version_history'));
    if (REGISTRY === undefined) console.log('    not run: OMA registry (not there)');
    let written = 0;
    for (const file of files) {
      const [definition] = await loadObjectDefinitions(registryText(file)).catch(() => []);
      if (definition === undefined) continue;
      const generated = await write(`object-${definition.id}`, definition);
      if (written++ % 25 === 0) assert.deepEqual((await importKind(generated)).definition, definition);
    }
    await write('odd', odd);
    await writeFile(path.join(directory, 'use.ts'), useOf('./odd.ts'));
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [compiler, '-p', directory], { maxBuffer: 1 << 24 });
    await run.catch((error: unknown) => assert.fail((error as { stdout: string }).stdout.slice(0, 2_000)));
    if (REGISTRY !== undefined) assert.ok(written > 300, `${written} modules`);
  });
});

/** Code that has to compile, and mistakes that must not. */
function useOf(module: string): string {
  return `import { classItSOdd1 } from '${module}';
const object = classItSOdd1.create({ 0: { wide: 5n, words: 'ON' } });
object[0].wide = 6n;
// @ts-expect-error: a wide integer is a bigint
object[0].wide = 6;
// @ts-expect-error: a string is no number
object[0].words = 1;
`;
}
