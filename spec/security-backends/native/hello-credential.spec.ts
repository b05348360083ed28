import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../../lib/bytes/index.ts';
import type { Credential } from '../../../security-backends/native/ciphersuites.ts';
import { EXTENSION_TYPE, type Extension } from '../../../security-backends/native/extensions.ts';
import type { ClientHello } from '../../../security-backends/native/handshake-messages.ts';
import { credentialFor } from '../../../security-backends/native/hello-credential.ts';

const [PSK_CCM_8, PSK_GCM, ECDSA_CCM_8] = [0xc0a8, 0x00a8, 0xc0ae];
const [X509, RAW_PUBLIC_KEY] = [0, 2];

const ALL: ReadonlyMap<Credential, readonly number[]> = new Map([
  ['psk', [PSK_CCM_8, PSK_GCM]],
  ['certificate', [ECDSA_CCM_8]],
  ['rawPublicKey', [ECDSA_CCM_8]],
]);

function hello(ciphersuites: readonly number[], types?: Uint8Array): ClientHello {
  const body = types ?? new Uint8Array(0);
  const extensions: readonly Extension[] =
    types === undefined ? [] : [{ type: EXTENSION_TYPE.serverCertificateType, body }];
  const none = new Uint8Array(0);
  return {
    version: 0xfefd,
    random: new Uint8Array(32),
    sessionId: none,
    cookie: none,
    ciphersuites,
    compressionMethods: Uint8Array.of(0),
    extensions,
  };
}

function types(...numbers: readonly number[]): Uint8Array {
  return Uint8Array.of(numbers.length, ...numbers);
}

describe('credentialFor', () => {
  it("follows the client's order of cipher suites", () => {
    assert.equal(credentialFor(hello([PSK_GCM, ECDSA_CCM_8]), ALL), 'psk');
    assert.equal(credentialFor(hello([ECDSA_CCM_8, PSK_GCM]), ALL), 'certificate');
    assert.equal(credentialFor(hello([0x1301, PSK_GCM]), ALL), 'psk');
  });

  it('of certificates and raw public keys takes the first that the client takes of a server (RFC 7250 §4.1)', () => {
    assert.equal(credentialFor(hello([ECDSA_CCM_8], types(RAW_PUBLIC_KEY)), ALL), 'rawPublicKey');
    assert.equal(credentialFor(hello([ECDSA_CCM_8], types(RAW_PUBLIC_KEY, X509)), ALL), 'rawPublicKey');
    assert.equal(credentialFor(hello([ECDSA_CCM_8], types(X509, RAW_PUBLIC_KEY)), ALL), 'certificate');
    assert.equal(credentialFor(hello([ECDSA_CCM_8], types(77)), ALL), undefined);
  });

  it('takes only what there is', () => {
    const pskAlone = new Map([['psk', [PSK_CCM_8]]] as const);
    assert.equal(credentialFor(hello([ECDSA_CCM_8, PSK_CCM_8]), pskAlone), 'psk');
    assert.equal(credentialFor(hello([ECDSA_CCM_8, PSK_GCM]), pskAlone), undefined);
    const rawAlone = new Map([['rawPublicKey', [ECDSA_CCM_8]]] as const);
    assert.equal(credentialFor(hello([ECDSA_CCM_8]), rawAlone), undefined);
    assert.equal(credentialFor(hello([ECDSA_CCM_8], types(X509, RAW_PUBLIC_KEY)), rawAlone), 'rawPublicKey');
    assert.equal(credentialFor(hello([PSK_GCM]), new Map()), undefined);
  });

  it('any list of certificate types gives a kind, none, or a DecodeError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 12 }),
        fc.array(fc.constantFrom(PSK_GCM, ECDSA_CCM_8, 1)),
        (body, suites) => {
          try {
            const kind = credentialFor(hello(suites, body), ALL);
            assert.ok(kind === undefined || ALL.has(kind));
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
