// Several security backends as one: the first that fits, the reason, and what each lacks where none does.

import assert from 'node:assert/strict';
import {
  certificateChainFromBuffer,
  privateKeyFromEngine,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  pskKeyFromEngine,
} from '../../lib/crypto/index.ts';
import {
  type Capabilities,
  type DatagramSocket,
  type SecurityBackend,
  type SslConfiguration,
  SocketError,
  firstFitting,
} from '../../lib/net/index.ts';
import { type Environment, VirtualTime, silentLog, systemEnvironment } from '../../lib/runtime/index.ts';

const ALL: Capabilities = {
  versions: ['DTLS1.2'],
  ciphersuites: [0xc0a8, 0xc0ae],
  credentials: ['psk', 'certificate', 'rawPublicKey'],
  roles: ['client', 'server'],
  resumption: true,
  connectionId: true,
  dane: true,
  engine: true,
  liveSession: true,
  clock: 'injected',
};

const key = pskKeyFromBuffer(new Uint8Array(16).fill(7));
const identity = pskIdentityFromBuffer(Uint8Array.of(0x61));
const PSK = { security: { mode: 'psk', identity, key } } as const satisfies SslConfiguration;
const chain = certificateChainFromBuffer(Uint8Array.of(0x30, 0x00));

/** Makes nothing: says by its error who was asked. */
function backend(name: string, capabilities: Partial<Capabilities> = {}): SecurityBackend<DatagramSocket> {
  const asked = (): never => {
    throw new Error(`asked: ${name}`);
  };
  return { name, capabilities: { ...ALL, ...capabilities }, createSocket: asked, createServer: asked };
}

describe('the first backend that fits', () => {
  const told: string[] = [];
  const environment: Environment = systemEnvironment({
    log: {
      ...silentLog,
      info: (fields: object | string, message?: string) => void told.push(message ?? JSON.stringify(fields)),
    },
  });
  beforeEach(() => (told.length = 0));

  it('is one that takes its time from the environment where that is simulated', () => {
    const choice = firstFitting([backend('slow', { clock: 'system' }), backend('quick')]);
    const simulated = { ...environment, clock: new VirtualTime() };
    assert.throws(() => choice.createSocket(PSK, simulated), /asked: quick/);
    assert.match(told[0] ?? '', /for slow reads the system's clock/);
    assert.throws(() => choice.createSocket(PSK, environment), /asked: slow/);
  });

  it('is the first of the list where it can do all that is asked', () => {
    const choice = firstFitting([backend('one'), backend('two')]);
    assert.throws(() => choice.createSocket(PSK, environment), /asked: one/);
    assert.deepEqual(told, ['security backend: one, the first']);
  });

  const engineKey = pskKeyFromEngine('slot 1');
  const lacks: readonly (readonly [what: string, Partial<Capabilities>, SslConfiguration, RegExp])[] = [
    ['the role', { roles: ['server'] }, PSK, /is no client/],
    ['the kind of credential', { credentials: ['certificate'] }, PSK, /no credentials of the kind psk/],
    ['the version', { versions: ['DTLS1.3'] }, { ...PSK, versions: ['DTLS1.2'] }, /none of the versions DTLS1\.2/],
    [
      'every suite',
      { ciphersuites: [0xc0ae] },
      { ...PSK, ciphersuites: [0xc0a8, 0xffff] },
      /none of the cipher suites/,
    ],
    ['connection ids', { connectionId: false }, { ...PSK, connectionId: { length: 4 } }, /no connection ids/],
    [
      'DANE, which the security asks for',
      { dane: false },
      { security: { mode: 'certificate', trustAnchors: chain, dane: true } },
      /no DANE/,
    ],
    [
      'DANE, of which there are records',
      { dane: false },
      {
        security: { mode: 'certificate' },
        daneTlsaRecords: [{ usage: 3, selector: 1, matchingType: 1, associationData: new Uint8Array(32) }],
      },
      /no DANE/,
    ],
    [
      'an engine for the pre-shared key',
      { engine: false },
      { security: { mode: 'psk', identity, key: engineKey } },
      /engine/,
    ],
    [
      'an engine for the key of a certificate',
      { engine: false },
      {
        security: {
          mode: 'certificate',
          trustAnchors: chain,
          clientChain: chain,
          clientKey: privateKeyFromEngine('k'),
        },
      },
      /engine/,
    ],
    [
      'an engine for the key of one of several certificates',
      { engine: false },
      {
        security: {
          mode: 'certificate',
          trustAnchors: chain,
          clientCredentials: [{ chain, key: privateKeyFromEngine('k') }],
        },
      },
      /engine/,
    ],
    ['live sessions', { liveSession: false }, { ...PSK, liveSession: { open: () => undefined } }, /no live sessions/],
  ];
  for (const [what, capabilities, configuration, reason] of lacks) {
    it(`passes over a backend that lacks ${what}, and says so`, () => {
      const choice = firstFitting([backend('one', capabilities), backend('two')]);
      assert.throws(() => choice.createSocket(configuration, environment), /asked: two/);
      assert.match(told[0]!, reason);
      assert.match(told[0]!, /^security backend: two, for one /);
    });
  }

  it('is found for servers by the same rules', () => {
    const choice = firstFitting([backend('one', { roles: ['client'] }), backend('two')]);
    const configuration = { security: { mode: 'psk', lookup: () => key } } as const;
    assert.throws(() => choice.createServer!(configuration, environment), /asked: two/);
    assert.match(told[0]!, /one is no server/);
  });

  it('a suite of the list that it has is enough; what nobody asks for is not looked at', () => {
    const small = backend('small', { connectionId: false, dane: false, engine: false, liveSession: false });
    const choice = firstFitting([small, backend('two')]);
    const configuration = { ...PSK, ciphersuites: [0xffff, 0xc0a8], connectionId: false, daneTlsaRecords: [] };
    assert.throws(() => choice.createSocket(configuration, environment), /asked: small/);
  });

  it('is none where none fits: the error says what each lacks', () => {
    const choice = firstFitting([backend('one', { roles: ['server'] }), backend('two', { credentials: [] })]);
    assert.throws(
      () => choice.createSocket(PSK, environment),
      (error: unknown) =>
        error instanceof SocketError &&
        error.code === 'ENOTSUP' &&
        error.message.includes('one is no client; two has no credentials of the kind psk'),
    );
    assert.deepEqual(told, []);
    assert.throws(() => firstFitting([]), /backends: expected at least one/);
  });

  it('says what all can do together', () => {
    const { capabilities, name } = firstFitting([
      backend('one', { versions: ['DTLS1.3'], ciphersuites: [1, 2], connectionId: false, clock: 'system' }),
      backend('two', { ciphersuites: [2, 3], dane: false }),
    ]);
    assert.equal(name, 'one, two');
    assert.deepEqual(capabilities.versions, ['DTLS1.3', 'DTLS1.2']);
    assert.deepEqual(capabilities.ciphersuites, [1, 2, 3]);
    assert.deepEqual(
      [capabilities.connectionId, capabilities.dane, capabilities.clock, capabilities.engine],
      [true, true, 'system', true],
    );
  });
});
