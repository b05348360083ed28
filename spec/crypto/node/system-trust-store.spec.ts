// The roots of the operating system: from Node where it tells, else from a bundle; what cannot be used is passed over.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { SecurityInfoError, loadSystemTrustAnchors } from '../../../lib/crypto/index.ts';
import { nodeSystemTrustStore } from '../../../lib/crypto/node/index.ts';
import { silentLog } from '../../../lib/runtime/index.ts';
import { certificateDer, toPem } from '../fixtures/fixtures.ts';

const asksNode = 'getCACertificates' in tls; // then files do not count

describe('the trust store of this system', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'system-trust-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('is the first bundle that is there, read once', function () {
    if (asksNode) return this.skip();
    const bundle = path.join(directory, 'bundle.pem');
    writeFileSync(
      bundle,
      ['root', 'rsa-root'].map((name) => toPem('CERTIFICATE', certificateDer(name))).join('# next\n'),
    );
    const systemTrustStore = nodeSystemTrustStore({ bundles: [path.join(directory, 'none.pem'), bundle] });
    const names = (): unknown => loadSystemTrustAnchors({ systemTrustStore }).map(({ der }) => der.length);
    const expected = [certificateDer('root').length, certificateDer('rsa-root').length];
    assert.deepEqual(names(), expected);
    rmSync(bundle);
    assert.deepEqual(names(), expected);
  });

  it('that is nowhere is told', function () {
    if (asksNode) return this.skip();
    const systemTrustStore = nodeSystemTrustStore({ bundles: [path.join(directory, 'none.pem')] });
    assert.throws(
      () => loadSystemTrustAnchors({ systemTrustStore }),
      (error) => error instanceof SecurityInfoError && error.code === 'EIO' && /trust store/.test(error.message),
    );
    assert.throws(() => loadSystemTrustAnchors(), { code: 'ENOTSUP' });
  });

  it('loses what is no certificate, with a line in the log, but not all', () => {
    const skipped: string[] = [];
    const log = { ...silentLog, debug: (_: object | string, message?: string) => void skipped.push(message ?? '') };
    const certificates = (): readonly Uint8Array[] => [Uint8Array.of(0x30, 0), certificateDer('root')];
    assert.equal(loadSystemTrustAnchors({ systemTrustStore: { certificates }, log }).length, 1);
    assert.deepEqual(skipped, ['a certificate of the system was skipped']);
    const systemTrustStore = { certificates: () => [Uint8Array.of(0x30, 0)] };
    assert.throws(() => loadSystemTrustAnchors({ systemTrustStore }), { code: 'ENODATA' });
  });

  it('of this very machine, where it has one, is understood', function () {
    try {
      assert.ok(loadSystemTrustAnchors({ systemTrustStore: nodeSystemTrustStore() }).length > 20);
    } catch (error) {
      if (!(error instanceof SecurityInfoError) || error.code !== 'EIO') throw error;
      this.skip(); // a bare container has none
    }
  });
});
