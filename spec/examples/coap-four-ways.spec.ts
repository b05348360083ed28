// The example's server and client as two programs, over each of CoAP's four schemes.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join(COMPILED ? 'dist' : '.', 'examples', 'coap-four-ways');
const program = (name: string): string[] => [
  ...(COMPILED ? [] : ['--import', 'tsx']),
  path.join(FOLDER, `${name}${COMPILED ? '.js' : '.ts'}`),
];

describe('examples/coap-four-ways', () => {
  for (const scheme of ['coap', 'coaps', 'coap+tcp', 'coaps+tcp']) {
    it(`the client asks the server, and observes it: ${scheme}`, async () => {
      const server = spawn(process.execPath, [...program('server'), `${scheme}://127.0.0.1:0`], { cwd: ROOT });
      try {
        const uri = `${scheme}://127.0.0.1:${await portOf(server)}`;
        const args = [...program('client'), uri];
        const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
        assert.equal(stderr, '');
        assert.match(stdout, /^it is \d{4}-\S+Z\n(now \d{4}-\S+Z\n){3}$/);
      } finally {
        if (server.kill()) await once(server, 'exit');
      }
    });
  }
});

async function portOf(server: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of server.stdout!) {
    said += String(chunk);
    const port = /^listening on port (\d+)$/m.exec(said)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error(`the server ended without a port: ${said}`);
}
