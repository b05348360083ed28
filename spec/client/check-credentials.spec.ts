import assert from 'node:assert/strict';
import { checkCredentials } from '../../lib/client/check-credentials.ts';
import {
  certificateChainEmpty,
  certificateChainFromFile,
  privateKeyEmpty,
  privateKeyFromFile,
} from '../../lib/crypto/index.ts';
import type { CertificateSecurity } from '../../lib/net/index.ts';

const chain = certificateChainFromFile('device.pem');
const key = privateKeyFromFile('device.key');
const trustAnchors = certificateChainFromFile('root.pem');

describe('certificates of an account', () => {
  const check = (more: Partial<CertificateSecurity>): void =>
    checkCredentials({ mode: 'certificate', trustAnchors, ...more }, 'servers[0].security');
  const refused = (more: Partial<CertificateSecurity>, message: RegExp): void =>
    assert.throws(() => check(more), { code: 'ECONFIG', message });

  it('are none, one or several', () => {
    check({});
    check({ clientChain: chain, clientKey: key });
    check({ clientCredentials: [{ chain, key }] });
    check({ clientChain: chain, clientKey: key, clientCredentials: [{ chain, key }] });
  });

  it('come with their key each, and the message says which does not', () => {
    refused({ clientChain: chain }, /servers\[0\]\.security\.clientKey: expected it beside clientChain/);
    refused(
      {
        clientCredentials: [
          { chain, key },
          { chain, key: privateKeyEmpty() },
        ],
      },
      /servers\[0\]\.security\.clientCredentials\[1\]\.key: expected it beside chain/,
    );
    refused(
      { clientCredentials: [{ chain: certificateChainEmpty(), key }] },
      /clientCredentials\[0\]\.chain: expected/,
    );
  });

  it('are never trusted without anything to judge the server by', () => {
    assert.throws(() => checkCredentials({ mode: 'certificate' }, 'security'), { code: 'ECONFIG', message: /trusted/ });
  });
});
