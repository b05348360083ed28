// Runs the three servers until Ctrl-C: `node --import tsx examples/coap-dtls-server/main.ts [address] [first port]`.

import { formatEndpoint } from '../../lib/net/index.ts';
import { Light } from './light.ts';
import { serve } from './servers.ts';

const [address = '127.0.0.1', port = '5683'] = process.argv.slice(2);
const first = Number(port);
const ports = first === 0 ? { plain: 0, psk: 0, pki: 0 } : { plain: first, psk: first + 1, pki: first + 2 };
const servers = await serve(new Light().handler, address, ports);

console.log(`plain: coap://${formatEndpoint(servers.plain.local)}/light`);
console.log(`psk: coaps://${formatEndpoint(servers.psk.local)}/light`);
console.log(`pki: coaps://${formatEndpoint(servers.pki.local)}/light`);
process.once('SIGINT', () => {
  for (const server of Object.values(servers)) server.close();
  console.log('closed');
});
