import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import * as room from '../../lib/crypto/index.ts';
import type { SecurityInfo } from '../../lib/crypto/index.ts';

const bytes = Uint8Array.of(0xc0, 0xff, 0xee);

const CASES: readonly [SecurityInfo, string, string][] = [
  [room.certificateChainEmpty(), 'certificateChain', 'empty'],
  [room.certificateChainFromFile('a.pem'), 'certificateChain', 'file'],
  [room.certificateChainFromPath('/etc/ssl/certs'), 'certificateChain', 'path'],
  [room.certificateChainFromBuffer(bytes), 'certificateChain', 'buffer'],
  [room.certificateChainFromArray([room.certificateChainEmpty()]), 'certificateChain', 'array'],
  [room.certificateChainFromList(new Set([room.certificateChainEmpty()])), 'certificateChain', 'list'],
  [room.certificateChainFromEngine('pkcs11:object=x'), 'certificateChain', 'engine'],
  [room.privateKeyEmpty(), 'privateKey', 'empty'],
  [room.privateKeyFromFile('a.key', 'swordfish'), 'privateKey', 'file'],
  [room.privateKeyFromBuffer(bytes, 'swordfish'), 'privateKey', 'buffer'],
  [room.privateKeyFromEngine('pkcs11:object=x'), 'privateKey', 'engine'],
  [room.certificateRevocationListEmpty(), 'certificateRevocationList', 'empty'],
  [room.certificateRevocationListFromFile('a.crl'), 'certificateRevocationList', 'file'],
  [room.certificateRevocationListFromPath('crls'), 'certificateRevocationList', 'path'],
  [room.certificateRevocationListFromBuffer(bytes), 'certificateRevocationList', 'buffer'],
  [room.certificateRevocationListFromArray([]), 'certificateRevocationList', 'array'],
  [room.certificateRevocationListFromList([]), 'certificateRevocationList', 'list'],
  [room.pskIdentityEmpty(), 'pskIdentity', 'empty'],
  [room.pskIdentityFromFile('identity'), 'pskIdentity', 'file'],
  [room.pskIdentityFromBuffer(bytes), 'pskIdentity', 'buffer'],
  [room.pskIdentityFromEngine('tpm:1'), 'pskIdentity', 'engine'],
  [room.pskKeyEmpty(), 'pskKey', 'empty'],
  [room.pskKeyFromFile('key'), 'pskKey', 'file'],
  [room.pskKeyFromBuffer(bytes), 'pskKey', 'buffer'],
  [room.pskKeyFromEngine('tpm:1'), 'pskKey', 'engine'],
  [room.rawPublicKeyEmpty(), 'rawPublicKey', 'empty'],
  [room.rawPublicKeyFromFile('key.pub'), 'rawPublicKey', 'file'],
  [room.rawPublicKeyFromBuffer(bytes), 'rawPublicKey', 'buffer'],
  [room.rawPublicKeyFromArray([]), 'rawPublicKey', 'array'],
  [room.rawPublicKeyFromList([]), 'rawPublicKey', 'list'],
  [room.rawPublicKeyFromEngine('tpm:1'), 'rawPublicKey', 'engine'],
];

describe('security info constructors', () => {
  it('make the type and source of their name, and every one is in this list', () => {
    for (const [info, type, kind] of CASES) {
      assert.equal(info.type, type);
      assert.equal(info.source.kind, kind);
      assert.ok(Object.isFrozen(info) && Object.isFrozen(info.source));
    }
    const exported = Object.keys(room).filter((name) =>
      /^(certificate|privateKey|psk|rawPublicKey).*(From\w+|Empty)$/.test(name),
    );
    const listed = CASES.map(([, type, kind]) =>
      kind === 'empty' ? `${type}Empty` : `${type}From${kind[0]!.toUpperCase()}${kind.slice(1)}`,
    );
    assert.deepEqual(exported.sort(), listed.sort());
  });

  it('copy bytes and arrays', () => {
    const own = Uint8Array.of(1, 2, 3);
    const info = room.pskKeyFromBuffer(own);
    own.fill(0);
    assert.ok(info.source.kind === 'buffer');
    assert.deepEqual(info.source.bytes, Uint8Array.of(1, 2, 3));
    const buffer = Buffer.from([1, 2, 3]);
    const fromBuffer = room.pskKeyFromBuffer(buffer);
    buffer.fill(0);
    assert.deepEqual(fromBuffer.source, info.source);
    const elements = [room.certificateChainEmpty()];
    const chain = room.certificateChainFromArray(elements);
    elements.push(room.certificateChainEmpty());
    assert.ok(chain.source.kind === 'array');
    assert.equal(chain.source.elements.length, 1);
  });

  it('do not show keys and passwords when printed', () => {
    for (const info of [
      room.pskKeyFromBuffer(bytes),
      room.privateKeyFromBuffer(bytes, 'swordfish'),
      room.privateKeyFromFile('a.key', 'swordfish'),
    ]) {
      for (const text of [inspect(info, { depth: 9 }), JSON.stringify(info)]) {
        assert.doesNotMatch(text, /192|c0|swordfish/i);
      }
    }
    const key = room.privateKeyFromFile('a.key', 'swordfish');
    assert.ok(key.source.kind === 'file');
    assert.equal(key.source.password, 'swordfish');
  });
});
