import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { toHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type FileSource,
  type PskKeyInfo,
  SecurityInfoError,
  type SecurityInfoErrorCode,
  certificateChainEmpty,
  certificateChainFromArray,
  certificateChainFromFile,
  certificateRevocationListFromPath,
  loadCertificateChain,
  loadCertificateRevocationLists,
  loadPrivateKey,
  loadPsk,
  loadPskIdentity,
  loadPskKey,
  privateKeyEmpty,
  privateKeyFromEngine,
  pskIdentityEmpty,
  pskIdentityFromBuffer,
  pskIdentityFromEngine,
  pskIdentityFromFile,
  pskKeyEmpty,
  pskKeyFromBuffer,
  pskKeyFromEngine,
  pskKeyFromFile,
} from '../../lib/crypto/index.ts';
import { type Log, silentLog } from '../../lib/runtime/index.ts';

/** Files in memory; what was handed out is kept, to see whether it was zeroed. */
function memoryFiles(files: Record<string, Uint8Array>): FileSource & { readonly given: Uint8Array[] } {
  const given: Uint8Array[] = [];
  return {
    given,
    read(path) {
      const bytes = files[path]?.slice();
      if (bytes === undefined) throw new Error(`ENOENT: no such file '${path}'`);
      given.push(bytes);
      return bytes;
    },
    list: () => Object.keys(files),
  };
}

function recordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const warn = (...args: unknown[]): void => void lines.push(inspect(args, { depth: 9 }));
  return { log: { ...silentLog, warn }, lines };
}

function refused(load: () => unknown, code: SecurityInfoErrorCode, message: RegExp): SecurityInfoError {
  let caught: unknown;
  try {
    load();
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof SecurityInfoError, 'expected a SecurityInfoError');
  assert.equal(caught.code, code);
  assert.match(caught.message, message);
  return caught;
}

describe('loadPskIdentity', () => {
  it('gives a copy of up to 128 bytes, and refuses 129', () => {
    const own = new Uint8Array(128).fill(0x41);
    const info = pskIdentityFromBuffer(own);
    const identity = loadPskIdentity(info)!;
    assert.deepEqual(identity, own);
    identity.fill(0);
    assert.deepEqual(loadPskIdentity(info), own);
    const error = refused(
      () => loadPskIdentity(pskIdentityFromBuffer(new Uint8Array(129))),
      'EINVAL',
      /^pskIdentity from buffer: PSK identity: expected at most 128 bytes, found 129$/,
    );
    assert.deepEqual([error.type, error.source, error.position], ['pskIdentity', 'buffer', 'buffer']);
    assert.equal(loadPskIdentity(pskIdentityFromBuffer(new Uint8Array(129)), { maxIdentityLength: 129 })?.length, 129);
    assert.equal(loadPskIdentity(pskIdentityFromBuffer(new Uint8Array(0)))?.length, 0);
  });

  it('takes a file as it is, less one line end', () => {
    const files = memoryFiles({
      plain: utf8Encode('urn:dev:1'),
      lf: utf8Encode('urn:dev:1\n'),
      crlf: utf8Encode('urn:dev:1\r\n'),
      two: utf8Encode('urn:dev:1\n\n'),
      cr: utf8Encode('urn:dev:1\r'),
      full: utf8Encode(`${'x'.repeat(128)}\r\n`),
    });
    const load = (path: string): string => toHex(loadPskIdentity(pskIdentityFromFile(path), { files })!);
    const plain = toHex(utf8Encode('urn:dev:1'));
    assert.deepEqual([load('plain'), load('lf'), load('crlf')], [plain, plain, plain]);
    assert.deepEqual([load('two'), load('cr')], [`${plain}0a`, `${plain}0d`]);
    assert.equal(load('full').length, 256);
  });

  it('gives nothing for empty, and refuses engines and the wrong type', () => {
    assert.equal(loadPskIdentity(pskIdentityEmpty()), undefined);
    refused(() => loadPskIdentity(pskIdentityFromEngine('tpm:1')), 'ENOTSUP', /^pskIdentity from engine: /);
    const key = JSON.parse('{"type":"pskKey","source":{"kind":"empty"}}') as ReturnType<typeof pskIdentityEmpty>;
    refused(() => loadPskIdentity(key), 'EINVAL', /expected the type pskIdentity, found pskKey/);
  });
});

describe('loadPskKey', () => {
  it('gives 1 to 64 bytes as a secret, and refuses none and 65 without showing them', () => {
    for (const length of [1, 15, 16, 63, 64]) {
      const bytes = new Uint8Array(length).fill(0xab);
      const secret = loadPskKey(pskKeyFromBuffer(bytes))!;
      assert.deepEqual(secret.bytes, bytes);
      secret.close();
    }
    for (const length of [0, 65, 1000]) {
      const info = pskKeyFromBuffer(new Uint8Array(length).fill(0xab));
      const error = refused(() => loadPskKey(info), 'EINVAL', new RegExp(`expected 1 to 64 bytes, found ${length}$`));
      assert.doesNotMatch(inspect(error), /abab|171/);
    }
    assert.equal(loadPskKey(pskKeyFromBuffer(new Uint8Array(65)), { maxKeyLength: 65 })?.length, 65);
  });

  it('leaves the info as it was when the secret is closed', () => {
    const info = pskKeyFromBuffer(new Uint8Array(16).fill(7));
    loadPskKey(info)!.close();
    assert.deepEqual(loadPskKey(info)!.bytes, new Uint8Array(16).fill(7));
  });

  it('warns under 16 bytes, with the length and never the value', () => {
    const { log, lines } = recordingLog();
    loadPskKey(pskKeyFromBuffer(new Uint8Array(16).fill(0xab)), { log });
    assert.equal(lines.length, 0);
    loadPskKey(pskKeyFromBuffer(new Uint8Array(15).fill(0xab)), { log });
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /bytes: 15/);
    assert.match(lines[0]!, /shorter than 16 bytes/);
    assert.doesNotMatch(lines[0]!, /171|abab/);
  });

  it('reads hex from a file whatever the case and white space, and zeroes what it read', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.array(fc.constantFrom('', ' ', '\n', '\r\n', '\t'), { minLength: 130, maxLength: 130 }),
        fc.boolean(),
        (key, spaces, upper) => {
          const digits = upper ? toHex(key).toUpperCase() : toHex(key);
          const text =
            digits
              .split('')
              .map((digit, i) => spaces[i]! + digit)
              .join('') + spaces[129]!;
          const files = memoryFiles({ key: utf8Encode(text) });
          const secret = loadPskKey(pskKeyFromFile('key'), { files })!;
          assert.deepEqual(secret.bytes, key);
          assert.ok(files.given[0]!.every((byte) => byte === 0));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('gives a key or a SecurityInfoError for any file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
        const files = memoryFiles({ key: content });
        try {
          assert.ok(loadPskKey(pskKeyFromFile('key'), { files })!.length > 0);
        } catch (error) {
          assert.ok(error instanceof SecurityInfoError && error.code === 'EINVAL');
        }
        assert.ok(files.given[0]!.every((byte) => byte === 0));
      }),
      { numRuns: 1000 },
    );
  });

  it('says where a key file goes wrong', () => {
    const files = memoryFiles({
      odd: utf8Encode('00112\n'),
      raw: Uint8Array.of(0x30, 0x31, 0x80),
      prefix: utf8Encode('0x0011'),
      blank: utf8Encode(' \n'),
      long: utf8Encode('00'.repeat(65)),
    });
    const load = (path: string) => () => loadPskKey(pskKeyFromFile(path), { files });
    refused(load('odd'), 'EINVAL', /^pskKey from file: PSK key file: expected an even number of hex digits, found 5$/);
    refused(load('raw'), 'EINVAL', /expected hex digits and white space, found another byte at offset 2$/);
    refused(load('prefix'), 'EINVAL', /at offset 1$/);
    refused(load('blank'), 'EINVAL', /expected 1 to 64 bytes, found 0$/);
    refused(load('long'), 'EINVAL', /expected 1 to 64 bytes, found 65$/);
    const missing = refused(load('nowhere'), 'EIO', /^pskKey from file: 'nowhere' cannot be read$/);
    assert.match(String(missing.cause), /ENOENT/);
    refused(() => loadPskKey(pskKeyFromFile('odd')), 'ENOTSUP', /expected a file source, found none/);
  });

  it('gives nothing for empty, and refuses engines and compounds', () => {
    assert.equal(loadPskKey(pskKeyEmpty()), undefined);
    refused(() => loadPskKey(pskKeyFromEngine('tpm:1')), 'ENOTSUP', /^pskKey from engine: this version does not load/);
    const compound: PskKeyInfo = { type: 'pskKey', source: { kind: 'array', elements: [pskKeyEmpty()] } };
    refused(() => loadPskKey(compound), 'ENOTSUP', /found array/);
  });
});

describe('loadPsk', () => {
  const identity = pskIdentityFromBuffer(utf8Encode('me'));
  const key = pskKeyFromBuffer(new Uint8Array(16).fill(1));

  it('gives both', () => {
    const psk = loadPsk({ identity, key });
    assert.deepEqual(psk.identity, utf8Encode('me'));
    assert.deepEqual(psk.key.bytes, new Uint8Array(16).fill(1));
    assert.doesNotMatch(inspect(psk.key) + JSON.stringify(psk.key), /1, 1|0101/);
  });

  it('needs both', () => {
    refused(() => loadPsk({ identity: pskIdentityEmpty(), key }), 'ENODATA', /^pskIdentity from empty: /);
    refused(() => loadPsk({ identity, key: pskKeyEmpty() }), 'ENODATA', /^pskKey from empty: /);
  });
});

describe('certificates, revocation lists, private keys and raw public keys', () => {
  it('load as nothing when empty', () => {
    assert.deepEqual(loadCertificateChain(certificateChainFromArray([certificateChainEmpty()])), []);
    assert.equal(loadPrivateKey(privateKeyEmpty()), undefined);
  });

  it('are ENOTSUP with their place where what they need is not given', () => {
    const chain = certificateChainFromArray([certificateChainEmpty(), certificateChainFromFile('x')]);
    refused(() => loadCertificateChain(chain), 'ENOTSUP', /^certificateChain from array\[1\]\.file: /);
    const lists = certificateRevocationListFromPath('crls');
    refused(() => loadCertificateRevocationLists(lists), 'ENOTSUP', /^certificateRevocationList from path/);
    refused(() => loadPrivateKey(privateKeyFromEngine('x')), 'ENOTSUP', /^privateKey from engine/);
  });
});
