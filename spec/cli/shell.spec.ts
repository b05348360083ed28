// `lwm2m device --shell`: what the application does, as lines of standard input, seen by a server.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { FakeIo } from './fake-io.ts';
import { LwM2mServer } from '../../lib/server/index.ts';
import { join } from 'node:path';
import { runCli } from '../../lib/cli/program.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { tmpdir } from 'node:os';
import { udpSocket } from '../../lib/net/node/index.ts';

const XML = `<?xml version="1.0" encoding="utf-8"?>
<LWM2M><Object ObjectType="MODefinition"><Name>Gate</Name><Description1/><ObjectID>3400</ObjectID>
<ObjectURN>urn:oma:lwm2m:x:3400</ObjectURN><LWM2MVersion>1.0</LWM2MVersion><ObjectVersion>1.0</ObjectVersion>
<MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources>
<Item ID="1"><Name>Width</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
<Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>0..9</RangeEnumeration><Units/><Description/></Item>
<Item ID="2"><Name>Label</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
<Mandatory>Optional</Mandatory><Type>String</Type><RangeEnumeration/><Units/><Description/></Item>
</Resources><Description2/></Object></LWM2M>`;

describe('lwm2m device --shell', () => {
  it('reads, writes, creates, deletes, sends and updates, names mistakes, and quits', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lwm2m-shell-'));
    await writeFile(join(directory, '3400.xml'), XML);
    const io = new FakeIo();
    const server = new LwM2mServer({ dangerAllowNoSec: true });
    const socket = udpSocket({}, systemEnvironment());
    await socket.bind('127.0.0.1', 0);
    server.serve(socket);
    const uri = `coap://127.0.0.1:${socket.local!.port}`;
    const args = [
      'device',
      '--server',
      uri,
      '--endpoint',
      'e',
      '--objects',
      directory,
      '--shell',
      '--interval',
      '3600',
    ];
    const ended = runCli(args, io);
    try {
      await io.line(/registered as e/);
      const said = async (line: string, answer: RegExp): Promise<void> => {
        io.outLines.length = 0;
        io.type(line);
        await io.line(answer);
      };
      const heard = server.events.next('updated', {
        accepts: ({ device }) => device.registration.links.some(({ target }) => target === '/3400/7'),
      });
      await said('create 3400/7', /\/3400\/7 is there/);
      await heard;
      await said('create 3400', /\/3400\/1 is there/);
      await said('read /3400/7/1', /\/3400\/7\/1 = 0/);
      await said('write /3400/7/1 9', /is written/);
      await said('write /3400/7/2 main gate', /is written/);
      await said('read /3400/7', /\/3400\/7\/2 = "main gate"/);
      const { entries } = await server.device('e')!.read('/3400/7/1');
      assert.equal(entries[0]?.value, 9);
      const sent = server.events.next('sent');
      await said('send /3400/7/1 /3303/0/5700', /sent \/3400/);
      assert.deepEqual(
        (await sent).result.entries.map(({ path }) => `${path}`),
        ['/3400/7/1', '/3303/0/5700'],
      );
      await said('delete /3400/7', /\/3400\/7 is gone/);
      await said('read /3400/7', /read: there is no \/3400\/7/);
      await said('write /3400/0/1 10', /write: .*expected 0 to 9, found 10/);
      await said('write /3400/0/1 x', /write: .*expected/);
      await said('write /3400/0/1', /write: expected: write PATH VALUE/);
      await said('write /3400/0/9 1', /write: there is no \/3400\/0\/9/);
      await said('create 3303/5', /create: .*lacks its mandatory resource/);
      await said('create /9/9/9', /create: expected: create OBJECT/);
      await said('delete 3400', /delete: expected: delete OBJECT\/INSTANCE/);
      await said('send', /send: expected: send PATH/);
      await said('send /9999', /send: there is no object 9999/);
      await said('read', /read: expected: read PATH/);
      await said('read kettle', /read: .*expected ids/);
      await said('constructor', /there is no command constructor/);
      await said('help', /quit +de-registers and ends/);
      const updated = server.events.next('updated');
      io.type('');
      io.type('update');
      await updated;
      io.type('quit');
      assert.equal(await ended, 0);
      assert.equal(server.device('e'), undefined, 'it has de-registered');
    } finally {
      io.interrupt();
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it('and --key - both want standard input', async () => {
    const io = new FakeIo();
    const args = [
      'device',
      '--server',
      'coaps://127.0.0.1:9',
      '--endpoint',
      'e',
      '--identity',
      'e',
      '--key',
      '-',
      '--shell',
    ];
    assert.equal(await runCli(args, io), 2);
    assert.match(io.errorLines.join('\n'), /--shell: expected the key elsewhere/);
  });
});
