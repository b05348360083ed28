import assert from 'node:assert/strict';
import {
  certificateChainEmpty,
  nodeProvider,
  pskIdentityEmpty,
  pskIdentityFromBuffer,
  pskIdentityFromFile,
  pskKeyEmpty,
  pskKeyFromBuffer,
  pskKeyFromEngine,
  pskKeyFromFile,
  rawPublicKeyEmpty,
} from '../../../lib/crypto/index.ts';
import type { SslConfiguration } from '../../../lib/net/index.ts';
import { SimulatedNetwork } from '../../../lib/net/simulated/index.ts';
import { type Log, VirtualTime, silentLog } from '../../../lib/runtime/index.ts';
import { type NativeDtls, nativeDtls } from '../../../security-backends/native/backend.ts';
import { IDENTITY, KEY } from './pair.ts';
import { LOOKUP, PSK, SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

function backend(): { dtls: NativeDtls; network: SimulatedNetwork } {
  const network = new SimulatedNetwork({ time: new VirtualTime() });
  const files = {
    read: (path: string) =>
      new TextEncoder().encode(path === '/identity' ? 'device-1\n' : '000102030405060708090a0b0c0d0e0f\n'),
    list: () => [],
  };
  return {
    dtls: nativeDtls({ datagramSocket: (configuration) => network.datagramSocket(undefined, configuration), files }),
    network,
  };
}

function refuses(configuration: Partial<SslConfiguration>, expected: object): void {
  const { dtls, network } = backend();
  assert.throws(() => dtls.createSocket({ security: PSK, ...configuration }, network.environment), expected);
}

describe('nativeDtls', () => {
  it('says exactly what it can do', () => {
    assert.deepEqual(backend().dtls.capabilities, {
      versions: ['DTLS1.2'],
      ciphersuites: [
        ...[0xc0a8, 0x00a8, 0xc0a4, 0x00a9, 0xc0a5, 0xc0a9], // PSK
        ...[0xd001, 0xd003, 0xccac], // ECDHE_PSK
        ...[0xc0ae, 0xc02b, 0xc0ac, 0xc02c, 0xcca9], // ECDHE_ECDSA
        ...[0xc02f, 0xcca8], // ECDHE_RSA
        ...[0x00ae, 0xc037, 0xc023, 0xc027], // CBC
      ],
      credentials: ['psk', 'certificate', 'rawPublicKey'],
      roles: ['client', 'server'],
      resumption: true,
      connectionId: true,
      dane: true,
      engine: false,
      liveSession: true,
      clock: 'injected',
    });
  });

  it('refuses what it cannot meet before anything is sent, saying what it found', () => {
    refuses(
      { security: { mode: 'certificate', systemTrustStore: true } },
      { code: 'ENOTSUP', message: /systemTrustStore/ },
    );
    refuses({ security: { mode: 'rawPublicKey', serverKeys: rawPublicKeyEmpty() } }, { code: 'ENODATA' });
    refuses({ ciphersuites: [0xc0ae] }, { code: 'ENOTSUP', message: /security.mode psk/ });
    refuses(
      { security: { mode: 'certificate' }, ciphersuites: [0xc0a8, 0xd001] },
      { code: 'ENOTSUP', message: /security.mode certificate/ },
    );
    const identity = pskIdentityFromBuffer(IDENTITY);
    refuses(
      { security: { mode: 'psk', identity, key: pskKeyFromEngine('pkcs11:token=x') } },
      { code: 'ENOTSUP', message: /engine/ },
    );
    refuses(
      { daneTlsaRecords: [{ usage: 3, selector: 1, matchingType: 1, associationData: new Uint8Array(32) }] },
      { code: 'ENOTSUP' },
    );
  });

  it('refuses missing and oversize credentials, never quoting them', () => {
    const identity = pskIdentityFromBuffer(IDENTITY);
    refuses({ security: { mode: 'psk', identity, key: pskKeyEmpty() } }, { code: 'ENODATA' });
    refuses(
      { security: { mode: 'psk', identity: pskIdentityEmpty(), key: pskKeyFromBuffer(KEY) } },
      { code: 'ENODATA' },
    );
    refuses(
      { security: { mode: 'psk', identity, key: pskKeyFromBuffer(new Uint8Array(65)) } },
      { message: /at most 64|1 to 64/ },
    );
    const long = pskIdentityFromBuffer(new Uint8Array(129));
    refuses({ security: { mode: 'psk', identity: long, key: pskKeyFromBuffer(KEY) } }, { message: /at most 128/ });
  });

  it('refuses a server without a certificate, and limits out of range', () => {
    const { dtls, network } = backend();
    const security = {
      mode: 'certificate',
      chain: certificateChainEmpty(),
      key: { type: 'privateKey', source: { kind: 'empty' } },
    } as const;
    assert.throws(() => dtls.createServer({ security }, network.environment), {
      code: 'ENODATA',
      message: /expected a certificate chain/,
    });
    const psk = { mode: 'psk', lookup: LOOKUP } as const;
    assert.throws(() => dtls.createServer({ security: psk, maxSessions: 0 }, network.environment), {
      code: 'EINVAL',
      message: /maxSessions/,
    });
    assert.throws(() => dtls.createServer({ security: psk, maxHandshakes: 0.5 }, network.environment), {
      code: 'EINVAL',
      message: /maxHandshakes/,
    });
  });

  it('warns of a short key without showing it', () => {
    const { dtls, network } = backend();
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (...args: unknown[]) => void warned.push(JSON.stringify(args)) };
    const short = pskKeyFromBuffer(Uint8Array.of(0xab, 0xcd, 0xef));
    dtls.createSocket(
      { security: { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: short } },
      { ...network.environment, log },
    );
    assert.equal(warned.length, 1);
    assert.doesNotMatch(warned[0]!, /abcdef|171,205|q83v/);
  });

  it('shows no secret, however a socket is printed', async () => {
    const { inspect } = await import('node:util');
    const { dtls, network } = backend();
    const key = new Uint8Array(16).fill(0xd7);
    const socket = dtls.createSocket(
      { security: { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(key) } },
      network.environment,
    );
    const printed = inspect(socket, { depth: 10, showHidden: true });
    assert.doesNotMatch(printed, /d7d7|215, ?215/);
  });

  it('takes credentials from files, and refuses them where there is no file source', async () => {
    const security = { mode: 'psk', identity: pskIdentityFromFile('/identity'), key: pskKeyFromFile('/key') } as const;
    const simulation = new Simulation();
    await simulation.listening();
    const files = {
      read: (path: string) =>
        new TextEncoder().encode(path === '/identity' ? 'device-1\n' : '00010203 04050607 08090a0b 0c0d0e0f\n'),
      list: () => [],
    };
    const dtls = nativeDtls({
      datagramSocket: (configuration) => simulation.network.datagramSocket(undefined, configuration),
      files,
    });
    const client = dtls.createSocket({ security }, simulation.environment);
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.throws(() => simulation.client({ security }), { code: 'ENOTSUP' });
  });

  it('copies the configuration: what changes later changes nothing', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const key = KEY.slice();
    const ciphersuites = [0x00a8];
    const client = simulation.client({
      security: { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(key) },
      ciphersuites,
    });
    key.fill(0);
    ciphersuites[0] = 0xc0a8;
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal(client.getOption('negotiated')?.ciphersuite, 0x00a8);
  });

  it('lets no provider of a user compute before it has given the known answers', async () => {
    const wrong = { ...nodeProvider, name: 'mine', hmacKey: () => ({ mac: () => new Uint8Array(32), destroy() {} }) };
    const simulation = new Simulation({ provider: { ...wrong, hmac: () => new Uint8Array(32) } });
    await assert.rejects(simulation.pair(), (error: unknown) => {
      assert.match(`${error}`, /mine.*HMAC/);
      return true;
    });
    const honest = new Simulation({ provider: { ...nodeProvider, name: 'mine' } });
    assert.equal((await honest.pair()).client.getOption('negotiated')?.version, 'DTLS1.2');
  });

  it('writes one key log line per session, only when asked to', async () => {
    const lines: string[] = [];
    const simulation = new Simulation();
    await simulation.pair({ dangerKeyLog: (line) => lines.push(line) });
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/);
  });

  it('gives additionalConfiguration the options of the connection before they are used', async () => {
    const seen: unknown[] = [];
    const simulation = new Simulation();
    await simulation.pair(
      { additionalConfiguration: (native) => seen.push(native) },
      { additionalConfiguration: (native) => seen.push(native) },
    );
    assert.equal(seen.length, 2);
    for (const native of seen) assert.equal((native as { mtu: number }).mtu, 1_280 - 28);
  });
});
