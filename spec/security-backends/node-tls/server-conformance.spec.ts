// Servers of node-tls and their sessions pass the cases of stream sockets, with clients of ours: with a pre-shared key and
// with certificates on both sides, in both versions.

import { socketCases } from '../../../lib/net/conformance/index.ts';
import { PSK, PSK_SERVER, SERVER, SHOWING, TLS_VERSIONS, tlsFixture } from './sockets.ts';

const KINDS = {
  'a pre-shared key': { client: PSK, server: PSK_SERVER },
  certificates: { client: SHOWING, server: SERVER },
};

describe('node-tls: conformance of servers', () => {
  for (const [name, security] of Object.entries(KINDS)) {
    for (const version of TLS_VERSIONS) {
      const fixture = tlsFixture(name, version, security);
      describe(fixture.name, () => {
        for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
      });
    }
  }
});
