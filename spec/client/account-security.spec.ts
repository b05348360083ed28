// Accounts and the Security object say the same, and what they say decides the handshake.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  type DeviceTrust,
  LwM2mClient,
  LwM2mError,
  type ServerAccount,
  accountFromSecurity,
} from '../../lib/client/index.ts';
import { type SecurityResources, securityFromResources, securityResources } from '../../lib/client/account-security.ts';
import {
  certificateChainFromArray,
  certificateChainFromBuffer,
  certificateChainFromEngine,
  certificateChainFromFile,
  privateKeyFromBuffer,
  privateKeyFromFile,
  rawPublicKeyEmpty,
  rawPublicKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import { LwM2mServer, type OperationError } from '../../lib/server/index.ts';
import type { Security, ServerSecurity } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { createDevice } from '../../lib/objects/index.ts';
import { credential } from '../../examples/security-object/visit.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { securities } from '../../examples/security-object/servers.ts';
import { nodeFileSource } from '../../lib/crypto/node/index.ts';

const NONE = new Uint8Array(0);
const bytes = (name: string): Uint8Array => Uint8Array.from(readFileSync(credential(name)));
const der = (name: string): Uint8Array => Uint8Array.from(new X509Certificate(readFileSync(credential(name))).raw);
const spki = (name: string): Uint8Array =>
  Uint8Array.from(createPublicKey(readFileSync(credential(name))).export({ type: 'spki', format: 'der' }));
const pkcs8 = (name: string): Uint8Array =>
  Uint8Array.from(createPrivateKey(readFileSync(credential(name))).export({ type: 'pkcs8', format: 'der' }));
const hash = (name: string, data: Uint8Array): Uint8Array => Uint8Array.from(createHash(name).update(data).digest());
/** PKCS#8 may or may not carry the public key: node:crypto writes every key in one way. */
const normalized = (resources: SecurityResources): SecurityResources => {
  if (resources.securityMode === 0 || resources.secretKey.length === 0) return resources;
  const given = createPrivateKey({ key: Buffer.from(resources.secretKey), type: 'pkcs8', format: 'der' });
  const key = createPrivateKey({ key: given.export({ format: 'jwk' }), format: 'jwk' });
  return { ...resources, secretKey: Uint8Array.from(key.export({ type: 'pkcs8', format: 'der' })) };
};
const HASHES = ['sha256', 'sha384', 'sha512'] as const;

const own = {
  mode: 'certificate',
  clientChain: certificateChainFromBuffer(bytes('device.pem')),
  clientKey: privateKeyFromBuffer(bytes('device.key')),
} as const;
const CERTIFICATE: SecurityResources = {
  securityMode: 2,
  publicKeyOrIdentity: der('device.pem'),
  serverPublicKey: der('server.pem'),
  secretKey: pkcs8('device.key'),
};
const RAW_KEY: SecurityResources = {
  securityMode: 1,
  publicKeyOrIdentity: spki('device.pub'),
  serverPublicKey: spki('server.pub'),
  secretKey: pkcs8('device.key'),
};

describe('the security of an account', () => {
  describe('as resources of /0', () => {
    const resourcesOf = (security: Security | undefined, tls = {}): SecurityResources =>
      normalized(securityResources({ security, tls }));

    it('is NoSec without credentials', () => {
      assert.deepEqual(resourcesOf(undefined), {
        securityMode: 3,
        publicKeyOrIdentity: NONE,
        serverPublicKey: NONE,
        secretKey: NONE,
      });
    });

    it('has certificates and keys as DER, whatever they were, with usage and matching type', () => {
      const server = certificateChainFromBuffer(bytes('server.pem'));
      assert.deepEqual(resourcesOf({ ...own, serverCertificate: { certificate: server } }), {
        ...CERTIFICATE,
        matchingType: 0,
        certificateUsage: 3,
      });
      const digest = hash('sha384', der('server.pem'));
      const association = { usage: 1, selector: 'certificate', matching: 'sha384', data: digest } as const;
      const hashed = resourcesOf({ ...own, serverCertificate: association });
      assert.deepEqual([hashed.serverPublicKey, hashed.matchingType, hashed.certificateUsage], [digest, 2, 1]);
    });

    it('has usage 0 and nothing to compare with where path and name decide', () => {
      const { serverPublicKey, certificateUsage } = resourcesOf({ ...own, trustAnchors: own.clientChain });
      assert.deepEqual([serverPublicKey, certificateUsage], [NONE, 0]);
    });

    it("has raw public keys, or the hash of the server's", () => {
      const keys = {
        mode: 'rawPublicKey',
        publicKey: rawPublicKeyFromBuffer(bytes('device.pub')),
        privateKey: own.clientKey,
      } as const;
      assert.deepEqual(resourcesOf({ ...keys, serverKeys: rawPublicKeyFromBuffer(bytes('server.pub')) }), {
        ...RAW_KEY,
        matchingType: 0,
      });
      const data = hash('sha512', spki('server.pub'));
      const hashed = resourcesOf({
        ...keys,
        serverKeys: rawPublicKeyEmpty(),
        serverKeyHash: { matching: 'sha512', data },
      });
      assert.deepEqual([hashed.serverPublicKey, hashed.matchingType], [data, 3]);
    });

    it('has SNI and suites in their order', () => {
      const { sni, ciphersuites } = resourcesOf(own, { serverName: 'a.example', ciphersuites: [0xc0ae, 0xc02b] });
      assert.deepEqual([sni, ciphersuites], ['a.example', { 0: 0xc0ae, 1: 0xc02b }]);
    });

    it('has the first of an array, and nothing of files, engines or encrypted keys', () => {
      const array = certificateChainFromArray([own.clientChain, certificateChainFromFile('/no/such')]);
      assert.deepEqual(resourcesOf({ ...own, clientChain: array }).publicKeyOrIdentity, der('device.pem'));
      const elsewhere = resourcesOf({
        mode: 'certificate',
        clientChain: certificateChainFromEngine('x'),
        clientKey: privateKeyFromFile('/no/such'),
        serverCertificate: { certificate: certificateChainFromFile('/no/such') },
      });
      assert.deepEqual(
        [elsewhere.publicKeyOrIdentity, elsewhere.secretKey, elsewhere.serverPublicKey],
        [NONE, NONE, NONE],
      );
      const encrypted = privateKeyFromBuffer(bytes('device.key'), 'a password');
      assert.deepEqual(resourcesOf({ ...own, clientKey: encrypted }).secretKey, NONE);
    });
  });

  describe('from resources of /0', () => {
    it('says the same again', () => {
      for (const resources of [
        { ...CERTIFICATE, matchingType: 0, certificateUsage: 3 },
        {
          ...CERTIFICATE,
          matchingType: 0,
          certificateUsage: 2,
          sni: 'a.example',
          ciphersuites: { 0: 0xc0ae, 1: 0xc02b },
        },
        ...HASHES.map((name, at) => ({
          ...CERTIFICATE,
          serverPublicKey: hash(name, der('server.pem')),
          matchingType: at + 1,
          certificateUsage: 3,
        })),
        { ...CERTIFICATE, serverPublicKey: NONE, matchingType: 0, certificateUsage: 0 },
        { ...RAW_KEY, matchingType: 0 },
        ...HASHES.map((name, at) => ({
          ...RAW_KEY,
          serverPublicKey: hash(name, spki('server.pub')),
          matchingType: at + 1,
        })),
        {
          securityMode: 0,
          publicKeyOrIdentity: Uint8Array.of(1),
          serverPublicKey: NONE,
          secretKey: new Uint8Array(16),
        },
        { securityMode: 3, publicKeyOrIdentity: NONE, serverPublicKey: NONE, secretKey: NONE },
      ]) {
        assert.deepEqual(normalized(securityResources(securityFromResources(resources))), resources);
      }
    });

    it('takes suites by the number of their instance, not by their order in the object', () => {
      const { tls } = securityFromResources({ ...CERTIFICATE, ciphersuites: { 10: 3, 2: 1, 7: 2 } });
      assert.deepEqual(tls.ciphersuites, [1, 2, 3]);
    });

    it('takes absent usage for 3, and refuses 2 and 3 with nothing to compare with', () => {
      const association = (resources: SecurityResources, trust?: DeviceTrust) => {
        const { security } = securityFromResources(resources, trust);
        return security?.mode === 'certificate' ? security.serverCertificate : assert.fail();
      };
      assert.equal(association(CERTIFICATE)?.usage, 3);
      const account = (usage: number | undefined, trust?: DeviceTrust): ServerAccount =>
        accountFromSecurity(
          { ...CERTIFICATE, serverUri: 'coaps://h', serverPublicKey: NONE, certificateUsage: usage },
          { ...(trust === undefined ? {} : { trust }) },
        );
      const trust = { trustAnchors: certificateChainFromFile('ca.pem') };
      const dtls = nativeDtls({ datagramSocket: () => assert.fail('no socket is made') });
      const client = (server: ServerAccount): LwM2mClient =>
        new LwM2mClient({ endpoint: 'e', objects: [], servers: [server], backends: { dtls } });
      for (const usage of [undefined, 2, 3]) {
        assert.throws(() => client(account(usage, trust)), {
          code: 'ECONFIG',
          message: /serverCertificate.*nothing to compare/,
        });
      }
      for (const usage of [0, 1]) {
        assert.throws(() => client(account(usage)), { code: 'ECONFIG', message: /no server would be trusted/ });
        client(account(usage, trust));
      }
    });

    const wrong: readonly (readonly [string, SecurityResources, RegExp])[] = [
      ['EST', { ...CERTIFICATE, securityMode: 4 }, /\/0\/x\/2 Security Mode: expected 0 .*, found 4/],
      ['usage 4', { ...CERTIFICATE, certificateUsage: 4 }, /\/0\/x\/15 Certificate Usage: .*found 4/],
      ['matching type 4', { ...CERTIFICATE, matchingType: 4 }, /\/0\/x\/13 Matching Type: .*found 4/],
      [
        'a hash of another length',
        { ...CERTIFICATE, matchingType: 1 },
        /\/0\/x\/4 Server Public Key: expected 32 bytes/,
      ],
      ['a key hash of another length', { ...RAW_KEY, matchingType: 2 }, /\/0\/x\/4 .*48 bytes for sha384/],
      ['matching type 9 of a key', { ...RAW_KEY, matchingType: 9 }, /\/0\/x\/13 Matching Type: .*found 9/],
      ['no server key', { ...RAW_KEY, serverPublicKey: NONE }, /\/0\/x\/4 Server Public Key: expected bytes/],
      ['no key', { ...CERTIFICATE, securityMode: 0, secretKey: NONE }, /\/0\/x\/5 Secret Key: expected bytes/],
    ];
    for (const [name, resources, message] of wrong) {
      it(`names the resource: ${name}`, () => {
        assert.throws(() => securityFromResources(resources), { code: 'ECONFIG', message });
      });
    }

    it('is an account or an LwM2mError for any values', () => {
      const values = fc.record({
        securityMode: fc.integer({ min: 0, max: 5 }),
        publicKeyOrIdentity: fc.uint8Array({ maxLength: 70 }),
        serverPublicKey: fc.uint8Array({ maxLength: 70 }),
        secretKey: fc.uint8Array({ maxLength: 70 }),
        matchingType: fc.option(fc.integer({ min: -1, max: 4 }), { nil: undefined }),
        certificateUsage: fc.option(fc.integer({ min: -1, max: 4 }), { nil: undefined }),
        sni: fc.option(fc.string(), { nil: undefined }),
        ciphersuites: fc.option(fc.dictionary(fc.nat(70_000).map(String), fc.nat(0xffff)), { nil: undefined }),
      });
      fc.assert(
        fc.property(values, (resources) => {
          try {
            securityFromResources(resources);
          } catch (error) {
            assert.ok(error instanceof LwM2mError && error.code === 'ECONFIG');
            assert.match(error.message, /^\/0\/x\/\d+ /);
          }
        }),
        { numRuns: 1_000 },
      );
    });
  });

  describe('decides the handshake', () => {
    // Loaded when first needed, which takes time that the simulation does not see.
    // Loading takes real time, which virtual time does not wait for.
    before(() =>
      Promise.all([
        import('../../lib/crypto/trust/second-opinion.ts'),
        import('../../lib/crypto/trust/server-trust.ts'),
        import('../../lib/crypto/trust/certificate-usage.ts'),
      ]),
    );

    const lives: [string, SecurityResources, ServerSecurity['mode']][] = [
      ...HASHES.map((name, at): (typeof lives)[number] => [
        `usage 3 by ${name}`,
        { ...CERTIFICATE, serverPublicKey: hash(name, der('server.pem')), matchingType: at + 1 },
        'certificate',
      ]),
      ...HASHES.map((name, at): (typeof lives)[number] => [
        `raw public key by ${name}`,
        { ...RAW_KEY, serverPublicKey: hash(name, spki('server.pub')), matchingType: at + 1 },
        'rawPublicKey',
      ]),
      ['raw public key', RAW_KEY, 'rawPublicKey'],
      ['one suite', { ...CERTIFICATE, ciphersuites: { 0: 0xffff, 1: 0xcca9 } }, 'certificate'],
    ];
    for (const [name, resources, mode] of lives) {
      it(`registers and cannot be read at /0: ${name}`, async () => {
        const { time, server, client } = await scene(mode, resources, 'sensor-1');
        const connected = client.events.next('connected');
        const differing: unknown[] = [];
        client.events.on('certificateNameDiffers', (event) => void differing.push(event));
        await client.start();
        const { negotiated } = await time.run(connected);
        assert.equal(negotiated?.ciphersuite, resources.ciphersuites === undefined ? 0xc0ae : 0xcca9);
        await time.advance(1_000);
        const device = server.device('sensor-1')!;
        for (const path of ['/0', '/0/0', '/0/0/3', '/0/0/4', '/0/0/5']) {
          await assert.rejects(
            time.run(device.read(path)),
            ({ responseCode }: OperationError) => responseCode === 0x81,
          ); // 4.01
        }
        assert.deepEqual(differing, []);
        await time.run(client.stop());
        server.close();
      });
    }

    const refused: [string, SecurityResources, ServerSecurity['mode'], RegExp][] = [
      [
        'another certificate',
        { ...CERTIFICATE, serverPublicKey: der('stranger.pem') },
        'certificate',
        /bad_certificate.*no-match/,
      ],
      [
        'the hash of another',
        { ...CERTIFICATE, serverPublicKey: hash('sha256', der('stranger.pem')), matchingType: 1 },
        'certificate',
        /no-match/,
      ],
      ['another raw key', { ...RAW_KEY, serverPublicKey: spki('device.pub') }, 'rawPublicKey', /bad_certificate/],
      [
        'the hash of another raw key',
        { ...RAW_KEY, serverPublicKey: hash('sha256', spki('device.pub')), matchingType: 1 },
        'rawPublicKey',
        /bad_certificate/,
      ],
      [
        'usage 2 without the address in the certificate',
        { ...CERTIFICATE, serverPublicKey: der('ca.pem'), certificateUsage: 2 },
        'certificate',
        /wrong-host/,
      ],
    ];
    for (const [name, resources, mode, message] of refused) {
      it(`refuses ${name}`, async () => {
        const { time, server, client } = await scene(mode, resources, 'sensor-1');
        const failed = client.events.next('registrationFailed');
        await client.start();
        const { error } = await time.run(failed);
        assert.match(error.message, message);
        assert.equal(server.devices.length, 0);
        await time.run(client.stop());
        server.close();
      });
    }

    it('tells once, before anything is sent, that the certificate has another name than the endpoint', async () => {
      const { time, server, client, network } = await scene('certificate', CERTIFICATE, 'sensor-2');
      const told: unknown[] = [];
      client.events.on('certificateNameDiffers', ({ server: { uri }, ...rest }) => {
        assert.equal(network.traffic.sent, 0);
        told.push({ uri, ...rest });
      });
      const registered = client.events.next('registered');
      await client.start();
      await time.run(registered);
      assert.deepEqual(told, [{ uri: 'coaps://192.0.2.1', endpoint: 'sensor-2', commonNames: ['sensor-1'] }]);
      await time.run(client.stop());
      server.close();
    });
  });
});

/** A server that knows the device `sensor-1`, and a client with an account from the Security object. */
async function scene(mode: ServerSecurity['mode'], resources: SecurityResources, endpoint: string) {
  const time = new VirtualTime(Date.UTC(2030, 0, 1));
  const network = new SimulatedNetwork({ time });
  const backendOf = (host: string) =>
    nativeDtls({
      datagramSocket: (configuration, environment) => network.datagramSocket(host, configuration, environment),
      files: nodeFileSource(),
    });
  const security = Object.values(securities()).find((each) => each.mode === mode)!;
  const listener = backendOf('192.0.2.1').createServer({ security }, network.environment);
  await listener.bind('192.0.2.1', 5684);
  const server = new LwM2mServer({ environment: network.environment });
  server.serve(listener);
  const client = new LwM2mClient({
    endpoint,
    objects: [createDevice({ reboot: () => undefined })],
    servers: [
      accountFromSecurity({ ...resources, serverUri: 'coaps://192.0.2.1', shortServerId: 7 }, { lifetime: 600 }),
    ],
    backends: { dtls: backendOf('198.51.100.7') },
    environment: network.environment,
  });
  return { time, network, server, client };
}
