// A CoAP server in ten lines: the time, and every change of it for whoever observes. Argument: a URI, of any of the four schemes.

import { type Observation, RESPONSE_CODES, coapServer } from '../../lib/coap/index.ts';
import { nodeBackends, pskKeyFromBuffer, utf8Decode, utf8Encode } from '../../lib/index.ts';

const uri = process.argv[2] ?? 'coap://127.0.0.1:5683';
const keyOf = (identity: Uint8Array) =>
  utf8Decode(identity) === 'sensor-1' ? pskKeyFromBuffer(utf8Encode('secretPSK0123456')) : undefined;
const observations = new Set<Observation>();
const time = () => ({ code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode(new Date().toISOString()) });

const server = await coapServer(
  uri,
  nodeBackends(),
  (request) => {
    if (request.path.join('/') !== 'time') return { code: RESPONSE_CODES.notFound };
    const observation = request.acceptObservation?.({ ended: () => void observations.delete(observation!) });
    if (observation !== undefined) observations.add(observation);
    return time();
  },
  { security: { mode: 'psk', lookup: keyOf } }, // of coaps and coaps+tcp
);
setInterval(() => observations.forEach((each) => void each.notify(time()).catch(() => undefined)), 100);
console.log(`listening on port ${server.local.port}`);
