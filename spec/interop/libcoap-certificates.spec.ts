// CoAP over our DTLS against libcoap's with certificates (over OpenSSL and GnuTLS) and raw public keys (GnuTLS), both roles.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type RequestHandler, RESPONSE_CODES, UdpCoapConnection, serveCoap } from '../../lib/coap/index.ts';
import { type CertificateChainInfo, certificateChainFromBuffer } from '../../lib/crypto/index.ts';
import type { Security, ServerSecurity } from '../../lib/net/index.ts';
import { QUICK, backend, environment } from './ours.ts';
import { clientSecurity, rawClient, rawServer, serverSecurity } from './ours-certificates.ts';
import { type LibcoapFlavour, coapClient, startSecureCoapServer } from './peers/libcoap.ts';
import { needs, smoke } from './peers/peer.ts';
import { type KeyKind, Pki } from './peers/pki.ts';

const MATRIX: readonly (readonly [LibcoapFlavour, KeyKind])[] = [
  ['openssl', 'ec'],
  ['openssl', 'rsa'],
  ['gnutls', 'ec'],
  ['gnutls', 'rsa'],
];
const LONG = 'a body of many blocks, sent and fetched again; '.repeat(80);

describe('CoAP with certificates beside libcoap', () => {
  needs('libcoap', 'openssl');
  const pkis = new Map<KeyKind, Pki>();
  before(() => {
    for (const kind of ['ec', 'rsa'] as const) pkis.set(kind, new Pki(kind));
  });
  after(() => {
    for (const pki of pkis.values()) pki.remove();
  });

  const x509 = (kind: KeyKind, role: 'server' | 'client'): readonly string[] => {
    const pki = pkis.get(kind)!;
    return ['-c', pki.file(`${role}-chain.pem`), '-j', pki.file(`${role}.key`), '-C', pki.file('root.pem')];
  };
  /** Over OpenSSL, libcoap sends the leaf alone: who is to accept it must know the intermediate. */
  const authorities = (kind: KeyKind): { readonly trustAnchors: CertificateChainInfo } => ({
    trustAnchors: certificateChainFromBuffer(pkis.get(kind)!.bytes('authorities.pem')),
  });
  /** `-n`: coap-server has no list of the keys it knows. */
  const raw = (role: 'server' | 'client'): readonly string[] => {
    const own = ['-M', pkis.get('ec')!.file(`${role}.sec1`)];
    return role === 'server' ? [...own, '-n'] : own;
  };

  for (const [flavour, kind] of smoke ? ([['openssl', 'ec']] as const) : MATRIX) {
    it(`certificates (${kind}), libcoap over ${flavour}: our client`, () =>
      asClient(flavour, x509(kind, 'server'), {
        ...clientSecurity(pkis.get(kind)!, 'client'),
        ...authorities(kind),
      }));

    it(`certificates (${kind}), libcoap over ${flavour}: our server`, () =>
      asServer(flavour, x509(kind, 'client'), { ...serverSecurity(pkis.get(kind)!), ...authorities(kind) }));
  }

  if (smoke) return;

  it('raw public keys, libcoap over gnutls: our client', () =>
    asClient('gnutls', raw('server'), rawClient(pkis.get('ec')!)));

  it('raw public keys, libcoap over gnutls: our server', () =>
    asServer('gnutls', raw('client'), rawServer(pkis.get('ec')!)));

  it('coap-client with a certificate of another root gets nothing from our server', async () => {
    const pki = pkis.get('ec')!;
    const flags = ['-c', pki.file('other-root.pem'), '-j', pki.file('other-root.key'), '-C', pki.file('root.pem')];
    const { server, port } = await serve(serverSecurity(pki));
    try {
      const uri = `coaps://127.0.0.1:${port}/long`;
      const { output } = await coapClient({ uri, credential: { flavour: 'openssl', flags }, more: ['-v', '6'] });
      assert.match(output, /alert read:fatal:(unknown CA|bad certificate)/i);
      assert.equal(server.counters?.sessionsEstablished, 0);
    } finally {
      server.close();
    }
  });
});

/** A long body put and fetched, block by block. */
async function asClient(flavour: LibcoapFlavour, credential: readonly string[], security: Security): Promise<void> {
  const server = await startSecureCoapServer(flavour, credential);
  const socket = backend.createSocket({ security, ...QUICK }, environment);
  let coap: UdpCoapConnection | undefined;
  try {
    await socket.connect('127.0.0.1', server.securePort);
    assert.ok([0xc0ae, 0xc02f].includes(socket.getOption('negotiated')!.ciphersuite)); // CCM_8 comes first, if the key is EC
    coap = new UdpCoapConnection(socket, environment);
    const path = ['example_data'];
    const put = await coap.request({ method: 'PUT', path, payload: utf8Encode(LONG), contentFormat: 0 });
    assert.equal(put.code, RESPONSE_CODES.created);
    const got = await coap.request({ method: 'GET', path });
    assert.equal(utf8Decode(got.payload), LONG);
  } catch (error) {
    throw new Error(`${String(error)}\n${server.process.output}`, { cause: error });
  } finally {
    coap?.close();
    socket.close();
    await server.process.stop();
  }
}

async function asServer(flavour: LibcoapFlavour, flags: readonly string[], security: ServerSecurity): Promise<void> {
  const { server, port } = await serve(security);
  try {
    const uri = `coaps://127.0.0.1:${port}/long`;
    const { output } = await coapClient({ uri, credential: { flavour, flags }, blockSize: 256 });
    assert.ok(output.includes(LONG.trimEnd()), output);
    assert.equal(server.counters?.sessionsEstablished, 1);
  } finally {
    server.close();
  }
}

async function serve(
  security: ServerSecurity,
): Promise<{ readonly server: ReturnType<typeof backend.createServer>; readonly port: number }> {
  const server = backend.createServer({ security, ...QUICK }, environment);
  await server.bind('127.0.0.1', 0);
  serveCoap(server, environment, (connection) => (connection.handler = long));
  return { server, port: server.local!.port };
}

const long: RequestHandler = ({ path }) =>
  path.join('/') === 'long'
    ? { code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode(LONG) }
    : { code: RESPONSE_CODES.notFound };
