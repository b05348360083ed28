// A transport of one's own: its socket follows the rules, and a device registers over it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Modem } from '../../examples/custom-transport/modem.ts';
import { ModemSocket } from '../../examples/custom-transport/modem-socket.ts';
import { TelephoneNetwork } from '../../examples/custom-transport/telephone-network.ts';
import { type Feature, type SocketFixture, socketCases } from '../../lib/net/conformance/index.ts';
import type { SocketError } from '../../lib/net/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join(COMPILED ? 'dist' : '.', 'examples', 'custom-transport');
const SERVER = '+15550100';

function modems(): SocketFixture {
  const network = new TelephoneNetwork();
  const environment = systemEnvironment();
  const modem = new Modem(SERVER, network.subscribe(SERVER));
  return {
    name: 'modems',
    transport: 'datagram',
    secure: false,
    features: new Set<Feature>(['bind', 'sessions', 'noDecorate', 'system', 'unconnected']),
    environment,
    address: SERVER,
    host: SERVER,
    socket: (configuration) => new ModemSocket(modem, configuration ?? {}, environment),
    listener: (configuration) => new ModemSocket(modem, configuration ?? {}, environment),
    run: (promise) => promise,
  };
}

describe('examples/custom-transport: its socket', () => {
  const fixture = modems();
  for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
});

describe('examples/custom-transport: a device', () => {
  it('registers, is read and observed, and leaves, as its README shows', async () => {
    const file = path.join(FOLDER, `main${COMPILED ? '.js' : '.ts'}`);
    const args = [...(COMPILED ? [] : ['--import', 'tsx']), file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    assert.equal(stderr, '');
    const readme = readFileSync(path.join(ROOT, 'examples', 'custom-transport', 'README.md'), 'utf8');
    const anonymous = (text: string): string =>
      text.replace(/\/rd\/[0-9a-f]+/g, '/rd/…').replace(/^\d+ messages/m, 'N messages');
    assert.equal(anonymous(stdout), anonymous(/```text\n(.*?)```/s.exec(readme)![1]!));
  });

  it('hears that its line is dead', async () => {
    const network = new TelephoneNetwork();
    const modem = new Modem(SERVER, network.subscribe(SERVER));
    const socket = new ModemSocket(modem, {}, systemEnvironment());
    await socket.connect('+15550101', 5684);
    const closed = new Promise<SocketError | undefined>((resolve) => {
      socket.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
    });
    modem.hangUp();
    assert.equal((await closed)?.code, 'EIO');
    assert.throws(() => socket.send(Uint8Array.of(1)), /EBADF/);
  });
});
