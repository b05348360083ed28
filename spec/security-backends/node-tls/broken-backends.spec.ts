// The cases that streams have too fail on a broken backend over streams.

import assert from 'node:assert/strict';
import { BACKEND_CASES } from '../../../lib/net/conformance/backend/index.ts';
import type { SecurityBackend, StreamSocket } from '../../../lib/net/index.ts';
import { type NodeTlsOptions, nodeTls } from '../../../security-backends/node-tls/index.ts';
import { conformancePeer } from '../../../security-backends/node-tls/conformance-peer.ts';
import { brokenBackendCases } from '../../net/broken-backends.ts';
import { tlsPeer } from './tls-peer.ts';

describe('conformance kit: broken backends over streams fail their case', () => {
  const trial = {
    name: 'under trial',
    backend: (streamSocket: NodeTlsOptions['streamSocket']): SecurityBackend<StreamSocket> => nodeTls({ streamSocket }),
  };
  const untried = brokenBackendCases([
    { ...trial, peer: tlsPeer() },
    { ...trial, peer: conformancePeer() },
  ]);

  it('what is not tried over streams is of datagrams, raw public keys, alerts of our choice, or an exception', () => {
    const over = BACKEND_CASES.filter(({ transport, needs = [] }) => {
      return transport !== 'datagram' && !needs.includes('rawPublicKey') && !needs.includes('alerts');
    });
    const expected = over.map(({ name }) => name).filter((name) => untried.includes(name));
    assert.deepEqual(expected, []);
  });
});
