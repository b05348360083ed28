import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { concatBytes, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type FileSource,
  SecurityInfoError,
  type SecurityInfoErrorCode,
  certificateChainEmpty,
  certificateChainFromArray,
  certificateChainFromBuffer,
  certificateChainFromEngine,
  certificateChainFromFile,
  certificateChainFromList,
  certificateChainFromPath,
  certificateRevocationListFromArray,
  certificateRevocationListFromBuffer,
  certificateRevocationListFromPath,
  loadCertificateChain,
  loadCertificateRevocationLists,
  loadTrustAnchors,
} from '../../lib/crypto/index.ts';
import { silentLog } from '../../lib/runtime/index.ts';
import { certificateDer, keyPem, revocationListDer, toPem } from './fixtures/fixtures.ts';

const pem = (...names: string[]): string =>
  names.map((name) => toPem('CERTIFICATE', certificateDer(name))).join('# next\n');
const names = (all: readonly { subject: { commonNames: readonly string[] } }[]): (string | undefined)[] =>
  all.map(({ subject }) => subject.commonNames[0]);

const FILES: Readonly<Record<string, Uint8Array>> = {
  'store/README': utf8Encode('certificates of this device'),
  'store/inter.der': certificateDer('inter'),
  'store/key.pem': keyPem('p256 pkcs8'),
  'store/roots.pem': utf8Encode(pem('root', 'rsa-root')),
  'store/root-again.pem': utf8Encode(pem('root')),
  'empty/README': utf8Encode('nothing'),
  'lists/a.crl': revocationListDer('inter-crl'),
};
const files: FileSource = {
  read(path) {
    const bytes = FILES[path];
    if (bytes === undefined) throw new Error('ENOENT');
    return bytes.slice();
  },
  list(directory) {
    if (directory === 'gone') throw new Error('ENOENT');
    return Object.keys(FILES).filter((path) => path.startsWith(`${directory}/`));
  },
};

function refused(load: () => unknown, code: SecurityInfoErrorCode, message: RegExp): void {
  assert.throws(load, (error) => {
    assert.ok(error instanceof SecurityInfoError, `${error}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

describe('certificate chains', () => {
  it('come from buffers, as DER and as PEM with several blocks', () => {
    assert.deepEqual(names(loadCertificateChain(certificateChainFromBuffer(certificateDer('server')))), ['server']);
    const several = concatBytes(keyPem('p256 sec1 with parameters'), utf8Encode(pem('server', 'inter', 'root')));
    assert.deepEqual(names(loadCertificateChain(certificateChainFromBuffer(several))), ['server', 'inter', 'root']);
  });

  it('come from compounds in order: leaf, then CAs', () => {
    const cas = certificateChainFromList([
      certificateChainFromFile('store/inter.der'),
      certificateChainEmpty(),
      certificateChainFromArray([certificateChainFromBuffer(utf8Encode(pem('root')))]),
    ]);
    const chain = certificateChainFromArray([certificateChainFromBuffer(certificateDer('server')), cas]);
    assert.deepEqual(names(loadCertificateChain(chain, { files })), ['server', 'inter', 'root']);
    assert.deepEqual(loadCertificateChain(certificateChainEmpty()), []);
  });

  it('come from directories, with what is no certificate skipped and told', () => {
    const lines: string[] = [];
    const log = { ...silentLog, warn: (...args: unknown[]) => void lines.push(inspect(args)) };
    const store = certificateChainFromPath('store');
    assert.deepEqual(names(loadCertificateChain(store, { files, log })), ['inter', 'root', 'rsa-root', 'root']);
    assert.deepEqual(names(loadTrustAnchors(store, { files })), ['inter', 'root', 'rsa-root']);
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /store\/README/);
    assert.match(lines[1]!, /store\/key.pem.*1 blocks of other kinds/s);
    refused(() => loadCertificateChain(certificateChainFromPath('empty'), { files }), 'EINVAL', /none in 1 files/);
    refused(() => loadCertificateChain(certificateChainFromPath('gone'), { files }), 'EIO', /'gone' cannot be read/);
    refused(() => loadCertificateChain(store), 'ENOTSUP', /from path: expected a file source/);
  });

  it('come from engines', () => {
    const info = certificateChainFromEngine('slot:1');
    const engine = {
      privateKey: () => undefined,
      certificates: (query: string) => (query === 'slot:1' ? [certificateDer('server')] : undefined),
    };
    assert.deepEqual(names(loadCertificateChain(info, { engine })), ['server']);
    refused(() => loadCertificateChain(certificateChainFromEngine('x'), { engine }), 'ENODATA', /no such certificate/);
    refused(() => loadCertificateChain(info), 'ENOTSUP', /expected an engine with certificates, found none/);
  });

  it('are refused with the place and the field where they are malformed', () => {
    const broken = certificateDer('server').subarray(0, 100);
    const chain = certificateChainFromArray([
      certificateChainFromBuffer(certificateDer('server')),
      certificateChainFromBuffer(broken),
    ]);
    refused(
      () => loadCertificateChain(chain),
      'EINVAL',
      /^certificateChain from array\[1\]\.buffer: Certificate: expected/,
    );
    const third = pem('server', 'inter') + toPem('CERTIFICATE', broken);
    const several = certificateChainFromBuffer(utf8Encode(third));
    refused(() => loadCertificateChain(several), 'EINVAL', /^certificateChain from buffer: block 3 of 3: Certificate/);
    const none = certificateChainFromBuffer(keyPem('p256 sec1'));
    refused(() => loadCertificateChain(none), 'EINVAL', /expected a block with a certificate, found 1 blocks of other/);
    const server = certificateChainFromBuffer(certificateDer('server'));
    refused(() => loadCertificateChain(server, { maxCertificateLength: 99 }), 'EINVAL', /at most 99 bytes, found/);
    refused(() => loadCertificateChain(certificateChainFromBuffer(new Uint8Array(0))), 'EINVAL', /Certificate tag/);
  });
});

describe('revocation lists', () => {
  it('come from buffers and directories, several at once', () => {
    const text = utf8Encode(
      toPem('X509 CRL', revocationListDer('inter-crl')) + toPem('X509 CRL', revocationListDer('root-crl')),
    );
    const info = certificateRevocationListFromArray([
      certificateRevocationListFromBuffer(text),
      certificateRevocationListFromPath('lists'),
    ]);
    const lists = loadCertificateRevocationLists(info, { files });
    assert.deepEqual(
      lists.map(({ issuer }) => issuer.commonNames[0]),
      ['inter', 'root', 'inter'],
    );
    const wrong = certificateRevocationListFromBuffer(certificateDer('root'));
    refused(() => loadCertificateRevocationLists(wrong), 'EINVAL', /^certificateRevocationList from buffer: /);
    assert.equal(toHex(lists[0]!.der), toHex(revocationListDer('inter-crl')));
  });
});
