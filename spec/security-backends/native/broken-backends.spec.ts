// Every case of the kit fails on a backend that breaks its rule: a case that cannot fail proves nothing.

import assert from 'node:assert/strict';
import {
  BACKEND_CASES,
  type BackendCase,
  ConformanceError,
  type ConformancePeer,
  backendCases,
} from '../../../lib/net/conformance/backend/index.ts';
import { type DatagramSocket, type SecurityBackend, SocketError } from '../../../lib/net/index.ts';
import { MemoryLiveSession } from '../../../lib/storage/index.ts';
import { nativeDtls } from '../../../security-backends/native/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';
import { BROKEN_BACKENDS, brokenBackend } from './broken-backends.ts';
import { loopbackPeer } from './loopback-peer.ts';

type Backend = (rawSocket: ConformancePeer<DatagramSocket>['rawSocket']) => SecurityBackend<DatagramSocket>;

const good: Backend = (rawSocket) => nativeDtls({ datagramSocket: rawSocket });

function caseNamed(name: string, peer: ConformancePeer<DatagramSocket>, backend: Backend): BackendCase {
  const found = backendCases({ name: 'under trial', peer, backend, liveSession: () => new MemoryLiveSession() }).find(
    (each) => each.name === name,
  );
  assert.ok(found, `no case is called "${name}"`);
  return found;
}

describe('conformance kit: broken backends fail their case', () => {
  it('every case has a broken backend, and every broken backend a case', () => {
    const names = BACKEND_CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, 'names are unique');
    assert.deepEqual(names.toSorted(), Object.keys(BROKEN_BACKENDS).toSorted());
  });

  for (const { name } of BACKEND_CASES) {
    it(name, async () => {
      const simulated = conformancePeer();
      const peer = caseNamed(name, simulated, good).skipped === undefined ? simulated : loopbackPeer();
      await caseNamed(name, peer, good).run();
      const failing = caseNamed(name, peer, (rawSocket) => brokenBackend(rawSocket, BROKEN_BACKENDS[name] ?? {}));
      await assert.rejects(
        () => failing.run(),
        (error) => error instanceof ConformanceError || error instanceof SocketError,
        `the broken backend passes "${name}"`,
      );
    });
  }
});
