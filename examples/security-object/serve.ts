// Runs the three servers at the ports that the examples try by default, until Ctrl-C.

import { securities, startServer } from './servers.ts';

const PORTS = { psk: 5684, rawPublicKey: 5685, certificate: 5686 } as const;

for (const mode of ['psk', 'rawPublicKey', 'certificate'] as const) {
  const { server, uri } = await startServer(securities()[mode], PORTS[mode]);
  server.events.on('registered', ({ device }) => console.log(`${mode}: ${device.endpoint} registered`));
  server.events.on('refused', ({ operation, reason }) => console.log(`${mode}: ${operation} refused: ${reason}`));
  console.log(`${mode} at ${uri}`);
}
