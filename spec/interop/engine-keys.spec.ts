// Leshan knows a device whose private key nobody has: by raw public key and by X.509, from WebCrypto and from a PKCS#11 token.

import assert from 'node:assert/strict';
import { X509Certificate, createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { TokenEngine } from '../../examples/engine-keys/pkcs11-engine.ts';
import { loadPkcs11 } from '../../examples/engine-keys/pkcs11.ts';
import { generateKey, webCryptoEngine } from '../../examples/engine-keys/webcrypto-engine.ts';
import {
  type Engine,
  type SecurityConfiguration,
  certificateChainFromArray,
  certificateChainFromBuffer,
  certificateChainFromEngine,
  certificateChainFromFile,
  createClient,
  createDevice,
  nodeBackends,
  privateKeyFromEngine,
  rawPublicKeyFromBuffer,
  rawPublicKeyFromEngine,
} from '../../lib/index.ts';
import { LeshanServer } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';
import { PKCS11JS_ENTRY, SoftHsm } from './peers/softhsm.ts';

const LABEL = 'device';
/** Leshan wants the endpoint name to be the commonName of the certificate. */
const BY_CERTIFICATE = 'client';
const BY_KEY = 'urn:dev:ops:32473-engine';

describe('a device at Leshan, whose key stays outside', () => {
  needs('leshan', 'openssl');

  let pki: Pki;
  let leshan: LeshanServer;
  let serverKey: Uint8Array;

  before(async function () {
    this.timeout(90_000);
    pki = new Pki('ec');
    leshan = await LeshanServer.start({
      certificate: pki.file('server-chain.pem'),
      key: pki.file('server.key'),
      trust: pki.file('root.pem'),
    });
    serverKey = (await leshan.ownSecurity()).publicKey;
    await leshan.addX509(BY_CERTIFICATE);
  });
  after(async () => {
    await leshan?.stop();
    pki?.remove();
  });

  async function isManaged(endpoint: string, engine: Engine, security: SecurityConfiguration): Promise<void> {
    const device = createDevice({ manufacturer: 'lwm2m-client', reboot: () => undefined });
    const account = { uri: `coaps://127.0.0.1:${leshan.coapsPort}`, security, lifetime: 120 };
    const backends = nodeBackends({ engine });
    await using client = createClient({ endpoint, objects: [device], servers: [account], backends });
    const registered = client.events.next('registered').then(() => undefined);
    const failed = client.events.next('registrationFailed').then(({ error }) => error);
    await client.start();
    assert.ifError(await Promise.race([registered, failed]));
    assert.equal((await leshan.registration(endpoint))?.secure, true);
    const { content, success } = await leshan.read(endpoint, '/3/0/0');
    assert.equal(success, true);
    assert.equal(content?.kind === 'singleResource' ? content.value : undefined, 'lwm2m-client');
    await client.stop();
    assert.equal(await leshan.registration(endpoint), undefined);
  }

  async function registersByKey(engine: Engine): Promise<void> {
    await leshan.addRawPublicKey(BY_KEY, engine.privateKey(LABEL)!.publicKey);
    await isManaged(BY_KEY, engine, {
      mode: 'rawPublicKey',
      publicKey: rawPublicKeyFromEngine(LABEL),
      privateKey: privateKeyFromEngine(LABEL),
      serverKeys: rawPublicKeyFromBuffer(serverKey),
    });
  }

  describe('WebCrypto', () => {
    let engine: Engine;
    before(async () => {
      const { key, publicKey } = await generateKey();
      engine = webCryptoEngine(LABEL, key, publicKey);
    });

    it('by raw public key', () => registersByKey(engine));

    it('by X.509', () => {
      const leaf = pki.certify(BY_CERTIFICATE, engine.privateKey(LABEL)!.publicKey);
      const inter = certificateChainFromFile(pki.file('inter.pem'));
      return isManaged(BY_CERTIFICATE, engine, {
        mode: 'certificate',
        clientChain: certificateChainFromArray([certificateChainFromBuffer(leaf), inter]),
        clientKey: privateKeyFromEngine(LABEL),
        trustAnchors: certificateChainFromFile(pki.file('root.pem')),
      });
    });
  });

  describe('SoftHSM', () => {
    needs('softhsm');

    let hsm: SoftHsm;
    let engine: TokenEngine;
    const openEngine = async (pin = hsm.pin): Promise<TokenEngine> =>
      new TokenEngine({ pkcs11: await loadPkcs11(PKCS11JS_ENTRY), library: hsm.library, token: hsm.token, pin });

    before(async () => {
      hsm = await SoftHsm.start();
      await hsm.generateKey(LABEL);
      engine = await openEngine();
      await certify(engine.privateKey(LABEL)!.publicKey);
      await engine.close(); // the tool has written since
      engine = await openEngine();
    });
    after(async () => {
      await engine?.close();
      hsm?.remove();
    });

    /** Puts the certificate of the token's key beside it, and its authority's. */
    async function certify(spki: Uint8Array): Promise<void> {
      const file = pki.file('token.der');
      for (const [label, der] of [
        [LABEL, pki.certify(BY_CERTIFICATE, spki)],
        ['authority', new X509Certificate(pki.text('inter.pem')).raw],
      ] as const) {
        writeFileSync(file, der);
        await hsm.addCertificate(label, file);
      }
    }

    it('never gives the key away', async () => {
      assert.match(await hsm.privateKeys(), /Access: +sensitive, always sensitive, never extractable, local/);
    });

    it('by raw public key', () => registersByKey(engine));

    it('by X.509, with the chain from the token', () =>
      isManaged(BY_CERTIFICATE, engine, {
        mode: 'certificate',
        clientChain: certificateChainFromEngine(LABEL),
        clientKey: privateKeyFromEngine(LABEL),
        trustAnchors: certificateChainFromFile(pki.file('root.pem')),
      }));

    it('another PIN opens nothing, and a closed token signs nothing, but what it had begun', async () => {
      await engine.close();
      await assert.rejects(openEngine('4321'), /CKR_PIN_INCORRECT/);
      engine = await openEngine();
      const own = engine.privateKey(LABEL)!;
      const begun = own.sign('ecdsa_secp256r1_sha256', Uint8Array.of(1));
      await engine.close();
      assert.equal((await begun)[0], 0x30);
      await assert.rejects(async () => own.sign('ecdsa_secp256r1_sha256', Uint8Array.of(1)), /closed/);
      engine = await openEngine();
    });

    it('has nothing under a label that is not there', () => {
      assert.equal(engine.privateKey('another'), undefined);
      assert.equal(engine.certificates('another'), undefined);
    });

    it('signs for many at once', async () => {
      const own = engine.privateKey(LABEL)!;
      const key = createPublicKey({ key: Buffer.from(own.publicKey), type: 'spki', format: 'der' });
      const messages = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i));
      const signed = messages.map(async (message) => own.sign('ecdsa_secp256r1_sha256', message));
      const signatures = await Promise.all(signed);
      for (const [i, message] of messages.entries()) assert.ok(verify('sha256', message, key, signatures[i]!));
    });
  });
});
