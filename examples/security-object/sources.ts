// The same certificate account from every source of the security-info union. Argument: the server's URI.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type CertificateChainInfo,
  type PrivateKeyInfo,
  certificateChainFromArray,
  certificateChainFromBuffer,
  certificateChainFromFile,
  certificateChainFromList,
  certificateChainFromPath,
  nodeBackends,
  privateKeyFromBuffer,
  privateKeyFromEngine,
  privateKeyFromFile,
} from '../../lib/index.ts';
import { credential, visit } from './visit.ts';
import { importKey, webCryptoEngine } from '../engine-keys/webcrypto-engine.ts';

const [uri = 'coaps://localhost:5686'] = process.argv.slice(2);
const bytes = (name: string): Uint8Array => readFileSync(credential(name));

interface Sources {
  readonly trustAnchors: CertificateChainInfo;
  readonly clientChain: CertificateChainInfo;
  readonly clientKey: PrivateKeyInfo;
}

const fromFile: Sources = {
  trustAnchors: certificateChainFromFile(credential('ca.pem')),
  clientChain: certificateChainFromFile(credential('device.pem')),
  clientKey: privateKeyFromFile(credential('device.key')),
};
const fromBuffer: Sources = {
  trustAnchors: certificateChainFromBuffer(bytes('ca.pem')),
  clientChain: certificateChainFromBuffer(bytes('device.pem')),
  clientKey: privateKeyFromBuffer(bytes('device.key')),
};
const examples: Readonly<Record<string, Partial<Sources>>> = {
  'every credential from a file': {},
  'every credential from a buffer': fromBuffer,
  'trust anchors: all certificates of a directory': { trustAnchors: certificateChainFromPath(credential('trust')) },
  'an array: the leaf, then an authority to send': {
    clientChain: certificateChainFromArray([fromFile.clientChain, fromBuffer.trustAnchors]),
  },
  'a list, read when it is needed': {
    trustAnchors: certificateChainFromList(new Set([fromFile.clientChain, fromFile.trustAnchors])),
  },
};
for (const [title, sources] of Object.entries(examples)) {
  await visit(title, { uri, security: { mode: 'certificate', ...fromFile, ...sources } });
}

// A key that this program can use and never see: here a WebCrypto key, elsewhere PKCS#11, a TPM or a key service.
const key = createPrivateKey(readFileSync(credential('device.key')));
const engine = webCryptoEngine(
  'webcrypto:device',
  await importKey(key.export({ type: 'pkcs8', format: 'der' })),
  createPublicKey(key).export({ type: 'spki', format: 'der' }),
);
await visit(
  'an engine: the private key stays in WebCrypto',
  { uri, security: { mode: 'certificate', ...fromFile, clientKey: privateKeyFromEngine('webcrypto:device') } },
  nodeBackends({ engine }),
);
