import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type CertificateChainInfo,
  type LeavesOptions,
  type SecurityInfo,
  SecurityInfoError,
  type SecurityInfoErrorCode,
  certificateChainEmpty,
  certificateChainFromArray,
  certificateChainFromEngine,
  certificateChainFromFile,
  certificateChainFromList,
  certificateChainFromPath,
  leaves,
  pskKeyFromFile,
  rawPublicKeyFromArray,
} from '../../lib/crypto/index.ts';

function refused(
  info: SecurityInfo,
  code: SecurityInfoErrorCode,
  message: RegExp,
  options?: LeavesOptions,
): SecurityInfoError {
  let caught: unknown;
  try {
    for (const leaf of leaves(info, options)) void leaf;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof SecurityInfoError, `expected a refusal of ${info.type}`);
  assert.equal(caught.code, code);
  assert.match(caught.message, message);
  assert.ok(caught.message.startsWith(`${caught.type} from ${caught.position}`));
  return caught;
}

const positions = (info: SecurityInfo): string[] => [...leaves(info)].map((leaf) => leaf.position);

describe('leaves', () => {
  it('gives a leaf as itself', () => {
    const info = pskKeyFromFile('key');
    assert.deepEqual([...leaves(info)], [{ type: 'pskKey', source: 'file', position: 'file', info }]);
  });

  it('flattens in order and says where each leaf lies', () => {
    const file = certificateChainFromFile('x');
    const nested = certificateChainFromArray([
      file,
      certificateChainFromArray([]),
      certificateChainFromList(new Set([file, certificateChainFromPath('d'), certificateChainFromArray([file])])),
      certificateChainFromEngine('q'),
    ]);
    assert.deepEqual(positions(nested), [
      'array[0].file',
      'array[2].list[0].file',
      'array[2].list[1].path',
      'array[2].list[2].array[0].file',
      'array[3].engine',
    ]);
  });

  it('flattens any tree to its leaves from left to right', () => {
    const leaf = fc.nat().map((n) => certificateChainFromFile(String(n)));
    const { tree } = fc.letrec<{ tree: CertificateChainInfo }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }).map((elements) => certificateChainFromArray(elements)),
        fc.array(tie('tree'), { maxLength: 4 }).map((elements) => certificateChainFromList(elements)),
      ),
    }));
    const paths = ({ source }: SecurityInfo): string[] => {
      if (source.kind === 'file') return [source.path];
      return 'elements' in source ? [...source.elements].flatMap(paths) : [];
    };
    fc.assert(
      fc.property(tree, (info) => {
        const found = [...leaves(info)].map((each) => (each.info.source.kind === 'file' ? each.info.source.path : ''));
        assert.deepEqual(found, paths(info));
      }),
      { numRuns: 1000 },
    );
  });

  it('consumes a list only as far as asked, and lets go of it', () => {
    let made = 0;
    let released = false;
    function* endless(): Generator<CertificateChainInfo> {
      try {
        for (;;) {
          made++;
          yield certificateChainEmpty();
        }
      } finally {
        released = true;
      }
    }
    const walk = leaves(certificateChainFromArray([certificateChainFromList(endless())]));
    assert.equal(made, 0);
    walk.next();
    walk.next();
    assert.equal(made, 2);
    walk.return();
    assert.ok(released);
  });

  it('refuses an endless list at its limit, and releases it', () => {
    let released = false;
    function* endless(): Generator<CertificateChainInfo> {
      try {
        for (;;) yield certificateChainEmpty();
      } finally {
        released = true;
      }
    }
    refused(certificateChainFromList(endless()), 'E2BIG', /at most 100 elements/, { maxElements: 100 });
    assert.ok(released);
    refused(certificateChainFromList(endless()), 'E2BIG', /at most 10000 elements/);
  });

  it('counts elements of all compounds together', () => {
    const pair = certificateChainFromArray([certificateChainEmpty(), certificateChainEmpty()]);
    const info = certificateChainFromArray([pair, pair]);
    assert.equal([...leaves(info, { maxElements: 6 })].length, 4);
    refused(info, 'E2BIG', /at most 5/, { maxElements: 5 });
  });

  it('allows 16 nested compounds and refuses 17', () => {
    let info = certificateChainEmpty();
    for (let depth = 0; depth < 16; depth++) info = certificateChainFromArray([info]);
    assert.equal([...leaves(info)].length, 1);
    refused(certificateChainFromArray([info]), 'E2BIG', /at most 16 nested/);
    refused(info, 'E2BIG', /at most 3 nested/, { maxDepth: 3 });
  });

  it('refuses a compound within itself, directly or further down, and allows the same one twice side by side', () => {
    const own: CertificateChainInfo[] = [];
    const direct: CertificateChainInfo = { type: 'certificateChain', source: { kind: 'array', elements: own } };
    own.push(certificateChainEmpty(), direct);
    assert.equal(refused(direct, 'ELOOP', /contains itself/).position, 'array[1].array');
    const list = new Set<CertificateChainInfo>();
    const outer = certificateChainFromList(list);
    list.add(certificateChainFromArray([certificateChainFromList(list)]));
    assert.equal(refused(outer, 'ELOOP', /contains itself/).position, 'list[0].array[0].list');
    const shared = certificateChainFromArray([certificateChainEmpty()]);
    assert.equal([...leaves(certificateChainFromArray([shared, shared]))].length, 2);
  });

  it('refuses compounds for private keys, PSK keys and identities', () => {
    for (const type of ['privateKey', 'pskKey', 'pskIdentity'] as const) {
      for (const kind of ['array', 'list'] as const) {
        const error = refused(
          { type, source: { kind, elements: [] } },
          'ENOTSUP',
          /expected one of the sources empty, file, buffer, engine/,
        );
        assert.deepEqual([error.type, error.source, error.position], [type, kind, kind]);
      }
    }
  });

  it('has directories only for certificates and revocation lists, and engines not for revocation lists', () => {
    for (const type of ['privateKey', 'pskKey', 'pskIdentity', 'rawPublicKey'] as const) {
      refused({ type, source: { kind: 'path', directory: '/tmp' } }, 'ENOTSUP', /found path/);
    }
    for (const type of ['certificateChain', 'certificateRevocationList'] as const) {
      assert.deepEqual(positions({ type, source: { kind: 'path', directory: '/tmp' } }), ['path']);
    }
    refused({ type: 'certificateRevocationList', source: { kind: 'engine', query: 'q' } }, 'ENOTSUP', /found engine/);
  });

  it('refuses an element of another type, named by its place', () => {
    const elements = [certificateChainEmpty(), pskKeyFromFile('key')];
    const mixed: SecurityInfo = { type: 'certificateChain', source: { kind: 'array', elements } };
    const error = refused(mixed, 'EINVAL', /expected elements of type certificateChain, found pskKey/);
    assert.equal(error.message.split(':')[0], 'certificateChain from array[1].file');
    refused(
      { type: 'rawPublicKey', source: { kind: 'list', elements: [rawPublicKeyFromArray([]), mixed] } },
      'EINVAL',
      /rawPublicKey from list\[1\]\.array: expected elements of type rawPublicKey, found certificateChain/,
    );
  });

  it('refuses kinds and types that do not exist', () => {
    const kind = JSON.parse('{"type":"pskKey","source":{"kind":"cloud"}}') as SecurityInfo;
    refused(kind, 'EINVAL', /found cloud/);
    const type = JSON.parse('{"type":"password","source":{"kind":"empty"}}') as SecurityInfo;
    refused(type, 'EINVAL', /expected one of the types/);
  });

  it('says which list could not be read, with its cause', () => {
    const cause = new Error('disk on fire');
    function* failing(): Generator<CertificateChainInfo> {
      yield certificateChainEmpty();
      throw cause;
    }
    const error = refused(certificateChainFromArray([certificateChainFromList(failing())]), 'EIO', /could not be read/);
    assert.equal(error.position, 'array[0].list');
    assert.equal(error.cause, cause);
    const noIterable = JSON.parse(
      '{"type":"certificateChain","source":{"kind":"array","elements":{}}}',
    ) as SecurityInfo;
    refused(noIterable, 'EIO', /could not be read/);
  });
});
