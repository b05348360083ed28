// A device's process: connects with a live session in a directory, says its words, prints how, and leaves as it is told.
// Arguments: port, directory, words (comma), how to leave: suspend, close, or stay (until it is killed).

import { nativeDtls } from '../../../security-backends/native/backend.ts';
import { LiveSessionDirectory } from '../../../lib/storage/node/live-session.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { PSK } from './sockets.ts';

const [port = '', directory = '', words = '', end = 'suspend'] = process.argv.slice(2);
const backend = nativeDtls({ datagramSocket: udpSocket });
const liveSession = new LiveSessionDirectory(directory);
const socket = backend.createSocket({ security: PSK, connectionId: true, liveSession }, systemEnvironment());
try {
  await socket.connect('127.0.0.1', Number(port));
  process.stdout.write(socket.getOption('connectionIdResumed') ? 'went on\n' : 'shook hands\n');
  for (const word of words.split(',')) {
    socket.send(new TextEncoder().encode(word));
    await socket.next();
  }
  if (end === 'suspend') socket.suspend();
  else if (end === 'close') socket.close();
  process.stdout.write('done\n');
} catch (error) {
  process.stdout.write(`failed: ${String(error)}\n`);
  socket.close();
}
