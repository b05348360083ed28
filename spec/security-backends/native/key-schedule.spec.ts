import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { fromHex, toHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { CIPHERSUITES } from '../../../security-backends/native/ciphersuites.ts';
import * as schedule from '../../../security-backends/native/key-schedule.ts';

// Written a second time, straight from RFC 5246 §5 and with node:crypto alone.
function referencePrf(
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
  hash: string = 'sha256',
): Uint8Array {
  const hmac = (data: Uint8Array): Buffer => createHmac(hash, secret).update(data).digest();
  const labelled = Buffer.concat([Buffer.from(label, 'latin1'), seed]);
  const blocks: Buffer[] = [];
  let a: Uint8Array = labelled;
  for (let size = 0; size < length; size += hash === 'sha256' ? 32 : 48) {
    a = hmac(a);
    blocks.push(hmac(Buffer.concat([a, labelled])));
  }
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
}

const client = Uint8Array.from({ length: 32 }, (_, at) => at);
const server = Uint8Array.from({ length: 32 }, (_, at) => 0xff - at);
const randoms = { client, server };

describe('key schedule', () => {
  it('builds the premaster of RFC 4279 §2: length, zeros, length, key', () => {
    assert.equal(toHex(schedule.pskPremasterSecret(fromHex('aabbcc'))), '0003' + '000000' + '0003' + 'aabbcc');
  });

  it('puts another secret in place of the zeros', () => {
    assert.equal(toHex(schedule.premasterSecret(fromHex('0102'), fromHex('aa'))), '0002' + '0102' + '0001' + 'aa');
  });

  it('derives what an independent computation derives', () => {
    const premaster = schedule.pskPremasterSecret(fromHex('000102030405060708090a0b0c0d0e0f'));
    const master = schedule.masterSecret(nodeProvider, 'sha256', premaster, randoms);
    assert.deepEqual(master, referencePrf(premaster, 'master secret', Buffer.concat([client, server]), 48));
    const extended = schedule.extendedMasterSecret(nodeProvider, 'sha256', premaster, server);
    assert.deepEqual(extended, referencePrf(premaster, 'extended master secret', server, 48));
    const verify = schedule.verifyData(nodeProvider, 'sha256', master, 'server', client);
    assert.deepEqual(verify, referencePrf(master, 'server finished', client, 12));
  });

  it('cuts the key block into MAC keys, keys and nonces, each of the client first', () => {
    const master = new Uint8Array(48).fill(7);
    for (const suite of CIPHERSUITES) {
      const length = 2 * (suite.macKeyBytes + suite.keyBytes + suite.fixedNonceBytes);
      const block = referencePrf(master, 'key expansion', Buffer.concat([server, client]), length, suite.prf);
      const keys = schedule.recordKeys(nodeProvider, suite, master, randoms);
      const parts = [
        keys.client.macKey,
        keys.server.macKey,
        keys.client.key,
        keys.server.key,
        keys.client.fixedNonce,
        keys.server.fixedNonce,
      ];
      assert.equal(parts.map(toHex).join(''), toHex(block));
      assert.deepEqual(
        parts.map(({ length }) => length),
        [suite.macKeyBytes, suite.keyBytes, suite.fixedNonceBytes].flatMap((each) => [each, each]),
      );
      keys.destroy();
      assert.ok(parts.every((part) => part.every((byte) => byte === 0)));
    }
  });

  it('writes the key log line of NSS, and only if asked', () => {
    const lines: string[] = [];
    schedule.logMasterSecret((line) => lines.push(line), client, new Uint8Array(48).fill(0xab));
    schedule.logMasterSecret(undefined, client, new Uint8Array(48));
    assert.deepEqual(lines, [`CLIENT_RANDOM ${toHex(client)} ${'ab'.repeat(48)}`]);
  });
});
