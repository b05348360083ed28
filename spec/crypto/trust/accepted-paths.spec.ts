import assert from 'node:assert/strict';
import { type Certificate, nodeProvider, parseCertificate, validatePath } from '../../../lib/crypto/index.ts';
import { unlessAccepted } from '../../../lib/crypto/trust/accepted-paths.ts';
import { FIXTURE_TIME, certificateDer } from '../fixtures/fixtures.ts';

const certificate = (name: string): Certificate => parseCertificate(certificateDer(name));

/** A path nobody else has: its one "certificate" has bytes of its own. */
const invented = (number: number): Certificate[] => [
  { ...certificate('root'), der: Uint8Array.of(number >> 8, number) },
];

describe('accepted paths', () => {
  it('are asked about once, by their bytes', async () => {
    let asked = 0;
    const ask = async (): Promise<void> => void asked++;
    await unlessAccepted(invented(1), ask);
    await unlessAccepted(invented(1), ask);
    assert.equal(asked, 1);
    await unlessAccepted([...invented(1), ...invented(1)], ask);
    assert.equal(asked, 2);
  });

  it('are not those that were refused', async () => {
    let asked = 0;
    const refuse = async (): Promise<void> => {
      asked++;
      throw new Error('refused');
    };
    await assert.rejects(unlessAccepted(invented(2), refuse));
    await assert.rejects(unlessAccepted(invented(2), refuse));
    assert.equal(asked, 2);
  });

  it('are forgotten when many others came', async () => {
    const asked: number[] = [];
    const meet = (number: number) => unlessAccepted(invented(number), async () => void asked.push(number));
    for (let number = 100; number < 132; number++) await meet(number);
    await meet(100);
    await meet(132); // 101 gives way, for 100 was met since
    asked.length = 0;
    await meet(100);
    await meet(101);
    assert.deepEqual(asked, [101]);
  });

  it('are held to our own rules each time', async () => {
    const request = {
      chain: [certificate('server'), certificate('inter')],
      anchors: [certificate('root')],
      time: FIXTURE_TIME,
      purpose: 'serverAuth',
      provider: nodeProvider,
    } as const;
    await validatePath(request);
    await assert.rejects(validatePath({ ...request, time: Date.UTC(2060, 0, 1) }), { reason: 'expired' });
    await assert.rejects(validatePath({ ...request, purpose: 'clientAuth' }), { reason: 'wrong-purpose' });
    const provider = { ...nodeProvider, verify: () => false };
    await assert.rejects(validatePath({ ...request, provider }), { reason: 'bad-signature' });
  });
});
