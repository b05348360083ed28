import assert from 'node:assert/strict';
import type { TlsCommonConfiguration } from '../../../lib/net/index.ts';
import { nodeProvider } from '../../../lib/crypto/index.ts';
import { UNBOUNDED, milliseconds, seconds, silentLog } from '../../../lib/runtime/index.ts';
import { checkCount, checkHandshakeTimeouts, dtlsSettings } from '../../../security-backends/native/configuration.ts';

const DEFAULT_SUITES = [0xc0a8, 0x00a8, 0xc0a4, 0x00a9, 0xc0a5, 0xc0a9];

describe('DTLS settings', () => {
  it('have the defaults of the RFCs', () => {
    assert.deepEqual(dtlsSettings({}, 'psk', nodeProvider, silentLog), {
      credential: 'psk',
      ciphersuites: DEFAULT_SUITES,
      alpn: [],
      recordSizeLimit: undefined,
      extendedMasterSecret: 'require',
      handshakeTimeouts: { min: seconds(1), max: seconds(60) },
      handshakeTries: 7,
      keyLog: undefined,
      connectionIds: undefined,
    });
  });

  it('ignore unknown and repeated cipher suites, and keep the order asked for', () => {
    const { ciphersuites } = dtlsSettings(
      { ciphersuites: [0x1301, 0x00a8, 0xc0a8, 0x00a8] },
      'psk',
      nodeProvider,
      silentLog,
    );
    assert.deepEqual(ciphersuites, [0x00a8, 0xc0a8]);
  });

  it('refuse when no cipher suite is left, naming what was offered and what there is', () => {
    const call = (): unknown => dtlsSettings({ ciphersuites: [0x1301, 0xc02b] }, 'psk', nodeProvider, silentLog);
    assert.throws(call, {
      code: 'ENOTSUP',
      message: /offered 0x1301, 0xC02B, supported with security.mode psk 0xC0A8, 0x00A8/,
    });
    assert.throws(() => dtlsSettings({ ciphersuites: [] }, 'psk', nodeProvider, silentLog), {
      message: /offered none/,
    });
  });

  it('refuse when no version is left', () => {
    assert.throws(() => dtlsSettings({ versions: ['DTLS1.3', 'TLS1.2'] }, 'psk', nodeProvider, silentLog), {
      code: 'ENOTSUP',
      message: /expected one of DTLS1.2, found DTLS1.3, TLS1.2/,
    });
    assert.ok(dtlsSettings({ versions: ['DTLS1.3', 'DTLS1.2'] }, 'psk', nodeProvider, silentLog));
  });

  it('copy handshake time-outs, and refuse what cannot be waited for', () => {
    const given = { min: seconds(2), max: seconds(9) };
    const taken = checkHandshakeTimeouts(given);
    given.min = seconds(5);
    assert.equal(taken.min, seconds(2));
    for (const wrong of [
      { min: milliseconds(0), max: seconds(1) },
      { min: seconds(2), max: seconds(1) },
      { min: seconds(1), max: UNBOUNDED },
      { min: Number.NaN as typeof taken.min, max: seconds(1) },
    ]) {
      assert.throws(() => checkHandshakeTimeouts(wrong), { code: 'EINVAL', message: /dtlsHandshakeTimeouts/ });
    }
  });

  it('refuse counts out of range by name', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, 256]) {
      assert.throws(() => checkCount('handshakeTries', wrong, 255), { code: 'EINVAL', message: /handshakeTries/ });
    }
    assert.equal(checkCount('handshakeTries', 255, 255), 255);
  });

  it('survive a key log that fails', () => {
    const { keyLog } = dtlsSettings(
      {
        dangerKeyLog: () => {
          throw new Error('disk full');
        },
      },
      'psk',
      nodeProvider,
      silentLog,
    );
    assert.doesNotThrow(() => keyLog?.('CLIENT_RANDOM 00 00'));
  });

  it('have ids of the lengths asked for, or of none for clients and six bytes for servers', () => {
    const idsOf = (connectionId: TlsCommonConfiguration['connectionId']): unknown =>
      dtlsSettings({ connectionId }, 'psk', nodeProvider, silentLog).connectionIds;
    assert.equal(idsOf(false), undefined);
    assert.deepEqual(idsOf(true), { lengths: { client: 0, server: 6 }, padding: 1 });
    assert.deepEqual(idsOf({ length: 8, padding: 16 }), { lengths: { client: 8, server: 8 }, padding: 16 });
    for (const bad of [{ length: 33 }, { length: -1 }, { length: 1.5 }, { padding: 0 }, { padding: 257 }]) {
      assert.throws(() => idsOf(bad), { code: 'EINVAL', message: /connectionId/ });
    }
  });
});
