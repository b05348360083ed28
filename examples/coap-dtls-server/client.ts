// A client of the light: observes it while it switches it on and off. Argument: the URI that the server printed.

import {
  certificateChainFromFile,
  nodeBackends,
  privateKeyFromFile,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  utf8Decode,
  utf8Encode,
} from '../../lib/index.ts';
import { coapClient } from '../../lib/coap/index.ts';
import type { Security } from '../../lib/net/index.ts';
import { PSK, credential } from './servers.ts';

const [uri = 'coap://127.0.0.1:5683/light', kind = 'psk'] = process.argv.slice(2);

const securities: Readonly<Record<string, Security>> = {
  psk: {
    mode: 'psk',
    identity: pskIdentityFromBuffer(utf8Encode(PSK.identity)),
    key: pskKeyFromBuffer(utf8Encode(PSK.key)),
  },
  pki: {
    mode: 'certificate',
    trustAnchors: certificateChainFromFile(credential('ca.pem')),
    clientChain: certificateChainFromFile(credential('device.pem')),
    clientKey: privateKeyFromFile(credential('device.key')),
  },
};

const tls = { serverName: 'localhost' }; // what the certificate must be for, whatever the URI says
const light = await coapClient(uri, nodeBackends(), { security: securities[kind], tls });
const notifications = await light.observe('', { signal: AbortSignal.timeout(10_000) });
let heard = 0;
for await (const { payload } of notifications) {
  console.log(`the light is ${utf8Decode(payload)}`);
  if (++heard === 3) break; // deregisters
  await light.put('', { payload: utf8Encode(heard === 1 ? 'on' : 'off'), contentFormat: 0 });
}
light.close();
