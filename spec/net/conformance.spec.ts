// Every socket of lib/net passes every case.

import { socketCases } from '../../lib/net/conformance/index.ts';
import { simulatedDatagrams, simulatedStreams, tcp, udp } from './fixtures.ts';

const FIXTURES = [
  () => simulatedDatagrams(),
  () => simulatedDatagrams('fd00::1:2'),
  () => simulatedStreams(),
  () => simulatedStreams('fd00::1:2'),
  () => udp(),
  () => udp('::1'),
  () => tcp(),
  () => tcp('::1'),
];

describe('net: conformance', () => {
  for (const make of FIXTURES) {
    const fixture = make();
    describe(fixture.name, () => {
      for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
    });
  }
});
