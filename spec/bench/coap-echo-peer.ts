// The far process of coap-transports.bench.ts: a CoAP server on each transport. Prints a port for each, and ends with its
// standard input.

import { utf8Encode } from '../../lib/bytes/index.ts';
import {
  type OutgoingResponse,
  type RequestHandler,
  type RequestHead,
  RESPONSE_CODES,
  serveCoap,
  serveCoapStreams,
} from '../../lib/coap/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { tcpSocket, udpSocket } from '../../lib/net/node/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { environment, listening } from '../interop/ours.ts';

const [identity, key, length] = process.argv.slice(2) as [string, string, string];
const CHUNK = new Uint8Array(65_536).map((_, i) => i);

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let left = Number(length); left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left);
}

const handler: RequestHandler = (request) => {
  if (request.body !== undefined) return taken(request.body);
  if (request.path[0] === 'large')
    return { code: RESPONSE_CODES.content, stream: chunks(), streamBytes: Number(length) };
  return { code: RESPONSE_CODES.content, payload: request.payload };
};

async function taken(body: AsyncIterable<Uint8Array>): Promise<OutgoingResponse> {
  let bytes = 0;
  for await (const part of body) bytes += part.length;
  return { code: RESPONSE_CODES.changed, payload: utf8Encode(`${bytes}`) };
}

const options = { handler, streamed: ({ method }: RequestHead) => method === 'PUT' };
const udp = udpSocket();
await udp.bind('127.0.0.1', 0);
serveCoap(udp, environment, () => undefined, options);
const dtls = await listening({ [identity]: utf8Encode(key) });
serveCoap(dtls.server, environment, () => undefined, options);
const tls = nodeTls().createServer(
  { security: { mode: 'psk', lookup: () => pskKeyFromBuffer(utf8Encode(key)) }, alpn: ['coap'] },
  environment,
);
const streams = [tcpSocket(), tls];
for (const listener of streams) {
  await listener.bind('127.0.0.1', 0);
  serveCoapStreams(listener, environment, () => undefined, options);
}
process.stdin.resume().once('end', () => process.exit());
console.log(`ports ${[udp, dtls.server, ...streams].map(({ local }) => local!.port).join(' ')}`);
