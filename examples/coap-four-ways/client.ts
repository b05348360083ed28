// A CoAP client in ten lines: asks for the time, and observes it. Argument: the server's URI, of any of the four schemes.

import { coapClient } from '../../lib/coap/index.ts';
import { nodeBackends, pskIdentityFromBuffer, pskKeyFromBuffer, utf8Decode, utf8Encode } from '../../lib/index.ts';

const uri = process.argv[2] ?? 'coap://127.0.0.1:5683';
const identity = pskIdentityFromBuffer(utf8Encode('sensor-1'));
const key = pskKeyFromBuffer(utf8Encode('secretPSK0123456'));
const signal = AbortSignal.timeout(10_000); // ends connecting, requests and observations alike

const client = await coapClient(uri, nodeBackends(), { security: { mode: 'psk', identity, key }, signal });
const { payload } = await client.get('/time', { signal });
console.log(`it is ${utf8Decode(payload)}`);
let heard = 0;
for await (const notification of await client.observe('/time', { signal })) {
  console.log(`now ${utf8Decode(notification.payload)}`);
  if (++heard === 3) break; // deregisters
}
await client[Symbol.asyncDispose](); // in order: the server hears that this is the end
