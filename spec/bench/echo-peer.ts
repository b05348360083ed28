// The far process of round-trips.bench.ts: sends back every datagram, bare on one port and over DTLS-PSK on another.
// Prints both ports, and ends with its standard input.

import { createSocket } from 'node:dgram';
import { listening } from '../interop/ours.ts';

const [identity, key, suite] = process.argv.slice(2) as [string, string, string];

const bare = createSocket('udp4');
bare.on('message', (bytes, { port, address }) => bare.send(bytes, port, address));
await new Promise<void>((resolve) => bare.bind(0, '127.0.0.1', resolve));

const ciphersuites = [Number(suite)];
const { server, port } = await listening({ [identity]: Uint8Array.from(Buffer.from(key, 'hex')) }, { ciphersuites });
process.stdin.resume().once('end', () => process.exit());
console.log(`ports ${bare.address().port} ${port}`);

for (;;) {
  const session = await server.accept();
  session.handler = {
    readable: () => {
      do {
        const bytes = session.receive();
        if (bytes !== undefined) session.send(bytes);
      } while (session.getOption('hasBufferedData'));
    },
    writable: () => undefined,
    closed: () => undefined,
  };
}
