// Which credential a handshake of an endpoint has: tags, hints, choices, raw keys, several kinds at once, bounds.

import assert from 'node:assert/strict';
import {
  certificateChainFromArray,
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import { TlsAlertError } from '../../../lib/net/index.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { seconds, systemClock, systemEnvironment } from '../../../lib/runtime/index.ts';
import { CredentialPool, type PoolCredential } from '../../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../../security-backends/native/endpoint.ts';
import type { OwnCertificate } from '../../../security-backends/native/connection.ts';
import { EndpointCredentials } from '../../../security-backends/native/endpoint-credentials.ts';
import {
  DEFAULT_ENDPOINT_LIMITS,
  type DtlsEndpointOptions,
} from '../../../security-backends/native/endpoint-options.ts';
import { FIXTURE_TIME, certificateDer, keyPem } from '../../crypto/fixtures/fixtures.ts';
import { type Holder, holder } from './certificate-pair.ts';
import { A, B, Network, bytes, psk } from './endpoints.ts';
import { MESSAGE } from './scripted-peer.ts';

const ALERT = { handshakeFailure: 40, badCertificate: 42, internalError: 80, unknownPskIdentity: 115 } as const;
const [CLIENT, SERVER, STRANGER] = ['client', 'server', 'stranger'].map((name) => holder('ec-p256', name));

function own({ pkcs8 }: Holder): PoolCredential {
  return { type: 'rawKey', privateKey: privateKeyFromBuffer(pkcs8) };
}

function peers({ spki }: Holder): PoolCredential {
  return { type: 'peerKeys', keys: rawPublicKeyFromBuffer(spki) };
}

/** An endpoint whose tags are those of its credentials, in their order. */
async function endpointWith(
  network: Network,
  at: typeof A,
  credentials: readonly (readonly [number, PoolCredential])[],
  options: Partial<DtlsEndpointOptions> = {},
): Promise<DtlsEndpoint> {
  const pool = network.pool();
  pool.clear();
  for (const [tag, credential] of credentials) pool.add(tag, credential);
  const tags = [...new Set(credentials.map(([tag]) => tag))];
  return network.endpoint(at, { credentials: pool, tags, ...options });
}

function alertOf(direction: 'sent' | 'received', description: number): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TlsAlertError, String(error));
    assert.deepEqual([error.direction, error.description], [direction, description], error.message);
    return true;
  };
}

describe('DtlsEndpoint: pre-shared keys by tag', () => {
  const text = (identity: Uint8Array | undefined): string => new TextDecoder().decode(identity);

  it('the server sends the first hint it has; the client takes the key with that hint', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [
      [1, psk('one')],
      [2, psk('two', 'home')],
      [3, psk('three', 'away')],
    ]);
    const b = await endpointWith(network, B, [
      [8, psk('eight')],
      [9, psk('three', 'away')],
      [1, psk('two', 'home')],
    ]);
    const session = await network.run(a.connect(B));
    assert.deepEqual(session.negotiated?.pskIdentityHint, bytes('away'));
    assert.equal(text(session.negotiated.pskIdentity), 'three');
    b.close();
  });

  it('the client takes the first key where no hint fits, or none comes', async () => {
    for (const hint of ['elsewhere', undefined]) {
      const network = new Network();
      const a = await endpointWith(network, A, [
        [1, psk('one')],
        [2, psk('two', 'home')],
      ]);
      await endpointWith(network, B, [[1, psk('one', hint)]]);
      const session = await network.run(a.connect(B));
      assert.equal(text(session.negotiated?.pskIdentity), 'one');
    }
  });

  it('the client chooses by callback, with hint, session and tags', async () => {
    const network = new Network();
    const seen: unknown[] = [];
    const a = await endpointWith(
      network,
      A,
      [
        [1, psk('one')],
        [2, psk('two', 'home')],
      ],
      {
        choosePsk: ({ session, hint, tags }) => {
          seen.push([session.remote, text(hint), tags]);
          return 1;
        },
      },
    );
    await endpointWith(network, B, [
      [1, psk('one')],
      [2, psk('two', 'home')],
    ]);
    const session = await network.run(a.connect(B));
    assert.equal(text(session.negotiated?.pskIdentity), 'one');
    assert.deepEqual(seen, [[B, 'home', [1, 2]]]);
  });

  it('a choice of tag 0, or of a tag that is not there, is no key: the client refuses', async () => {
    for (const tag of [0, 77]) {
      const network = new Network();
      const a = await endpointWith(network, A, [[1, psk()]], { choosePsk: () => tag });
      await endpointWith(network, B, [[1, psk()]]);
      await network.run(assert.rejects(a.connect(B), alertOf('sent', ALERT.handshakeFailure)));
    }
  });

  it('a callback that throws ends this handshake alone', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [[1, psk()]], {
      choosePsk: () => {
        throw new Error('a mistake of the user');
      },
    });
    await endpointWith(network, B, [[1, psk()]]);
    await network.run(assert.rejects(a.connect(B), alertOf('sent', ALERT.internalError)));
    assert.equal(a.load.handshakes, 0);
  });

  it('an unknown identity looks like a wrong key, or gets its alert if asked', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [[1, psk('nobody')]]);
    const hiding = await endpointWith(network, B, [[1, psk()]]);
    const C = { address: '10.0.0.3', port: 5684 };
    await endpointWith(network, C, [[1, psk()]], { unknownIdentity: 'alert' });
    await network.run(assert.rejects(a.connect(B), /ETIMEDOUT/));
    assert.equal(hiding.counters.unknownIdentities, 1);
    await network.run(assert.rejects(a.connect(C), alertOf('received', ALERT.unknownPskIdentity)));
  });

  it('tags are added and removed while it runs; sessions stay', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [[1, psk('one')]]);
    const b = await endpointWith(network, B, [[1, psk('one')]]);
    const session = await network.run(a.connect(B));
    assert.equal(b.removeTag(1), true);
    assert.equal(b.removeTag(1), false);
    assert.deepEqual(b.tags, []);
    session.sendNow(bytes('still'));
    await network.time.advance(seconds(1));
    assert.equal(b.receiveNow().kind, 'connected');
    assert.equal(b.receiveNow().kind, 'data');
    await network.run(assert.rejects(session.renew(), /ETIMEDOUT/));
    b.addTag(1);
    b.addTag(1);
    assert.deepEqual(b.tags, [1]);
    await network.run(session.renew());
  });

  it('the pool changes during a handshake: what is gone is not used', async () => {
    const network = new Network();
    const pool = network.pool(psk('one'));
    const a = await endpointWith(network, A, [[1, psk('one')]]);
    const b = await network.endpoint(B, { credentials: pool });
    network.network.onDatagram((_, to, datagram) => {
      if (to.address === B.address && datagram[13] === MESSAGE.clientKeyExchange) pool.remove(1, 'psk');
      return 'pass';
    });
    await network.run(assert.rejects(a.connect(B), /ETIMEDOUT/));
    assert.equal(b.counters.unknownIdentities, 1);
    assert.equal(b.load.sessions, 0);
  });

  it('without any credential a client says so at once, and a server answers nobody', async () => {
    const network = new Network();
    const a = await network.endpoint(A, { tags: [] });
    assert.throws(() => a.session(B), /EINVAL.*a tag with a credential/);
    const b = await network.endpoint(B);
    await network.run(assert.rejects(b.connect(A), /ETIMEDOUT/));
    assert.equal(a.load.handshakes, 0);
  });
});

describe('DtlsEndpoint: raw public keys by tag', () => {
  it('both show theirs, and take those of the pool', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [
      [1, own(CLIENT!)],
      [1, peers(SERVER!)],
    ]);
    const b = await endpointWith(network, B, [
      [5, own(SERVER!)],
      [6, peers(STRANGER!)],
      [7, peers(CLIENT!)],
    ]);
    const session = await network.run(a.connect(B));
    assert.equal(session.credential, 'rawPublicKey');
    assert.deepEqual(session.negotiated?.peerPublicKey, SERVER!.spki);
    assert.deepEqual(b.find(A)?.negotiated?.peerPublicKey, CLIENT!.spki);
  });

  it('a key that is not in the pool is refused, in either role', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [
      [1, own(CLIENT!)],
      [1, peers(STRANGER!)],
    ]);
    const b = await endpointWith(network, B, [
      [1, own(SERVER!)],
      [1, peers(STRANGER!)],
    ]);
    await network.run(assert.rejects(a.connect(B), alertOf('sent', ALERT.badCertificate)));
    const c = await endpointWith(network, { address: '10.0.0.3', port: 1 }, [
      [1, own(CLIENT!)],
      [1, peers(SERVER!)],
    ]);
    await network.run(assert.rejects(c.connect(B), alertOf('received', ALERT.badCertificate)));
    assert.equal(b.load.sessions, 0);
  });

  it('any key is taken only where that danger is asked for', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [[1, own(CLIENT!)]], { dangerAcceptAnyPeerKey: true });
    const b = await endpointWith(network, B, [[1, own(SERVER!)]], { dangerAcceptAnyPeerKey: true });
    await network.run(a.connect(B));
    assert.deepEqual(b.find(A)?.negotiated?.peerPublicKey, CLIENT!.spki);
  });

  it('the key pair is chosen by callback, else the first', async () => {
    for (const choice of [2, undefined]) {
      const network = new Network();
      const a = await endpointWith(
        network,
        A,
        [
          [1, own(CLIENT!)],
          [2, own(STRANGER!)],
          [3, peers(SERVER!)],
        ],
        choice === undefined ? {} : { chooseRawKey: ({ tags }) => (assert.deepEqual(tags, [1, 2]), choice) },
      );
      const b = await endpointWith(network, B, [
        [1, own(SERVER!)],
        [1, peers(CLIENT!)],
        [2, peers(STRANGER!)],
      ]);
      await network.run(a.connect(B));
      const expected = choice === undefined ? CLIENT! : STRANGER!;
      assert.deepEqual(b.find(A)?.negotiated?.peerPublicKey, expected.spki);
    }
  });

  it('a key pair removed between its choice and its signature does not sign', async () => {
    const network = new Network();
    const credentials = network.pool();
    credentials.add(2, own(SERVER!));
    const endpoint = await network.endpoint(A, { credentials, tags: [2] });
    const session = endpoint.session(B);
    const answers = new EndpointCredentials({ credentials, tags: [2] }, DEFAULT_ENDPOINT_LIMITS, network.environment);
    const wish = { schemes: [], authorities: [], algorithms: [], serverName: undefined };
    const chosen = answers.answer(
      { id: 1, type: 'chooseCertificate', ...wish, certificateType: 'rawPublicKey' },
      'rawPublicKey',
      session,
    ) as OwnCertificate;
    assert.deepEqual(chosen.chain, [SERVER!.spki]);
    credentials.remove(2, 'rawKey');
    const sign = {
      id: 2,
      type: 'sign',
      certificate: chosen,
      scheme: 'ecdsa_secp256r1_sha256',
      message: bytes('x'),
    } as const;
    assert.equal(answers.answer(sign, 'rawPublicKey', session), undefined);
  });
});

describe('DtlsEndpoint: several kinds at once', () => {
  it('a server has the kind that its client asks for; a session says which', async () => {
    const network = new Network();
    const b = await endpointWith(network, B, [
      [1, psk()],
      [2, own(SERVER!)],
      [2, peers(CLIENT!)],
    ]);
    const both = [
      [1, psk()],
      [2, own(CLIENT!)],
      [3, peers(SERVER!)],
    ] as const;
    for (const [n, credential] of (['psk', 'rawPublicKey'] as const).entries()) {
      const at = { address: `10.0.2.${n + 1}`, port: 1 };
      const client = await endpointWith(network, at, both);
      const session = await network.run(client.connect(B, { credential }));
      assert.equal(session.credential, credential);
      assert.equal(b.find(at)?.credential, credential);
      assert.equal(session.negotiated?.pskIdentity !== undefined, credential === 'psk');
    }
  });

  it('a kind the server has not is refused, and never completed by another', async () => {
    const network = new Network();
    const b = await endpointWith(network, B, [[1, psk()]]);
    const a = await endpointWith(network, A, [
      [2, own(CLIENT!)],
      [3, peers(SERVER!)],
      [4, psk()],
    ]);
    await network.run(assert.rejects(a.connect(B), alertOf('received', ALERT.handshakeFailure)));
    assert.equal(a.find(B)?.credential, 'rawPublicKey');
    a.find(B)?.close();
    await network.run(a.connect(B, { credential: 'psk' }));
    assert.equal(b.load.sessions, 1);
  });

  it('an explicit list of cipher suites turns kinds off', async () => {
    const network = new Network();
    const a = await endpointWith(
      network,
      A,
      [
        [1, psk()],
        [1, own(CLIENT!)],
        [1, peers(SERVER!)],
      ],
      { ciphersuites: [0xc0ae] },
    );
    assert.throws(() => a.session(B, { credential: 'psk' }), /EINVAL.*psk.*rawPublicKey/);
    assert.equal(a.session(B).credential, 'rawPublicKey');
  });
});

describe('DtlsEndpoint: the bound on credentials in a handshake', () => {
  it('a hint longer than it is refused', async () => {
    const network = new Network();
    const a = await endpointWith(network, A, [[1, psk()]], { maxCredentialBytes: 64 });
    await endpointWith(network, B, [[1, psk('device-1', 'h'.repeat(65))]]);
    await network.run(assert.rejects(a.connect(B), /maxCredentialBytes/));
  });

  it('a raw public key longer than it is refused', async () => {
    const network = new Network();
    const a = await endpointWith(
      network,
      A,
      [
        [1, own(CLIENT!)],
        [1, peers(SERVER!)],
      ],
      { maxCredentialBytes: 64 },
    );
    await endpointWith(network, B, [
      [1, own(SERVER!)],
      [1, peers(CLIENT!)],
    ]);
    await network.run(assert.rejects(a.connect(B), alertOf('sent', ALERT.badCertificate)));
  });
});

// Not a simulation: path validation is loaded and waits for real.
describe('DtlsEndpoint: certificates by tag', () => {
  const chainOf = (...names: readonly string[]): ReturnType<typeof certificateChainFromArray> =>
    certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));

  it('beside pre-shared keys, each side judged by its anchors', async () => {
    const clock = { now: () => systemClock.now(), wallTime: () => FIXTURE_TIME };
    const environment = systemEnvironment({ clock });
    const endpoints: DtlsEndpoint[] = [];
    const made = async (name: 'client' | 'server'): Promise<DtlsEndpoint> => {
      const pool = new CredentialPool({}, environment);
      const key = privateKeyFromBuffer(keyPem(`${name} certificate key`));
      pool.add(1, { type: 'certificate', chain: chainOf(name, 'inter'), key, trustAnchors: chainOf('root') });
      pool.add(2, psk());
      const datagramSocket = (): ReturnType<typeof udpSocket> => udpSocket({}, environment);
      const endpoint = new DtlsEndpoint({ credentials: pool, tags: [1, 2], datagramSocket }, environment);
      endpoints.push(endpoint);
      await endpoint.bind('127.0.0.1', 0);
      return endpoint;
    };
    try {
      const [client, server] = [await made('client'), await made('server')];
      const remote = server.socket.local!;
      const session = await client.connect(remote, { serverName: 'server.example' });
      assert.equal(session.credential, 'certificate');
      assert.deepEqual(session.negotiated?.peerCertificates?.[0], certificateDer('server'));
      const accepted = server.find(client.socket.local!);
      assert.deepEqual(accepted?.negotiated?.peerCertificates?.[0], certificateDer('client'));
      session.close();
      await assert.rejects(client.connect(remote, { serverName: 'other.example' }), TlsAlertError);
      client.find(remote)?.close();
      assert.equal((await client.connect(remote, { credential: 'psk' })).credential, 'psk');
    } finally {
      for (const endpoint of endpoints) endpoint.close();
    }
  });
});
