// Our embedded server against Leshan's client: a device that nobody here wrote registers and is managed.

import assert from 'node:assert/strict';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { CONTENT_FORMATS } from '../../lib/formats/index.ts';
import { Path } from '../../lib/model/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { Device, Server } from '../../lib/objects/index.ts';
import { LwM2mServer, PskStore } from '../../lib/server/index.ts';
import { backend, environment } from './ours.ts';
import { startLeshanClient } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const LIFETIME = Path.parse('/1/0/1');

describe("our embedded server and Leshan's client", () => {
  needs('leshan');

  for (const secure of [false, true]) {
    it(`over ${secure ? 'coaps' : 'coap'}: registers, is read, written and discovered, and leaves`, async () => {
      const definitions = [Server.definition, Device.definition];
      const server = new LwM2mServer({ environment, definitions, dangerAllowNoSec: !secure });
      const keys = new PskStore();
      keys.add({ identity: utf8Encode('leshan'), key: fromHex(KEY) });
      const listener = secure
        ? backend.createServer({ security: { mode: 'psk', lookup: keys.lookup } }, environment)
        : udpSocket();
      await listener.bind('127.0.0.1', 0);
      server.serve(listener);
      const registered = server.events.next('registered');
      const uri = `${secure ? 'coaps' : 'coap'}://127.0.0.1:${listener.local!.port}`;
      const client = await startLeshanClient(
        'leshan-device',
        uri,
        secure ? { identity: 'leshan', key: KEY } : undefined,
      );
      try {
        const { device, peer } = await registered;
        assert.equal(device.endpoint, 'leshan-device');
        assert.equal(device.registration.lifetime, seconds(300));
        assert.equal(peer.negotiated === undefined, !secure);
        for (const format of [CONTENT_FORMATS.tlv, CONTENT_FORMATS.senmlJson]) {
          const { entries, contentFormat } = await device.read('/3/0', { format });
          assert.equal(contentFormat, format);
          assert.equal(entries.find(({ path }) => path.toString() === '/3/0/0')?.value, 'Leshan');
        }
        const links = await device.discover('/3/0');
        assert.ok(links.length > 1);
        const updated = server.events.next('updated');
        await device.write(LIFETIME, [{ path: LIFETIME, value: 77 }]);
        await updated;
        assert.equal(device.registration.lifetime, seconds(77));
        await assert.rejects(device.read('/3/0/999'), /4\.04/);
        const left = server.events.next('deregistered');
        client.endInput();
        await left;
        assert.deepEqual(server.devices, []);
      } finally {
        await client.stop();
        server.close();
        keys.close();
      }
    });
  }
});
