// A device at Leshan over CoAP on TCP and TLS (RFC 8323). Leshan's own artifacts for these (leshan-tl-jc-*, upon java-coap) are
// in no version in Maven's registry, so its Californium transport runs upon Californium's TCP: StreamEndpointFactory.java.

import assert from 'node:assert/strict';
import { nodeFileSource } from '../../lib/crypto/node/index.ts';
import {
  type Backends,
  type SecurityConfiguration,
  certificateChainFromFile,
  createClient,
  createDevice,
  nodeBackends,
  privateKeyFromFile,
} from '../../lib/index.ts';
import { opensslTls } from '../../security-backends/openssl/index.ts';
import { managed } from './leshan-managed.ts';
import { LeshanServer } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';

describe('a device at Leshan, over streams', () => {
  needs('leshan', 'openssl');

  let pki: Pki;
  let leshan: LeshanServer;
  before(async function () {
    this.timeout(90_000);
    pki = new Pki('ec');
    leshan = await LeshanServer.start({
      certificate: pki.file('server-chain.pem'),
      key: pki.file('server.key'),
      trust: pki.file('root.pem'),
    });
  });
  after(async () => {
    await leshan?.stop();
    pki?.remove();
  });

  const certificates = (anchors = 'root.pem'): SecurityConfiguration => ({
    mode: 'certificate',
    clientChain: certificateChainFromFile(pki.file('client-chain.pem')),
    clientKey: privateKeyFromFile(pki.file('client.key')),
    trustAnchors: certificateChainFromFile(pki.file(anchors)),
  });

  describe('over coap+tcp://', () =>
    managed(() => leshan, {
      endpoint: 'urn:dev:ops:32473-tcp',
      scheme: 'coap+tcp',
      account: async ({ coapTcpPort }) => ({ port: coapTcpPort }),
    }));

  const backends = {
    'node:tls': nodeBackends,
    'OpenSSL through FFI': (): Backends => ({ ...nodeBackends(), tls: opensslTls({ files: nodeFileSource() }) }),
  } as const;
  for (const [stack, make] of Object.entries(backends)) {
    describe(`over coaps+tcp://, by certificates and ${stack}`, () =>
      managed(() => leshan, {
        endpoint: 'client', // the commonName of the certificate, as Leshan wants it
        scheme: 'coaps+tcp',
        backends: make,
        async account({ coapsTcpPort }) {
          await leshan.addX509('client');
          return { port: coapsTcpPort, security: certificates() };
        },
      }));
  }

  it('another authority than the server’s: no registration, and the reason is told', async () => {
    const client = createClient({
      endpoint: 'client',
      objects: [createDevice({ reboot: () => undefined })],
      servers: [{ uri: `coaps+tcp://127.0.0.1:${leshan.coapsTcpPort}`, security: certificates('other-root.pem') }],
    });
    const failed = client.events.next('registrationFailed');
    try {
      await client.start();
      assert.match((await failed).error.message, /unknown-issuer/);
      assert.equal(await leshan.registration('client'), undefined);
    } finally {
      await client.stop();
    }
  });
});
