// Mode 2: X.509 with each certificate usage of /0/x/15. Argument: the server's URI.

import { X509Certificate, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type CertificateSecurity,
  accountFromSecurity,
  certificateChainFromFile,
  privateKeyFromFile,
} from '../../lib/index.ts';
import { credential, visit } from './visit.ts';

const [uri = 'coaps://localhost:5686'] = process.argv.slice(2);
const file = (name: string) => certificateChainFromFile(credential(name));
const own = {
  mode: 'certificate',
  clientChain: file('device.pem'),
  clientKey: privateKeyFromFile(credential('device.key')),
} as const;
const withServer = (name: string, usage?: 0 | 1 | 2 | 3): CertificateSecurity => ({
  ...own,
  serverCertificate: { certificate: file(name), usage },
});
const trustAnchors = file('ca.pem'); // what this device trusts, for usages 0 and 1

await visit('usage 3 (the default): exactly this certificate', { uri, security: withServer('server.pem') });
await visit('usage 2: whatever this authority has issued', { uri, security: withServer('ca.pem', 2) });
await visit('usage 1: this certificate, and a valid path', {
  uri,
  security: { ...withServer('server.pem', 1), trustAnchors },
});
await visit('usage 0: a valid path, and this authority in it', {
  uri,
  security: { ...withServer('ca.pem', 0), trustAnchors },
});
await visit('any valid path, nothing compared', { uri, security: { ...own, trustAnchors } });

await visit('usage 3, another certificate of the same name', { uri, security: withServer('stranger.pem') });
await visit('usage 2, another name asked for (/0/x/14)', {
  uri,
  security: withServer('ca.pem', 2),
  tls: { serverName: 'elsewhere.example' },
});

// The same as the resources of /0 that a bootstrap server writes: here the hash of the certificate (/0/x/13 = 1).
const der = (name: string): Uint8Array => new X509Certificate(readFileSync(credential(name))).raw;
const account = accountFromSecurity({
  serverUri: uri,
  securityMode: 2,
  publicKeyOrIdentity: der('device.pem'),
  secretKey: readFileSync(credential('device.key')),
  serverPublicKey: createHash('sha256').update(der('server.pem')).digest(),
  matchingType: 1,
  certificateUsage: 3,
  ciphersuites: { 0: 0xc0ae },
});
await visit('from the Security object, by SHA-256 and with one suite', account);
