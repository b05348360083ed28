// What others leave in OpenSSL's queue of errors must not be taken for an error of a key.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import { nodeProvider } from '../../../lib/crypto/index.ts';

const ERR_LIB_EVP = 6;
const EVP_R_BAD_DECRYPT = 100;

/** Leaves an error in the queue of the OpenSSL that Node itself was built with; undefined where Node does not export it. */
function leaver(): (() => void) | undefined {
  try {
    const node = (createRequire(import.meta.url)('koffi') as typeof koffiModule).load(null);
    const make = node.func('void ERR_new()') as () => void;
    const set = node.func('void ERR_set_error(int library, int reason, void *)') as (...values: unknown[]) => void;
    return () => {
      make();
      set(ERR_LIB_EVP, EVP_R_BAD_DECRYPT, null);
    };
  } catch {
    return undefined;
  }
}

describe('private keys beside errors of others', () => {
  const leave = leaver();
  for (const curve of ['P-256', 'P-384'] as const) {
    it(`${curve}: an error in OpenSSL's queue is not the key's`, function () {
      if (leave === undefined) return this.skip();
      const pair = generateKeyPairSync('ec', { namedCurve: curve });
      const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
      const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
      leave();
      leave();
      assert.deepEqual(Buffer.from(nodeProvider.signingKey(pkcs8).publicKey()), spki);
    });
  }

  it('what is no key is refused however often it is tried', () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'der' });
    assert.throws(() => nodeProvider.signingKey(key.subarray(0, -1)), /PKCS#8/);
  });
});
