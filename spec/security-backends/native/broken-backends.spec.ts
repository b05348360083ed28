// Every case of the kit fails on a backend that breaks its rule: a case that cannot fail proves nothing.

import assert from 'node:assert/strict';
import { BACKEND_CASES } from '../../../lib/net/conformance/backend/index.ts';
import type { DatagramSocket, SecurityBackend } from '../../../lib/net/index.ts';
import { MemoryLiveSession } from '../../../lib/storage/index.ts';
import { type NativeDtlsOptions, nativeDtls } from '../../../security-backends/native/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';
import { BROKEN_BACKENDS, brokenBackendCases } from '../../net/broken-backends.ts';
import { loopbackPeer } from './loopback-peer.ts';

describe('conformance kit: broken backends fail their case', () => {
  const trial = {
    name: 'under trial',
    backend: (datagramSocket: NativeDtlsOptions['datagramSocket']): SecurityBackend<DatagramSocket> =>
      nativeDtls({ datagramSocket }),
    liveSession: () => new MemoryLiveSession(),
  };
  const untried = brokenBackendCases([
    { ...trial, peer: conformancePeer() },
    { ...trial, peer: loopbackPeer() },
  ]);

  it('every case has a broken backend, and every broken backend a case', () => {
    const names = BACKEND_CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, 'names are unique');
    assert.deepEqual(names.toSorted(), Object.keys(BROKEN_BACKENDS).toSorted());
    const overStreams = BACKEND_CASES.filter(({ transport }) => transport === 'stream').map(({ name }) => name);
    assert.deepEqual(untried, overStreams);
  });
});
