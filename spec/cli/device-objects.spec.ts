// `lwm2m device --objects` and `lwm2m codegen`, in process: their mistakes, and a server that works with made-up objects.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { FakeIo } from './fake-io.ts';
import { LwM2mServer, type RegisteredDevice } from '../../lib/server/index.ts';
import { runCli } from '../../lib/cli/program.ts';
import { Path, systemEnvironment, udpSocket } from '../../lib/index.ts';

const item = (id: number, name: string, operations: string, type: string): string => `
<Item ID="${id}"><Name>${name}</Name><Operations>${operations}</Operations><MultipleInstances>Single</MultipleInstances>
<Mandatory>Mandatory</Mandatory><Type>${type}</Type><RangeEnumeration>${type === 'Integer' ? '5..9' : ''}</RangeEnumeration>
<Units></Units><Description></Description></Item>`;

const definition = (id: number): string => `<LWM2M><Object ObjectType="MODefinition"><Name>Test ${id}</Name>
<ObjectID>${id}</ObjectID><ObjectVersion>1.1</ObjectVersion><MultipleInstances>Multiple</MultipleInstances>
<Mandatory>Optional</Mandatory><Resources>${item(1, 'Level', 'RW', 'Integer')}${item(2, 'Start', 'E', '')}</Resources>
</Object></LWM2M>`;

describe('objects from definitions, from the shell', () => {
  let io: FakeIo;
  let directory: string;
  beforeEach(async () => {
    io = new FakeIo();
    directory = await mkdtemp(join(tmpdir(), 'objects-spec-'));
    await writeFile(join(directory, '3.xml'), definition(3));
    await writeFile(join(directory, '3400.xml'), definition(3_400));
    await writeFile(join(directory, '3401.xml'), definition(3_401));
    await writeFile(join(directory, 'broken.xml'), '<LWM2M>\n<Object></LWM2M>');
  });
  afterEach(() => rm(directory, { recursive: true }));

  describe('lwm2m device', () => {
    const mistakes: [what: string, flags: (directory: string) => string[], message: RegExp][] = [
      ['no such directory', () => ['--objects', '/no/such'], /--objects: ENOENT.*\nExample: --objects/s],
      [
        'a file that is broken',
        (at) => ['--objects', join(at, 'broken.xml')],
        /--objects: .*broken\.xml:2: malformed XML/,
      ],
      ['an instance without objects', () => ['--instance', '3400/0'], /--instance: expected --objects/],
      [
        'no instance',
        (at) => ['--objects', at, '--instance', '3400'],
        /--instance: expected OBJECT\/INSTANCE, found "3400"/,
      ],
      [
        'letters',
        (at) => ['--objects', at, '--instance', 'a/b'],
        /--instance: expected OBJECT\/INSTANCE, found "a\/b"/,
      ],
      ['an object that is not there', (at) => ['--objects', at, '--instance', '9/0'], /--instance: .* has no object 9/],
      [
        'an object of its own',
        (at) => ['--objects', at, '--instance', '3/0'],
        /--instance: the device has its own object 3/,
      ],
      [
        'an instance twice',
        (at) => ['--objects', at, '--instance', '3400/0', '--instance', '/3400/0'],
        /--instance: \/3400\/0 is given twice/,
      ],
    ];
    for (const [what, flags, message] of mistakes) {
      it(`names ${what}`, async () => {
        const args = ['device', '--server', 'coap://127.0.0.1:9', '--endpoint', 'e', ...flags(directory)];
        assert.equal(await runCli(args, io), 2);
        assert.match(io.errorLines.join('\n'), message);
      });
    }

    it('offers them to a server, which reads, executes, writes within the range, creates and deletes', async () => {
      const server = new LwM2mServer({ dangerAllowNoSec: true });
      const socket = udpSocket({}, systemEnvironment());
      await socket.bind('127.0.0.1', 0);
      server.serve(socket);
      const uri = `coap://127.0.0.1:${socket.local!.port}`;
      const flags = ['--objects', directory, '--instance', '3400/0', '--instance', '3400/7'];
      const ended = runCli(['device', '--server', uri, '--endpoint', 'e', ...flags], io);
      try {
        await io.line(/registered as/);
        assert.match(io.errorLines.join('\n'), /warning: passed over: .*broken\.xml:2: malformed XML/);
        await use(server.device('e')!);
        await io.line(/the server executed Test 3400: Start/);
      } finally {
        io.interrupt();
        assert.equal(await ended, 0);
        server.close();
      }
    });

    async function use(device: RegisteredDevice): Promise<void> {
      const targets = device.registration.links
        .map(({ target }) => target)
        .filter((target) => target.startsWith('/34'));
      assert.deepEqual(targets, ['/3400', '/3400/0', '/3400/7', '/3401']);
      const path = Path.of(3_400, 7, 1);
      const write = (value: number) => device.write(path, [{ path, value }], 'replace', { format: 0 });
      assert.equal((await device.read(path)).entries[0]?.value, 5);
      await write(9);
      await assert.rejects(write(10), /4\.00/);
      await device.execute('/3400/0/2');
      assert.equal(await device.create(3_401, undefined, [{ path: Path.of(3_401, 0, 1), value: 6 }]), 0);
      await device.delete('/3400/0');
    }
  });

  describe('lwm2m codegen', () => {
    it('writes a module, once', async () => {
      const out = join(directory, 'test.ts');
      assert.equal(await runCli(['codegen', join(directory, '3400.xml'), '--out', out], io), 0);
      assert.match(await readFile(out, 'utf8'), /export const test3400 = defineObject\(\{\n {2}id: 3400,/);
      assert.equal(await runCli(['codegen', join(directory, '3400.xml'), '--out', out], io), 1);
      assert.match(io.errorLines.join('\n'), /--out: EEXIST/);
    });

    it('writes to standard output, and names what is wrong', async () => {
      assert.equal(await runCli(['codegen', join(directory, '3400.xml'), '--import', './x.ts'], io), 0);
      assert.match(io.outLines.join('\n'), /import \{ defineObject \} from '\.\/x\.ts';/);
      assert.equal(await runCli(['codegen', join(directory, 'broken.xml')], io), 1);
      assert.match(io.errorLines.join('\n'), /error: .*broken\.xml:2: malformed XML/);
      assert.equal(await runCli(['codegen', '/no/such.xml'], io), 1);
      assert.equal(await runCli(['codegen', directory], io), 1);
    });
  });
});
