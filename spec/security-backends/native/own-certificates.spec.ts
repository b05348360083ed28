// Which of its certificates a client shows. Chains are those of spec/crypto/fixtures.

import assert from 'node:assert/strict';
import {
  type LoadedPrivateKey,
  type SignatureScheme,
  certificateChainFromArray,
  certificateChainFromBuffer,
  nodeProvider,
  parseCertificate,
  privateKeyEmpty,
  privateKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import type { CertificateSecurity } from '../../../lib/net/index.ts';
import { type Log, silentLog } from '../../../lib/runtime/index.ts';
import type { CertificateWish } from '../../../security-backends/native/connection.ts';
import {
  type CertificateIdentity,
  chooseIdentity,
  clientIdentities,
} from '../../../security-backends/native/own-certificates.ts';
import { certificateDer, keyPem } from '../../crypto/fixtures/fixtures.ts';

const certificates = (...names: readonly string[]) => names.map((name) => parseCertificate(certificateDer(name)));
const subject = (name: string): Uint8Array => parseCertificate(certificateDer(name)).subject.der;
const chainInfo = (...names: readonly string[]) =>
  certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));
const CLIENT_KEY = privateKeyFromBuffer(keyPem('client certificate key'));
const SERVER_KEY = privateKeyFromBuffer(keyPem('server certificate key'));

const stub = (algorithm: LoadedPrivateKey['algorithm'], ...schemes: SignatureScheme[]): LoadedPrivateKey => ({
  algorithm,
  schemes,
  publicKey: new Uint8Array(0),
  sign: () => new Uint8Array(0),
  close() {},
});
const identity = (key: LoadedPrivateKey, ...names: readonly string[]): CertificateIdentity => {
  const path = certificates(...names);
  return { key, path, chain: path.map(({ der }) => der) };
};
const EC = identity(stub({ name: 'ec-p256' }, 'ecdsa_secp256r1_sha256'), 'client', 'inter');
const RSA = identity(
  stub({ name: 'rsa', modulusBits: 2048 }, 'rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'),
  'rsa-server',
  'rsa-inter',
);

const WISH: CertificateWish = {
  certificateType: 'x509',
  schemes: ['ecdsa_secp256r1_sha256', 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha384'],
  algorithms: ['ec-p256', 'ec-p384', 'ed25519', 'rsa'],
  authorities: [],
  serverName: undefined,
};

function choose(identities: readonly CertificateIdentity[], wish: Partial<CertificateWish> = {}) {
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (...said: unknown[]) => void warned.push(`${said.at(-1)}`) };
  const chosen = chooseIdentity(identities, { ...WISH, ...wish }, log);
  return { chosen, warned };
}

describe('the certificate a client shows', () => {
  it('is the first that the request takes', () => {
    assert.equal(choose([EC, RSA]).chosen, EC);
    assert.equal(choose([RSA, EC]).chosen, RSA);
    assert.equal(choose([EC, RSA], { algorithms: ['rsa'] }).chosen, RSA);
    assert.equal(choose([RSA, EC], { schemes: ['ecdsa_secp256r1_sha256'] }).chosen, EC);
    assert.equal(choose([EC, RSA], { authorities: [subject('rsa-root')] }).chosen, RSA);
    assert.deepEqual(choose([EC, RSA]).warned, []);
  });

  it('is none where none fits, and the log says why', () => {
    const kinds = choose([EC], { schemes: ['rsa_pkcs1_sha256'], algorithms: ['rsa'] });
    assert.equal(kinds.chosen, undefined);
    assert.deepEqual(kinds.warned, [
      'no certificate of ours is shown: the server takes other kinds of keys or signature algorithms',
    ]);
    const names = choose([EC, RSA], { authorities: [subject('other-root')] });
    assert.equal(names.chosen, undefined);
    assert.deepEqual(names.warned, [
      'no certificate of ours is shown: none is issued below an authority that the server names',
    ]);
  });

  it('is none, without a word, where there is none', () => {
    assert.deepEqual(choose([]), { chosen: undefined, warned: [] });
  });
});

describe('certificates of a configuration', () => {
  const loading = { provider: nodeProvider };
  const security: CertificateSecurity = {
    mode: 'certificate',
    clientChain: chainInfo('client'),
    clientKey: CLIENT_KEY,
    clientCredentials: [{ chain: chainInfo('server', 'inter'), key: SERVER_KEY }],
  };
  const shown = (...names: readonly string[]) => names.map(certificateDer);

  it('are those of clientChain, then those of clientCredentials', () => {
    assert.deepEqual(
      clientIdentities(security, [], loading).map(({ chain }) => chain),
      [shown('client'), shown('server', 'inter')],
    );
    const { clientCredentials } = security;
    const alone = clientIdentities({ mode: 'certificate', clientCredentials }, [], loading);
    assert.deepEqual(
      alone.map(({ chain }) => chain),
      [shown('server', 'inter')],
    );
    assert.deepEqual(clientIdentities({ mode: 'certificate' }, [], loading), []);
  });

  it('are chosen by names above them too, as far as the trust anchors tell, but shown as they are', () => {
    const anchors = certificates('root', 'inter');
    const [client] = clientIdentities(security, anchors, loading);
    assert.deepEqual(client!.chain, shown('client'));
    assert.equal(choose([client!], { authorities: [subject('root')] }).chosen, client);
    const [unknown] = clientIdentities(security, [], loading);
    assert.equal(choose([unknown!], { authorities: [subject('root')] }).chosen, undefined);
  });

  it('are shown complete if asked for', () => {
    const anchors = certificates('root', 'inter');
    const [client] = clientIdentities({ ...security, rebuildClientChain: true }, anchors, loading);
    assert.deepEqual(client!.chain, shown('client', 'inter'));
  });

  it('are refused each by itself: a key of another certificate, half of a pair', () => {
    const refused = (more: Partial<CertificateSecurity>, code: string): void =>
      assert.throws(() => clientIdentities({ ...security, ...more }, [], loading), { code });
    refused({ clientCredentials: [{ chain: chainInfo('server'), key: CLIENT_KEY }] }, 'EINVAL');
    refused({ clientCredentials: [{ chain: chainInfo('server'), key: privateKeyEmpty() }] }, 'ENODATA');
    refused({ clientKey: SERVER_KEY }, 'EINVAL');
  });
});
