// The whole suite on the current long-term-support Node, which npm's package `node` supplies.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PEERS_DIRECTORY } from './peers/install.ts';
import { run } from './peers/process.ts';
import { smoke } from './peers/peer.ts';

const LTS = '26.10.0';
const ROOT = path.resolve(import.meta.dirname, '../..');
const DIRECTORY = path.join(PEERS_DIRECTORY, `node-${LTS}`);
const NODE = path.join(DIRECTORY, 'node_modules', 'node', 'bin', 'node');
const REPORT = path.join(DIRECTORY, 'report.json');

describe(`Node ${LTS} (LTS)`, function () {
  this.timeout(900_000);

  before(async function () {
    if (smoke) this.skip();
    if (existsSync(NODE)) return;
    mkdirSync(DIRECTORY, { recursive: true });
    const installed = await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', DIRECTORY, `node@${LTS}`], {
      limit: 300_000,
    });
    assert.ok(existsSync(NODE), `node@${LTS} did not install: ${installed.output.slice(-300)}`);
  });

  it('passes the suite', async () => {
    const version = await run(NODE, ['--version'], {});
    assert.equal(version.output.trim(), `v${LTS}`);
    const mocha = path.join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { code, output } = await run(NODE, [mocha, '--exit'], {
      cwd: ROOT,
      env: { TEST_REPORT: REPORT },
      limit: 800_000,
    });
    assert.equal(code, 0, output.slice(-3_000));
    const { passes } = JSON.parse(readFileSync(REPORT, 'utf8')) as { passes: number };
    assert.ok(passes > 0);
    console.log(`    ${passes} passed on Node ${LTS}`);
  });
});
