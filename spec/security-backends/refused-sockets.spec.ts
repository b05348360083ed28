// A socket that is refused after its key was loaded: nobody can dispose of it, so the key is zeroed at once.

import assert from 'node:assert/strict';
import { type CryptoProvider, type SigningKey, Secret, nodeProvider } from '../../lib/crypto/index.ts';
import type {
  DatagramSocket,
  SecurityBackend,
  SslConfiguration,
  StreamSocket,
  TlsaRecord,
} from '../../lib/net/index.ts';
import { udpSocket } from '../../lib/net/node/udp.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { opensslTls } from '../../security-backends/openssl/index.ts';
import { SHOWING } from './node-tls/sockets.ts';
import { MISSING } from './openssl/available.ts';

/** Keys that were read while `act` ran, and have not been zeroed. */
function leftOpen(act: () => void): readonly Secret[] {
  const own = Object.getOwnPropertyDescriptor(Secret.prototype, 'bytes')!;
  const read = new Set<Secret>();
  Object.defineProperty(Secret.prototype, 'bytes', {
    configurable: true,
    get(this: Secret) {
      read.add(this);
      return own.get!.call(this) as Uint8Array;
    },
  });
  try {
    act();
  } finally {
    Object.defineProperty(Secret.prototype, 'bytes', own);
  }
  assert.ok(read.size > 0, 'a key was read');
  return [...read].filter(({ length }) => length > 0);
}

const record: TlsaRecord = { usage: 3, selector: 0, matchingType: 1, associationData: new Uint8Array(32) };
const backends: (readonly [string, () => SecurityBackend<StreamSocket>])[] = [['node-tls', nodeTls]];
if (MISSING === undefined) backends.push(['openssl', opensslTls]);

for (const [name, make] of backends) {
  describe(`${name}: a socket that is refused`, () => {
    const create = (more: Partial<SslConfiguration>): StreamSocket =>
      make().createSocket({ security: SHOWING, ...more }, systemEnvironment());

    it('leaves no key: records without a use', () => {
      const refused = (): void => assert.throws(() => create({ daneTlsaRecords: [record] }), { code: 'ENOTSUP' });
      assert.deepEqual(leftOpen(refused), []);
    });

    it('leaves no key: an application that does not want our certificate', () => {
      const onOwnCertificate = (): never => {
        throw new RangeError('not this one');
      };
      const refused = (): void => assert.throws(() => create({ onOwnCertificate }), RangeError);
      assert.deepEqual(leftOpen(refused), []);
    });
  });
}

describe('native: a socket that is refused', () => {
  const open = new Set<SigningKey>();
  const provider: CryptoProvider = {
    ...nodeProvider,
    signingKey: (pkcs8) => {
      const key = nodeProvider.signingKey(pkcs8);
      const watched: SigningKey = {
        algorithm: key.algorithm,
        publicKey: () => key.publicKey(),
        sign: (...values) => key.sign(...values),
        destroy: () => {
          open.delete(watched);
          key.destroy();
        },
      };
      open.add(watched);
      return watched;
    },
  };
  const create = (more: Partial<SslConfiguration>): DatagramSocket =>
    nativeDtls({ datagramSocket: udpSocket, provider }).createSocket(
      { security: SHOWING, ...more },
      systemEnvironment(),
    );

  it('leaves no key, and one that is not has its key until it is disposed of', async () => {
    const onOwnCertificate = (): never => {
      throw new RangeError('not this one');
    };
    assert.throws(() => create({ onOwnCertificate }), RangeError);
    assert.throws(() => create({ daneTlsaRecords: [record] }), { code: 'ENOTSUP' });
    assert.equal(open.size, 0);
    const socket = create({});
    assert.equal(open.size, 1);
    await socket[Symbol.asyncDispose]();
    assert.equal(open.size, 0);
  });
});
