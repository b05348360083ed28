// Mode 1: raw public keys (RFC 7250). Nothing but keys: no names, no dates, no authority. Argument: the server's URI.

import { privateKeyFromFile, rawPublicKeyFromArray, rawPublicKeyFromFile } from '../../lib/index.ts';
import { credential, visit } from './visit.ts';

const [uri = 'coaps://localhost:5685'] = process.argv.slice(2);
const own = {
  publicKey: rawPublicKeyFromFile(credential('device.pub')),
  privateKey: privateKeyFromFile(credential('device.key')),
};
const server = rawPublicKeyFromFile(credential('server.pub'));
const another = rawPublicKeyFromFile(credential('device.pub'));

await visit('raw public key', { uri, security: { mode: 'rawPublicKey', serverKeys: server, ...own } });
await visit('raw public key, one of two', {
  uri,
  security: { mode: 'rawPublicKey', serverKeys: rawPublicKeyFromArray([another, server]), ...own },
});
await visit('raw public key of another server', {
  uri,
  security: { mode: 'rawPublicKey', serverKeys: another, ...own },
});
