// A device whose private key stays where it is: in WebCrypto (no arguments), or in a PKCS#11 token.
// Arguments: the token's library, its label, the key's label. The PIN is in the environment: PKCS11_PIN.

import {
  type Engine,
  nodeBackends,
  privateKeyFromEngine,
  privateKeyFromFile,
  rawPublicKeyFromEngine,
  rawPublicKeyFromFile,
} from '../../lib/index.ts';
import { startServer } from '../security-object/servers.ts';
import { credential, visit } from '../security-object/visit.ts';
import { TokenEngine } from './pkcs11-engine.ts';
import { loadPkcs11 } from './pkcs11.ts';
import { generateKey, webCryptoEngine } from './webcrypto-engine.ts';

const [library, token = '', label = 'device'] = process.argv.slice(2);

async function openEngine(): Promise<Engine> {
  if (library !== undefined) {
    const pin = process.env['PKCS11_PIN'] ?? '';
    return new TokenEngine({ pkcs11: await loadPkcs11(), library, token, pin });
  }
  const { key, publicKey } = await generateKey();
  return webCryptoEngine(label, key, publicKey);
}

const engine = await openEngine();
const own = engine.privateKey(label);
if (own === undefined) throw new Error(`no private key is called ${label}`);

// The server knows the device by its public key, and the device the server.
const { server, uri } = await startServer({
  mode: 'rawPublicKey',
  publicKey: rawPublicKeyFromFile(credential('server.pub')),
  privateKey: privateKeyFromFile(credential('server.key')),
  accept: (spki) => Buffer.from(own.publicKey).equals(spki),
});
await visit(
  library === undefined ? 'a key of WebCrypto' : 'a key of the token',
  {
    uri,
    security: {
      mode: 'rawPublicKey',
      publicKey: rawPublicKeyFromEngine(label),
      privateKey: privateKeyFromEngine(label),
      serverKeys: rawPublicKeyFromFile(credential('server.pub')),
    },
  },
  nodeBackends({ engine }),
);
server.close();
if (engine instanceof TokenEngine) await engine.close();
