// Mode 0: a pre-shared key, from memory and from a file. Argument: the server's URI.

import { pskIdentityFromBuffer, pskKeyFromBuffer, pskKeyFromFile, fromHex, utf8Encode } from '../../lib/index.ts';
import { credential, visit } from './visit.ts';

const [uri = 'coaps://localhost:5684'] = process.argv.slice(2);
const identity = pskIdentityFromBuffer(utf8Encode('sensor-1'));
const fromMemory = pskKeyFromBuffer(fromHex('000102030405060708090a0b0c0d0e0f'));

await visit('psk, key from a buffer', { uri, security: { mode: 'psk', identity, key: fromMemory } });
await visit('psk, key from a file', {
  uri,
  security: { mode: 'psk', identity, key: pskKeyFromFile(credential('psk.hex')) },
  tls: { ciphersuites: [0xc0a4] }, // /0/x/16: CCM with a tag of 16 bytes, and nothing else
});
