// The far process of tls-pair.ts: node:tls servers that send back what they hear, one with a pre-shared key and one with
// certificates of both sides. Who says `hang up` is cut off. Prints both ports, and ends with its standard input.

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { type TLSSocket, type TlsOptions, createServer } from 'node:tls';
import { utf8Decode } from '../../lib/bytes/index.ts';
import { IDENTITY, KEY } from '../../lib/net/conformance/backend/credentials.ts';
import { AUTHORITY, SERVER } from '../../lib/net/conformance/backend/test-keys.ts';

const pem = ({ certificate }: { readonly certificate: Uint8Array }): string =>
  new X509Certificate(certificate).toString();

const PSK: TlsOptions = {
  ciphers: 'TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256',
  pskCallback: (_socket, identity) => (identity === utf8Decode(IDENTITY) ? KEY : null),
};
const CERTIFICATES: TlsOptions = {
  cert: pem(SERVER),
  key: createPrivateKey({ key: Buffer.from(SERVER.key), format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }),
  ca: pem(AUTHORITY),
  requestCert: true,
};

async function serve(options: TlsOptions): Promise<number> {
  const server = createServer(options, (session: TLSSocket) => {
    session.on('error', () => undefined);
    session.on('data', (bytes) => {
      if (utf8Decode(bytes) === 'hang up') session.destroy();
      else session.write(bytes);
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const local = server.address();
  return local !== null && typeof local === 'object' ? local.port : 0;
}

process.stdin.resume().once('end', () => process.exit());
console.log(`ports ${await serve(PSK)} ${await serve(CERTIFICATES)}`);
