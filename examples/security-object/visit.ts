// What the examples share: a device that registers with an account, says so, and leaves.

import path from 'node:path';
import { type Backends, type ServerAccount, createClient, createDevice, nodeBackends } from '../../lib/index.ts';

/** The device's endpoint name, and the commonName of its certificate: servers such as Leshan want them equal. */
export const ENDPOINT = 'sensor-1';

/** A file of credentials/; the examples are run from the project's root. */
export function credential(name: string): string {
  return path.join('examples', 'security-object', 'credentials', name);
}

/** Registers, prints what was agreed on or why it failed, and de-registers. */
export async function visit(title: string, account: ServerAccount, backends: Backends = nodeBackends()): Promise<void> {
  const device = createDevice({ manufacturer: 'Example', reboot: () => undefined });
  await using client = createClient({ endpoint: ENDPOINT, objects: [device], servers: [account], backends });
  let suite = 'no suite';
  client.events.on('connected', ({ negotiated }) => {
    suite = `suite 0x${(negotiated?.ciphersuite ?? 0).toString(16).padStart(4, '0')}`;
  });
  const registered = client.events.next('registered').then(() => `registered, ${suite}`);
  const failed = client.events.next('registrationFailed').then(({ error }) => `refused: ${error.message}`);
  await client.start();
  console.log(`${title}: ${await Promise.race([registered, failed])}`);
}
