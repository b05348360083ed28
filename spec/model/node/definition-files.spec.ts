import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { latestVersions, readObjectDefinitions } from '../../../lib/model/node/index.ts';
import type { ObjectDefinition } from '../../../lib/model/index.ts';

const xml = (id: number, version: string): string => `<LWM2M><Object ObjectType="MODefinition"><Name>Test</Name>
<ObjectID>${id}</ObjectID><ObjectVersion>${version}</ObjectVersion><MultipleInstances>Single</MultipleInstances>
<Mandatory>Optional</Mandatory><Resources></Resources></Object></LWM2M>`;

describe('definitions from files', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'definitions-'));
    await writeFile(path.join(directory, '3400.xml'), xml(3_400, '1.10'));
    await writeFile(path.join(directory, '3400-1_9.XML'), xml(3_400, '1.9'));
    await writeFile(path.join(directory, '3401.xml'), '<LWM2M>\n<x></LWM2M>');
    await writeFile(path.join(directory, 'README.md'), 'x');
    await mkdir(path.join(directory, 'below.xml.d'));
  });
  after(() => rm(directory, { recursive: true }));

  const said = (definitions: readonly ObjectDefinition[]) => definitions.map(({ id, version }) => `${id} ${version}`);

  it('are those of a directory, and what is wrong with the others', async () => {
    const { definitions, problems } = await readObjectDefinitions(directory);
    assert.deepEqual(said(definitions), ['3400 1.9', '3400 1.10']);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!.message, /3401\.xml:2: malformed XML/);
    assert.deepEqual(said(latestVersions(definitions)), ['3400 1.10']);
    assert.deepEqual(said(latestVersions(definitions.toReversed())), ['3400 1.10']);
  });

  it('are those of one file', async () => {
    const { definitions } = await readObjectDefinitions(path.join(directory, '3400.xml'));
    assert.deepEqual(said(definitions), ['3400 1.10']);
  });

  it('are bounded', async () => {
    const { problems } = await readObjectDefinitions(directory, { maxBytes: 30 });
    assert.match(problems[0]!.message, /at most 30 bytes/);
    await assert.rejects(readObjectDefinitions(directory, { maxFiles: 2 }), RangeError);
    await assert.rejects(readObjectDefinitions(path.join(directory, 'none')), /ENOENT/);
  });
});
