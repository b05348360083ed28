// A process that visits a TLS server once with its sessions in a directory, and says whether it resumed.
// Arguments: port, version, directory, `psk` or the file of the trust anchors.

import { readFileSync } from 'node:fs';
import { certificateChainFromBuffer } from '../../lib/crypto/index.ts';
import type { Security, SecurityVersion } from '../../lib/net/index.ts';
import { sessionsIn } from '../../lib/storage/index.ts';
import { FileStorage } from '../../lib/storage/node/file.ts';
import { ADDRESS, PSK_CLIENT, client, talk } from './ours-tls.ts';

const [port, version, directory, anchors] = process.argv.slice(2) as [string, SecurityVersion, string, string];
const security: Security =
  anchors === 'psk'
    ? PSK_CLIENT
    : { mode: 'certificate', trustAnchors: certificateChainFromBuffer(Uint8Array.from(readFileSync(anchors))) };
const storage = new FileStorage(directory);
const socket = client(security, { versions: [version], sessionStore: sessionsIn(storage) });
await socket.connect(ADDRESS, Number(port));
await talk(socket, 'hello');
console.log(`resumed ${socket.getOption('sessionResumed')}`);
await socket.shutdown();
socket.close();
