// The far process of device.bench.ts: a device at the server it is told, until its standard input ends.

import { createFlip, createMeters } from './device-objects.ts';
import { createClient, fromHex, pskIdentityFromBuffer, pskKeyFromBuffer, utf8Encode } from '../../lib/index.ts';

const [uri, identity, key, instances] = process.argv.slice(2) as [string, string, string, string];
const meters = createMeters(Number(instances));
const client = createClient({
  endpoint: identity,
  objects: [meters, createFlip(meters)],
  servers: [
    {
      uri,
      ...(uri.startsWith('coaps')
        ? {
            security: {
              mode: 'psk',
              identity: pskIdentityFromBuffer(utf8Encode(identity)),
              key: pskKeyFromBuffer(fromHex(key)),
            },
          }
        : {}),
    },
  ],
  dangerAllowNoSec: true,
  maxObservations: Number(instances),
});
process.stdin.resume().once('end', () => process.exit());
client.events.on('registered', () => console.log('registered'));
await client.start();
