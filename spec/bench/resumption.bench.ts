// Resumed handshakes beside full ones: both sides in one process through two endpoints, and our client against
// `openssl s_server`, by ticket. With certificates the client shows one too.

import { fromHex } from '../../lib/bytes/index.ts';
import {
  certificateChainFromArray,
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import type { Endpoint, SessionStore } from '../../lib/net/index.ts';
import { type Environment, SeededRandom, VirtualTime, silentLog } from '../../lib/runtime/index.ts';
import { CredentialPool, type PoolCredential } from '../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../security-backends/native/endpoint.ts';
import { FIXTURE_TIME, certificateDer, keyPem } from '../crypto/fixtures/fixtures.ts';
import { backend, clientSocket, environment as system } from '../interop/ours.ts';
import { clientSecurity } from '../interop/ours-certificates.ts';
import { startOpensslCertificateServer, startOpensslServer } from '../interop/peers/openssl.ts';
import { Pki } from '../interop/peers/pki.ts';
import { type BenchResult, microsecondsAsync } from './bench.ts';
import { HandoverSocket } from './handover-socket.ts';
import { type Handshake, type StartServer, measure, rows } from './handshakes.ts';

const CALLS = 200;
const HANDSHAKES = 50;
const PSK_SUITE = 0xc0a8;
const CERTIFICATE_SUITE = 0xc02b;
const IDENTITY = 'Client_identity';
const KEY = '000102030405060708090a0b0c0d0e0f';
const CLIENT: Endpoint = { address: '192.0.2.2', port: 40_000 };
const SERVER: Endpoint = { address: '192.0.2.1', port: 5_684 };

export async function run(): Promise<readonly BenchResult[]> {
  return [...(await bothSides()), ...(await againstOpenssl())];
}

async function bothSides(): Promise<readonly BenchResult[]> {
  const found: BenchResult[] = [];
  for (const kind of ['psk', 'certificate'] as const) {
    const name = (what: string): string => `${what} handshakes, both sides, ${kind}`;
    const [full, resumed] = [await renewals(kind, false), await renewals(kind, true)];
    found.push({ name: name('full'), value: 1e6 / full, unit: '/s' });
    found.push({ name: name('resumed'), value: 1e6 / resumed, unit: '/s', ratioTo: name('full') });
  }
  return found;
}

/** Microseconds per handshake between two endpoints. */
async function renewals(kind: 'psk' | 'certificate', resumption: boolean): Promise<number> {
  const time = new VirtualTime(FIXTURE_TIME);
  const environment: Environment = { clock: time, timers: time, random: new SeededRandom(1), log: silentLog };
  const [near, far] = [new HandoverSocket(environment), new HandoverSocket(environment)];
  await near.bind(CLIENT.address, CLIENT.port);
  await far.bind(SERVER.address, SERVER.port);
  near.outlet = (datagram) => far.hand(datagram, CLIENT);
  far.outlet = (datagram) => near.hand(datagram, SERVER);
  const pool = (own: 'client' | 'server'): CredentialPool => {
    const credentials = new CredentialPool({}, environment);
    credentials.add(1, kind === 'psk' ? psk() : certificate(own));
    return credentials;
  };
  const client = new DtlsEndpoint({ credentials: pool('client'), tags: [1], socket: near }, environment);
  const server = new DtlsEndpoint({ credentials: pool('server'), tags: [1], socket: far, resumption }, environment);
  const session = await client.connect(SERVER, kind === 'psk' ? {} : { serverName: 'server.example' });
  await session.renew();
  if ((session.negotiated?.resumed === true) !== resumption) throw new Error('expected the other kind of handshake');
  const value = await microsecondsAsync(() => session.renew(), CALLS);
  client.close();
  server.close();
  return value;
}

const psk = (): PoolCredential => ({
  type: 'psk',
  identity: pskIdentityFromBuffer(new TextEncoder().encode(IDENTITY)),
  key: pskKeyFromBuffer(fromHex(KEY)),
});

function certificate(own: 'client' | 'server'): PoolCredential {
  const chainOf = (...names: readonly string[]): ReturnType<typeof certificateChainFromArray> =>
    certificateChainFromArray(names.map((name) => certificateChainFromBuffer(certificateDer(name))));
  const key = privateKeyFromBuffer(keyPem(`${own} certificate key`));
  return { type: 'certificate', chain: chainOf(own, 'inter'), key, trustAnchors: chainOf('root') };
}

async function againstOpenssl(): Promise<readonly BenchResult[]> {
  const pki = new Pki('ec');
  try {
    const suite = 'PSK-AES128-CCM8';
    return [
      ...(await compared('psk', () => startOpensslServer({ suite, key: KEY }), pskHandshake)),
      ...(await compared('certificate', certificateServer(pki), (store) => certificateHandshake(pki, store))),
    ];
  } finally {
    pki.remove();
  }
}

async function compared(
  kind: string,
  start: StartServer,
  handshake: (store: SessionStore | undefined) => Handshake,
): Promise<readonly BenchResult[]> {
  const store = new Map<string, Uint8Array>();
  const sessionStore: SessionStore = {
    load: (key) => store.get(key)?.slice(),
    save: (key, session) => void store.set(key, session.slice()),
    remove: (key) => void store.delete(key),
  };
  const [full, resumed] = await measure(start, [handshake(undefined), handshake(sessionStore)], HANDSHAKES);
  const name = `full against OpenSSL, ${kind}`;
  return [...rows(name, full!), ...rows(`resumed against OpenSSL, ${kind}`, resumed!, name)];
}

function pskHandshake(sessionStore: SessionStore | undefined): Handshake {
  const more = { ciphersuites: [PSK_SUITE], handshakeTimeouts: undefined, sessionStore };
  return async (port) => visit(clientSocket(IDENTITY, fromHex(KEY), more), port);
}

function certificateHandshake(pki: Pki, sessionStore: SessionStore | undefined): Handshake {
  const security = clientSecurity(pki, 'client');
  const configuration = { security, ciphersuites: [CERTIFICATE_SUITE], sessionStore };
  return async (port) => visit(backend.createSocket(configuration, system), port);
}

async function visit(socket: ReturnType<typeof clientSocket>, port: number): Promise<void> {
  await socket.connect('127.0.0.1', port);
  await socket.shutdown();
  socket.close();
}

function certificateServer(pki: Pki): StartServer {
  const [certificate, key, chain] = [pki.file('server.pem'), pki.file('server.key'), pki.file('inter.pem')];
  const trusted = pki.file('authorities.pem');
  const suite = 'ECDHE-ECDSA-AES128-GCM-SHA256';
  return () => startOpensslCertificateServer({ suite, certificate, key, chain, trusted });
}
