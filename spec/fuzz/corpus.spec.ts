// What fuzzing has found and kept, replayed: each input of each target without a finding, and quickly.

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { readCorpus } from './corpus.ts';
import { TARGETS } from './targets/index.ts';

const MOST_BYTES = 300_000;

describe('fuzzing corpus', function () {
  this.timeout(120_000);

  for (const target of TARGETS) {
    it(`${target.name} does as it promises for what was kept, and for its seeds`, () => {
      const inputs = readCorpus(target.name);
      assert.ok(inputs.length > 0, `nothing is kept: npm run fuzz -- --target ${target.name}`);
      for (const input of [...target.seeds(), ...inputs]) {
        try {
          target.run(input);
        } catch (error) {
          throw new Error(`${target.name}: ${Buffer.from(input).toString('base64')}`, { cause: error });
        }
      }
    });
  }

  it('belongs to targets there are, and stays small', () => {
    const root = path.join(import.meta.dirname, 'corpus');
    const names = readdirSync(root);
    assert.deepEqual(
      names.filter((name) => !TARGETS.some((target) => target.name === name)),
      [],
    );
    const files = names.flatMap((name) =>
      readdirSync(path.join(root, name)).map((file) => path.join(root, name, file)),
    );
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
  });
});
