// Certificates that must be refused, by whom they are shown and to whom, beside OpenSSL and GnuTLS: each attempt ends with
// the alert that says why, on both sides.

import assert from 'node:assert/strict';
import { certificateRevocationListFromBuffer } from '../../lib/crypto/index.ts';
import {
  type CertificateSecurity,
  type CertificateServerSecurity,
  SocketError,
  TlsAlertError,
} from '../../lib/net/index.ts';
import { QUICK, backend, environment } from './ours.ts';
import { clientSecurity, serverSecurity } from './ours-certificates.ts';
import { GNUTLS_SUITES, startGnutlsClient, startGnutlsEcho } from './peers/gnutls-certificates.ts';
import { startOpensslCertificateClient, startOpensslCertificateServer } from './peers/openssl.ts';
import { needs, smoke } from './peers/peer.ts';
import { type CertificateName, Pki } from './peers/pki.ts';
import type { PeerProcess } from './peers/process.ts';

interface Bad {
  readonly name: string;
  readonly server: CertificateName;
  /** None: clients have no such fault. */
  readonly client?: CertificateName;
  /** In our error, and the alert that we send. */
  readonly reason: RegExp;
  readonly alert: number;
  /** What OpenSSL and GnuTLS print when they refuse it. */
  readonly theirReason: RegExp;
  /** How they tell a client. OpenSSL, as we do; GnuTLS by its own choice, or by silence; `undefined`: it accepts that. */
  readonly told: Readonly<Record<StackName, RegExp | undefined>>;
}

type StackName = 'openssl' | 'gnutls';
const ACCESS_DENIED = /access_denied \(49\) received/;

const BAD: readonly Bad[] = [
  {
    name: 'under another root',
    server: 'other-server',
    client: 'other-client',
    reason: /unknown-issuer/,
    alert: 48,
    theirReason: /unable to get local issuer certificate|issuer is unknown/,
    // Our client sends none: it has no certificate under the roots that the CertificateRequest names.
    told: { openssl: /handshake_failure \(40\) received/, gnutls: /ETIMEDOUT.*may not take our certificate/ },
  },
  {
    name: 'expired',
    server: 'expired',
    client: 'expired-client',
    reason: /expired/,
    alert: 45,
    theirReason: /certificate has expired|uses expired certificate/,
    told: { openssl: /certificate_expired \(45\) received/, gnutls: ACCESS_DENIED },
  },
  {
    name: 'revoked',
    server: 'revoked',
    client: 'revoked',
    reason: /revoked/,
    alert: 44,
    theirReason: /certificate revoked|is revoked/,
    told: { openssl: /certificate_revoked \(44\) received/, gnutls: ACCESS_DENIED },
  },
  {
    name: 'for another purpose',
    server: 'client',
    client: 'server',
    reason: /wrong-purpose/,
    alert: 43,
    theirReason: /unsuitable certificate purpose|does not match the intended purpose/,
    told: { openssl: /unsupported_certificate \(43\) received/, gnutls: undefined },
  },
  {
    name: 'for another host',
    server: 'wrong-host',
    reason: /wrong-host/,
    alert: 42,
    theirReason: /IP address mismatch|does not match the expected/,
    told: { openssl: undefined, gnutls: undefined },
  },
];
const SUITE = GNUTLS_SUITES.find(({ id }) => id === 0xc02b)!;
const PRINT_ALERTS = ['-d', '5'];
const OPENSSL_SUITE = 'ECDHE-ECDSA-AES128-GCM-SHA256';

/** Both peers, driven alike. What is `shown` has no fault unless it is said. */
interface Stack {
  readonly name: StackName;
  server(pki: Pki, shown: CertificateName): Promise<{ readonly port: number; readonly process: PeerProcess }>;
  client(pki: Pki, shown: CertificateName, port: number): PeerProcess;
}

const STACKS: readonly Stack[] = [
  {
    name: 'openssl',
    server: (pki, shown) =>
      startOpensslCertificateServer({ ...files(pki, shown), trusted: pki.file('root.pem'), flags: revocation(pki) }),
    client: (pki, shown, port) =>
      startOpensslCertificateClient({
        ...files(pki, shown),
        trusted: pki.file('root.pem'),
        flags: [...revocation(pki), '-verify_ip', '127.0.0.1'],
        port,
      }),
  },
  {
    name: 'gnutls',
    server: (pki, shown) =>
      startGnutlsEcho({
        suite: SUITE,
        flags: [...x509Flags(pki, shown), '-r', '--verify-client-cert', ...PRINT_ALERTS],
      }),
    client: (pki, shown, port) => startGnutlsClient({ suite: SUITE, flags: x509Flags(pki, shown), port }),
  },
];

describe('certificates that must be refused', () => {
  let pki: Pki;
  before(() => (pki = new Pki('ec')));
  after(() => pki?.remove());

  for (const stack of smoke ? STACKS.slice(0, 1) : STACKS) {
    describe(stack.name, () => {
      needs('openssl', stack.name);

      for (const bad of BAD) {
        const { name, client } = bad;
        it(`a server's, ${name}: our client refuses it`, () => clientRefuses(stack, pki, bad));
        if (smoke) continue;
        if (client !== undefined) {
          it(`a client's, ${name}: our server refuses it`, () => serverRefuses(stack, pki, bad, client));
        }
        const told = bad.told[stack.name];
        if (client !== undefined && told !== undefined) {
          it(`ours as a client, ${name}: ${stack.name} refuses it`, () => clientIsRefused(stack, pki, client, told));
        }
        it(`ours as a server, ${name}: ${stack.name} refuses it`, () => serverIsRefused(stack, pki, bad));
      }
    });
  }
});

async function clientRefuses(stack: Stack, pki: Pki, bad: Bad): Promise<void> {
  const server = await stack.server(pki, bad.server);
  const security: CertificateSecurity = { ...clientSecurity(pki, 'client'), revocationLists: lists(pki) };
  const error = await connectError(security, server.port);
  try {
    assert.ok(error instanceof TlsAlertError, String(error));
    assert.equal(error.direction, 'sent');
    assert.equal(error.description, bad.alert);
    assert.match(error.message, bad.reason);
    await server.process.waitFor(printed(bad.alert));
  } finally {
    await server.process.stop();
  }
}

async function serverRefuses(stack: Stack, pki: Pki, bad: Bad, shown: CertificateName): Promise<void> {
  const server = await listen({ ...serverSecurity(pki), revocationLists: lists(pki) });
  const client = stack.client(pki, shown, server.local!.port);
  try {
    await client.waitFor(printed(bad.alert));
    assert.equal(server.counters?.sessionsEstablished, 0);
  } finally {
    server.close();
    await client.stop();
  }
}

async function clientIsRefused(stack: Stack, pki: Pki, shown: CertificateName, told: RegExp): Promise<void> {
  const server = await stack.server(pki, 'server');
  try {
    assert.match((await connectError(clientSecurity(pki, shown), server.port)).message, told);
  } finally {
    await server.process.stop();
  }
}

async function serverIsRefused(stack: Stack, pki: Pki, bad: Bad): Promise<void> {
  const server = await listen(serverSecurity(pki, 'require', bad.server));
  const client = stack.client(pki, 'client', server.local!.port);
  try {
    await client.waitFor(bad.theirReason);
    await client.exited;
    assert.equal(server.counters?.handshakesStarted, 1);
    assert.equal(server.counters.sessionsEstablished, 0);
  } finally {
    server.close();
    await client.stop();
  }
}

async function connectError(security: CertificateSecurity, port: number): Promise<SocketError> {
  const socket = backend.createSocket({ security, ciphersuites: [SUITE.id], ...QUICK }, environment);
  try {
    await socket.connect('127.0.0.1', port);
  } catch (error) {
    if (error instanceof SocketError) return error;
    throw error;
  } finally {
    socket.close();
  }
  throw new Error('it connected');
}

/** As OpenSSL, gnutls-cli and gnutls-serv print an alert that they received. */
function printed(alert: number): RegExp {
  return new RegExp(`SSL alert number ${alert}|Received alert \\[${alert}\\]|Alert\\[2\\|${alert}\\]`);
}

async function listen(security: CertificateServerSecurity): Promise<ReturnType<typeof backend.createServer>> {
  const server = backend.createServer({ security, ciphersuites: [SUITE.id], ...QUICK }, environment);
  await server.bind('127.0.0.1', 0);
  return server;
}

function lists(pki: Pki): ReturnType<typeof certificateRevocationListFromBuffer> {
  return certificateRevocationListFromBuffer(pki.bytes('crl.pem'));
}

function files(pki: Pki, name: CertificateName): { suite: string; certificate: string; key: string; chain: string } {
  const chain = pki.file('inter.pem');
  return { suite: OPENSSL_SUITE, certificate: pki.file(`${name}.pem`), key: pki.file(`${name}.key`), chain };
}

function revocation(pki: Pki): readonly string[] {
  return ['-crl_check', '-CRL', pki.file('crl.pem')];
}

function x509Flags(pki: Pki, name: CertificateName): readonly string[] {
  const own = ['--x509certfile', pki.file(`${name}-chain.pem`), '--x509keyfile', pki.file(`${name}.key`)];
  return [...own, '--x509cafile', pki.file('authorities.pem'), '--x509crlfile', pki.file('crl.pem')];
}
