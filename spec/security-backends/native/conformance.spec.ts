// The native backend passes every case of a datagram socket, in virtual time and on the host's loopback.

import { socketCases } from '../../../lib/net/conformance/index.ts';
import { simulatedDtls, udpDtls } from './sockets.ts';

describe('native DTLS: conformance', () => {
  for (const fixture of [simulatedDtls(), udpDtls('127.0.0.1'), udpDtls('::1')]) {
    describe(fixture.name, () => {
      for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
    });
  }
});
