// Leshan knows our device by its raw public key or certificate, and we know Leshan by each certificate usage.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import {
  type LwM2mClient,
  type SecurityConfiguration,
  type ServerAccount,
  accountFromSecurity,
  certificateChainFromBuffer,
  certificateChainFromFile,
  createClient,
  createDevice,
  privateKeyFromFile,
  rawPublicKeyFromBuffer,
  rawPublicKeyFromFile,
} from '../../lib/index.ts';
import { LeshanServer } from './peers/leshan.ts';
import { needs } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';

/** Leshan wants the endpoint name to be the commonName of the certificate. */
const BY_CERTIFICATE = 'client';
const BY_KEY = 'urn:dev:ops:32473-rpk';

describe('a device at Leshan, without a shared key', () => {
  needs('leshan', 'openssl');

  let pki: Pki;
  let leshan: LeshanServer;
  /** As Leshan tells it. */
  let server: { readonly certificate: Uint8Array; readonly publicKey: Uint8Array };
  let uri: string;

  before(async function () {
    this.timeout(90_000);
    pki = new Pki('ec');
    leshan = await LeshanServer.start({
      certificate: pki.file('server-chain.pem'),
      key: pki.file('server.key'),
      trust: pki.file('root.pem'),
    });
    uri = `coaps://127.0.0.1:${leshan.coapsPort}`;
    server = await leshan.ownSecurity();
    await leshan.addX509(BY_CERTIFICATE);
    await leshan.addX509('another-name');
    await leshan.addRawPublicKey(BY_KEY, spkiOf('client.pub'));
  });
  after(async () => {
    await leshan?.stop();
    pki?.remove();
  });

  const spkiOf = (name: string): Uint8Array => createPublicKey(pki.text(name)).export({ type: 'spki', format: 'der' });
  const rawKeys = (serverKey: Uint8Array): SecurityConfiguration => ({
    mode: 'rawPublicKey',
    publicKey: rawPublicKeyFromFile(pki.file('client.pub')),
    privateKey: privateKeyFromFile(pki.file('client.key')),
    serverKeys: rawPublicKeyFromBuffer(serverKey),
  });
  const own = () =>
    ({
      mode: 'certificate',
      clientChain: certificateChainFromFile(pki.file('client-chain.pem')),
      clientKey: privateKeyFromFile(pki.file('client.key')),
    }) as const;
  const anchors = () => certificateChainFromFile(pki.file('root.pem'));

  const accounts: Readonly<Record<string, readonly [endpoint: string, security: () => SecurityConfiguration]>> = {
    'raw public keys both ways': [BY_KEY, () => rawKeys(server.publicKey)],
    'usage 3: the very certificate that Leshan tells': [
      BY_CERTIFICATE,
      () => ({ ...own(), serverCertificate: { certificate: certificateChainFromBuffer(server.certificate) } }),
    ],
    'usage 2: the authority of its certificate': [
      BY_CERTIFICATE,
      () => ({ ...own(), serverCertificate: { certificate: anchors(), usage: 2 } }),
    ],
    'usage 1: its certificate, and a path to our anchor': [
      BY_CERTIFICATE,
      () => ({
        ...own(),
        trustAnchors: anchors(),
        serverCertificate: { certificate: certificateChainFromBuffer(server.certificate), usage: 1 },
      }),
    ],
    'usage 0: a path to our anchor through the intermediate authority': [
      BY_CERTIFICATE,
      () => ({
        ...own(),
        trustAnchors: anchors(),
        serverCertificate: { certificate: certificateChainFromFile(pki.file('inter.pem')), usage: 0 },
      }),
    ],
    'path and name alone': [BY_CERTIFICATE, () => ({ ...own(), trustAnchors: anchors() })],
  };
  for (const [name, [endpoint, security]] of Object.entries(accounts)) {
    it(`registers, is read and de-registers: ${name}`, () => isManaged(endpoint, { uri, security: security() }));
  }

  it('registers with what the Security object says: SHA-256 of the certificate, one suite', async () => {
    const key = createPrivateKey(pki.text('client.key')).export({ type: 'pkcs8', format: 'der' });
    const account = accountFromSecurity({
      serverUri: uri,
      securityMode: 2,
      publicKeyOrIdentity: pki.bytes('client-chain.pem'),
      secretKey: key,
      serverPublicKey: createHash('sha256').update(server.certificate).digest(),
      matchingType: 1,
      certificateUsage: 3,
      ciphersuites: { 0: 0xc02b },
    });
    assert.equal(await isManaged(BY_CERTIFICATE, account), 0xc02b);
  });

  const refusals: Readonly<Record<string, readonly [security: () => SecurityConfiguration, reason: RegExp]>> = {
    'another raw public key': [
      () => rawKeys(spkiOf('wrong-host.pub')),
      /raw public key: expected one of those configured/,
    ],
    'usage 3, another certificate': [
      () => ({ ...own(), serverCertificate: { certificate: certificateChainFromFile(pki.file('expired.pem')) } }),
      /\(no-match\)/,
    ],
    'usage 2, another authority': [
      () => ({
        ...own(),
        serverCertificate: { certificate: certificateChainFromFile(pki.file('other-root.pem')), usage: 2 },
      }),
      /\((unknown-issuer|no-match)\)/,
    ],
    'usage 0, another anchor': [
      () => ({
        ...own(),
        trustAnchors: certificateChainFromFile(pki.file('other-root.pem')),
        serverCertificate: { certificate: certificateChainFromFile(pki.file('inter.pem')), usage: 0 },
      }),
      /\(unknown-issuer\)/,
    ],
  };
  for (const [name, [security, reason]] of Object.entries(refusals)) {
    it(`refuses Leshan by name, and Leshan hears nothing of the device: ${name}`, async () => {
      const endpoint = security().mode === 'certificate' ? BY_CERTIFICATE : BY_KEY;
      const { error, heard } = await failing(endpoint, { uri, security: security() });
      assert.match(error.message, /^ETLSALERT: \w+ \(\d+\) sent: /);
      assert.match(error.message, reason);
      assert.deepEqual(heard, []);
    });
  }

  it('is told beforehand that its certificate has another name, for which Leshan refuses it', async () => {
    const differing: (readonly string[])[] = [];
    const { error, heard } = await failing(
      'another-name',
      { uri, security: { ...own(), trustAnchors: anchors() } },
      (client) => client.events.on('certificateNameDiffers', ({ commonNames }) => void differing.push(commonNames)),
    );
    assert.deepEqual(differing, [['client']]);
    assert.deepEqual(heard, ['connected']);
    assert.match(error.message, /4\.\d\d/);
  });

  function deviceAt(endpoint: string, account: ServerAccount): LwM2mClient {
    const device = createDevice({ manufacturer: 'lwm2m-client', reboot: () => undefined });
    return createClient({ endpoint, objects: [device], servers: [{ ...account, lifetime: 120 }] });
  }

  /** @returns the suite agreed on */
  async function isManaged(endpoint: string, account: ServerAccount): Promise<number | undefined> {
    await using client = deviceAt(endpoint, account);
    const connected = client.events.next('connected');
    const registered = client.events.next('registered').then(() => undefined);
    const failed = client.events.next('registrationFailed').then(({ error }) => error);
    await client.start();
    assert.ifError(await Promise.race([registered, failed]));
    const registration = await leshan.registration(endpoint);
    assert.equal(registration?.secure, true);
    const { content, success } = await leshan.read(endpoint, '/3/0/0');
    assert.equal(success, true);
    assert.equal(content?.kind === 'singleResource' ? content.value : undefined, 'lwm2m-client');
    await client.stop();
    assert.equal(await leshan.registration(endpoint), undefined);
    return (await connected).negotiated?.ciphersuite;
  }

  /** The first failure, and what the device came to before it. */
  async function failing(
    endpoint: string,
    account: ServerAccount,
    prepare: (client: LwM2mClient) => unknown = () => undefined,
  ): Promise<{ readonly error: Error; readonly heard: readonly string[] }> {
    await using client = deviceAt(endpoint, account);
    const heard: string[] = [];
    for (const name of ['connected', 'registered'] as const) client.events.on(name, () => void heard.push(name));
    prepare(client);
    const failed = client.events.next('registrationFailed');
    await client.start();
    const { error } = await failed;
    assert.equal(await leshan.registration(endpoint), undefined);
    return { error, heard };
  }
});
