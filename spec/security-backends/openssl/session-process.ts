// A device's process: connects with sessions in a directory, says a word, hears it, and prints whether it was known.
// Arguments: version, port, directory.

import { utf8Encode } from '../../../lib/bytes/index.ts';
import { clientSecurity } from '../../../lib/net/conformance/backend/credentials.ts';
import type { SecurityVersion } from '../../../lib/net/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { sessionsIn } from '../../../lib/storage/index.ts';
import { FileStorage } from '../../../lib/storage/node/file.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';

const [version = '', port = '', directory = ''] = process.argv.slice(2);
const backend = version === 'DTLS1.2' ? opensslDtls() : opensslTls();
const configuration = {
  security: clientSecurity('psk'),
  versions: [version as SecurityVersion],
  sessionStore: sessionsIn(new FileStorage(directory)),
};
const socket = backend.createSocket(configuration, systemEnvironment());
await socket.connect('127.0.0.1', Number(port));
socket.send(utf8Encode('word'));
await socket.next();
console.log(socket.getOption('sessionResumed') ? 'resumed' : 'a full handshake');
await socket.shutdown();
socket.close();
