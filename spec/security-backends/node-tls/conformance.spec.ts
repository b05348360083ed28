// TLS on node:tls passes the cases of a stream socket, in both versions, with a plain node:tls server at the other end.

import { socketCases } from '../../../lib/net/conformance/index.ts';
import { nodeTls } from '../../../security-backends/node-tls/index.ts';
import { tlsFixture } from './tls-fixture.ts';

describe('node-tls: conformance', () => {
  for (const version of ['TLS1.2', 'TLS1.3'] as const) {
    const fixture = tlsFixture(nodeTls, version);
    describe(fixture.name, () => {
      for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
    });
  }
});
