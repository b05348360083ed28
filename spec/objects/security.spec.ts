import assert from 'node:assert/strict';
import { utf8Encode } from '../../lib/bytes/index.ts';
import { Path } from '../../lib/model/index.ts';
import { SECURITY_MODES, createSecurity, noSecSecurity, pskSecurity } from '../../lib/objects/index.ts';

const key = Uint8Array.of(1, 2, 3, 4);
const psk = pskSecurity({ serverUri: 'coaps://example.com', identity: 'device-1', key, shortServerId: 101 });

describe('Security (object 0)', () => {
  it('describes an account with a pre-shared key, whose bytes are its own', () => {
    const security = createSecurity({ 0: psk });
    assert.deepEqual(
      [security[0].securityMode, security[0].bootstrapServer, security[0].shortServerId, security[0].secretKey],
      [SECURITY_MODES.psk, false, 101, key],
    );
    assert.deepEqual(security[0].publicKeyOrIdentity, utf8Encode('device-1'));
    assert.notEqual(security[0].secretKey, key);
  });

  it('describes a server without security, and a bootstrap server', () => {
    const security = createSecurity({ 0: noSecSecurity({ serverUri: 'coap://example.com' }) });
    assert.deepEqual([security[0].securityMode, security[0].bootstrapServer], [SECURITY_MODES.noSec, true]);
  });

  it('shows servers nothing, by instance, resource or write', () => {
    const security = createSecurity({ 0: psk });
    assert.deepEqual(security.read(Path.of(0, 0), 'server'), []);
    assert.deepEqual(security.read(Path.of(0), 'server'), []);
    for (const resource of security.resourceIds(0)) {
      const path = Path.of(0, 0, resource);
      assert.throws(() => security.read(path, 'server'), /cannot be read/);
      assert.throws(() => security.write(path, [{ path, value: 'x' }], 'replace', 'server'), /cannot be written/);
    }
    assert.throws(() => security.create(undefined, [], 'server'), /no new instances/);
    assert.throws(() => security.delete(0, 'server'), /cannot be deleted/);
  });

  it('takes accounts from bootstrap servers, which may leave out keys their mode does not use', () => {
    const security = createSecurity({});
    const path = Path.of(0, 1);
    const values = [
      { path: path.child(0), value: 'coap://example.com' },
      { path: path.child(1), value: false },
      { path: path.child(2), value: SECURITY_MODES.noSec },
      { path: path.child(10), value: 5 },
    ];
    assert.equal(security.create(1, values, 'bootstrap'), 1);
    assert.deepEqual(security[1]?.secretKey, new Uint8Array(0));
    security.delete(1, 'bootstrap');
    assert.deepEqual(security.instanceIds, []);
  });
});
