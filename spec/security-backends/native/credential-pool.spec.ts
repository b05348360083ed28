import assert from 'node:assert/strict';
import {
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import { VirtualTime, SeededRandom, silentLog } from '../../../lib/runtime/index.ts';
import {
  CredentialPool,
  type CredentialPoolErrorCode,
  type CredentialPoolOptions,
} from '../../../security-backends/native/credential-pool.ts';
import { certificateDer, keyPem } from '../../crypto/fixtures/fixtures.ts';
import { holder } from './certificate-pair.ts';
import { bytes, psk } from './endpoints.ts';

const OWN = holder('ec-p256', 'own');
const RAW = { type: 'rawKey', privateKey: privateKeyFromBuffer(OWN.pkcs8) } as const;
const PEERS = { type: 'peerKeys', keys: rawPublicKeyFromBuffer(OWN.spki) } as const;

function pool(options: CredentialPoolOptions = {}): CredentialPool {
  const time = new VirtualTime();
  return new CredentialPool(options, { clock: time, timers: time, random: new SeededRandom(1), log: silentLog });
}

function hasCode(code: CredentialPoolErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Error && 'code' in error);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

describe('CredentialPool', () => {
  it('adds, lists, removes', () => {
    const credentials = pool();
    credentials.add(1, psk('one', 'a hint'));
    credentials.add(1, RAW);
    credentials.add(7, PEERS);
    credentials.add(0xffff, psk('two'));
    assert.equal(credentials.size, 4);
    assert.deepEqual(
      credentials.list().map(({ tag, type }) => [tag, type]),
      [
        [1, 'psk'],
        [1, 'rawKey'],
        [7, 'peerKeys'],
        [0xffff, 'psk'],
      ],
    );
    assert.deepEqual(credentials.list()[0], { tag: 1, type: 'psk', identity: bytes('one'), hint: bytes('a hint') });
    assert.equal(credentials.remove(1, 'psk'), true);
    assert.equal(credentials.remove(1, 'psk'), false);
    assert.equal(credentials.find(1, 'psk'), undefined);
    assert.ok(credentials.find(1, 'rawKey'));
    credentials.add(1, psk('again'));
    credentials.clear();
    assert.deepEqual([credentials.size, credentials.list()], [0, []]);
  });

  it('tag 0 is empty: nothing can be put there, nothing is found there', () => {
    const credentials = pool();
    assert.throws(() => credentials.add(0, psk()), /0, the empty tag/);
    assert.throws(() => credentials.add(0, psk()), hasCode('EINVAL'));
    assert.equal(credentials.find(0, 'psk'), undefined);
    assert.equal(credentials.remove(0, 'psk'), false);
  });

  it('refuses what is no tag', () => {
    const credentials = pool();
    for (const tag of [-1, 1.5, 65_536, Number.NaN])
      assert.throws(() => credentials.add(tag, psk()), hasCode('EINVAL'));
    assert.equal(credentials.size, 0);
  });

  it('the same tag and type twice is an error, and the first one stays', () => {
    const credentials = pool();
    credentials.add(3, psk('first'));
    assert.throws(() => credentials.add(3, psk('second')), hasCode('EEXIST'));
    assert.deepEqual(credentials.find(3, 'psk')?.psk.identity, bytes('first'));
    assert.equal(credentials.size, 1);
  });

  it('is bounded', () => {
    const credentials = pool({ maxCredentials: 2 });
    credentials.add(1, psk());
    credentials.add(2, psk());
    assert.throws(() => credentials.add(3, psk()), hasCode('ENOSPC'));
    credentials.remove(1, 'psk');
    credentials.add(3, psk());
  });

  it('copies: what the caller does with its arrays afterwards changes nothing', () => {
    const credentials = pool();
    const [identity, key, hint] = [bytes('mine'), bytes('a key of 16 byte'), bytes('hint')];
    const infos = { identity: pskIdentityFromBuffer(identity), key: pskKeyFromBuffer(key) };
    credentials.add(1, { type: 'psk', ...infos, hint });
    for (const array of [identity, key, hint]) array.fill(0);
    const found = credentials.find(1, 'psk');
    assert.deepEqual(found?.psk.identity, bytes('mine'));
    assert.deepEqual(found.psk.key.bytes, bytes('a key of 16 byte'));
    assert.deepEqual(found.hint, bytes('hint'));
    credentials.list()[0]!.identity!.fill(0);
    assert.deepEqual(credentials.find(1, 'psk')?.psk.identity, bytes('mine'));
  });

  it('zeroes keys on removal', () => {
    const credentials = pool();
    credentials.add(1, psk());
    const key = credentials.find(1, 'psk')!.psk.key.bytes;
    credentials.remove(1, 'psk');
    assert.ok(key.every((byte) => byte === 0));
  });

  it('tells what it cannot load or use, and stays as it was', () => {
    const credentials = pool();
    const chain = certificateChainFromBuffer(certificateDer('server'));
    const strange = privateKeyFromBuffer(OWN.pkcs8);
    const own = privateKeyFromBuffer(keyPem('server certificate key'));
    assert.throws(() => credentials.add(1, { type: 'certificate', chain, key: strange }), /private/i);
    assert.throws(() => credentials.add(1, { type: 'certificate', chain }), /private key/);
    assert.throws(() => credentials.add(1, { type: 'certificate', chain, key: own }), /trustAnchors/);
    assert.throws(() => credentials.add(1, { type: 'peerKeys', keys: rawPublicKeyFromBuffer(bytes('junk')) }));
    assert.throws(() => credentials.add(1, { type: 'psk', ...emptyPsk() }));
    assert.equal(credentials.size, 0);
    credentials.add(1, { type: 'certificate', chain, key: own, clientCertificate: 'none' });
    assert.ok(credentials.find(1, 'certificate')?.server);
  });

  it('says nothing secret when it is printed', () => {
    const credentials = pool();
    credentials.add(1, psk('one', undefined, 'secret secret secret'));
    assert.doesNotMatch(JSON.stringify(credentials.list()), /secret/);
    assert.doesNotMatch(JSON.stringify(credentials.find(1, 'psk')), /secret/);
  });
});

function emptyPsk(): { identity: ReturnType<typeof pskIdentityFromBuffer>; key: ReturnType<typeof pskKeyFromBuffer> } {
  return { identity: pskIdentityFromBuffer(bytes('x')), key: pskKeyFromBuffer(new Uint8Array(0)) };
}
