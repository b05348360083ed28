// The examples of the security object as programs of their own, at servers in this process.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { securities, startServer } from '../../examples/security-object/servers.ts';
import type { LwM2mServer } from '../../lib/server/index.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join(COMPILED ? 'dist' : '.', 'examples', 'security-object');

/** Runs one example. @returns its lines, each `title: outcome` */
async function run(name: string, uri: string): Promise<readonly string[]> {
  const file = path.join(FOLDER, `${name}${COMPILED ? '.js' : '.ts'}`);
  const loader = COMPILED ? [] : ['--import', 'tsx'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...loader, file, uri], { cwd: ROOT });
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

// Credentials are found from the project's root, where all specs run.
describe('examples/security-object', () => {
  const servers: LwM2mServer[] = [];
  const registrations: string[] = [];
  after(() => {
    for (const server of servers) server.close();
  });

  async function serve(mode: 'psk' | 'rawPublicKey' | 'certificate'): Promise<string> {
    registrations.length = 0;
    const { server, uri } = await startServer(securities()[mode]);
    server.events.on('registered', ({ device }) => void registrations.push(device.endpoint));
    servers.push(server);
    return uri;
  }

  it('psk', async () => {
    assert.deepEqual(await run('psk', await serve('psk')), [
      'psk, key from a buffer: registered, suite 0xc0a8',
      'psk, key from a file: registered, suite 0xc0a4',
    ]);
    assert.equal(registrations.length, 2);
  });

  it('raw public keys: known, among several, and unknown', async () => {
    const [one, several, unknown, ...more] = await run('raw-public-key', await serve('rawPublicKey'));
    assert.equal(one, 'raw public key: registered, suite 0xc0ae');
    assert.equal(several, 'raw public key, one of two: registered, suite 0xc0ae');
    assert.match(unknown!, /refused: ETLSALERT: bad_certificate \(42\) sent: .*expected one of those configured/);
    assert.deepEqual(more, []);
    assert.equal(registrations.length, 2);
  });

  it('certificates: each usage, and what each refuses', async () => {
    const lines = await run('certificate', await serve('certificate'));
    for (const line of lines.slice(0, 5)) assert.match(line, /: registered, suite 0xc0ae$/);
    assert.match(lines[5]!, /usage 3, .*refused: ETLSALERT: bad_certificate \(42\) sent: .*\(no-match\)/);
    assert.match(lines[6]!, /usage 2, .*refused: ETLSALERT: .*\(wrong-host\): expected 'elsewhere\.example'/);
    assert.match(lines[7]!, /Security object, .*: registered, suite 0xc0ae/);
    assert.equal(lines.length, 8);
    assert.equal(registrations.length, 6);
  });

  it('sources: file, buffer, directory, array, list and engine', async () => {
    const lines = await run('sources', await serve('certificate'));
    assert.equal(lines.length, 6);
    for (const line of lines) assert.match(line, /: registered, suite 0xc0ae$/);
    assert.equal(registrations.length, 6);
  });
});
