// What a handshake must come to, and what is refused before there is one.

import { VirtualTime } from '../../../runtime/index.ts';
import { SocketError } from '../../errors.ts';
import type { SecurityVersion } from '../../negotiated.ts';
import type { SslConfiguration } from '../../ssl-configuration.ts';
import { check, same, thrown } from '../expectation.ts';
import type { BackendCaseDefinition } from './case.ts';
import { type CredentialKind, IDENTITY, KINDS, clientSecurity, serverSecurity } from './credentials.ts';
import type { Kind } from './fixture.ts';
import type { Stage } from './stage.ts';

const VERSIONS: readonly SecurityVersion[] = ['DTLS1.2', 'DTLS1.3', 'TLS1.2', 'TLS1.3'];

/** What the cases call each kind. */
export const WORDS: Readonly<Record<CredentialKind, string>> = {
  psk: 'a pre-shared key',
  certificate: 'certificates',
  rawPublicKey: 'raw public keys',
};

const handshakeWith = (kind: CredentialKind): BackendCaseDefinition => ({
  name: `handshake with ${WORDS[kind]}`,
  rule: 'connect resolves, `negotiated` says on what, and messages go both ways',
  needs: [kind],
  run: async (stage) => {
    const { client, session } = await stage.pair(
      { security: clientSecurity(kind) },
      { security: serverSecurity(kind) },
    );
    same(client.secure, true, 'secure');
    same(client.getOption('state'), 'connected', 'state');
    same(client.getOption('connectionIdResumed'), false, 'connectionIdResumed');
    const agreed = client.getOption('negotiated');
    const { versions, ciphersuites } = stage.backend.capabilities;
    check(agreed !== undefined, 'negotiated is there');
    check(versions.includes(agreed.version), `version: expected one of the capabilities, found ${agreed.version}`);
    check(ciphersuites.includes(agreed.ciphersuite), 'ciphersuite: expected one of the capabilities');
    same(agreed.resumed, undefined, 'resumed');
    if (kind === 'psk')
      same(session.getOption('negotiated')?.pskIdentity ?? IDENTITY, IDENTITY, 'identity at the server');
    session.send(Uint8Array.of(4, 5, 6));
    same(await stage.run(client.next()), Uint8Array.of(4, 5, 6), 'message to the client');
    check(client.getOption('bytesSent') > 0n && client.getOption('bytesReceived') > 0n, 'bytes are counted');
  },
});

export const HANDSHAKE_CASES: readonly BackendCaseDefinition[] = [
  ...KINDS.map(handshakeWith),
  {
    name: 'the cipher suite asked for',
    rule: 'a configuration that names suites is met with one of them, or refused when the socket is made',
    run: async (stage) => {
      const { client } = await stage.pair();
      const first = client.getOption('negotiated')?.ciphersuite ?? 0;
      for (const other of othersInCommon(stage, first)) {
        const pair = await stage.pair({ ciphersuites: [other] }, { ciphersuites: [first, other] });
        same(pair.client.getOption('negotiated')?.ciphersuite, other, 'ciphersuite');
      }
    },
  },
  {
    name: 'what is lacking is refused',
    rule: 'what the capabilities do not have is ENOTSUP when the socket is made, and nothing is opened',
    run: async (stage) => {
      for (const [what, asked] of lackingConfigurations(stage)) thrown(() => stage.client(asked), 'ENOTSUP', what);
      if (stage.backend.capabilities.clock === 'system') {
        const { timers, random, log } = stage.environment;
        const environment = { clock: new VirtualTime(), timers, random, log };
        const make = (): unknown => stage.backend.createSocket({ security: clientSecurity(stage.kind) }, environment);
        thrown(make, 'ENOTSUP', 'simulated time');
      }
      same(stage.lowers.length, 0, 'raw sockets made');
    },
  },
  {
    name: 'key log',
    rule: 'one line per secret in the format of NSS where it was asked for, or ENOTSUP when the socket is made',
    run: async (stage) => {
      const lines: string[] = [];
      const asked = { dangerKeyLog: (line: string): void => void lines.push(line) };
      if (!canBeMade(stage, asked)) return;
      await stage.pair(asked);
      check(lines.length > 0, 'the key log is told of the secrets');
      for (const line of lines) check(NSS_LINE.test(line), 'each line is a label, the client random and a secret');
    },
  },
  {
    name: 'additionalConfiguration',
    rule: 'the hook is called once for each connect, with an object, before anything is sent',
    run: async (stage) => {
      const sentBefore: number[] = [];
      const additionalConfiguration = (native: unknown): void => {
        check(typeof native === 'object' && native !== null, 'the hook is given an object');
        sentBefore.push(stage.lowers.reduce((sum, { passage }) => sum + passage.sent.length, 0));
      };
      const { client, listener } = await stage.pair({ additionalConfiguration });
      same(sentBefore.join(), '0', 'messages sent before each call of the hook');
      client.close();
      await stage.join(client, listener);
      same(sentBefore.length, 2, 'calls after the second connect');
    },
  },
];

const NSS_LINE = /^[A-Z][A-Z0-9_]* [0-9a-f]{64} [0-9a-f]{64,128}$/;

const SOME = 2;

/** Suites beside `first` that the peer has too and a configuration of our kind can be made with. */
function othersInCommon<S extends Kind<S>>(stage: Stage<S>, first: number): readonly number[] {
  const { ciphersuites } = stage.peer.capabilities;
  const common = stage.backend.capabilities.ciphersuites.filter((id) => id !== first && ciphersuites.includes(id));
  return common.filter((id) => canBeMade(stage, { ciphersuites: [id] })).slice(-SOME);
}

/** Whether a socket can be made; else its backend says ENOTSUP. */
export function canBeMade<S extends Kind<S>>(stage: Stage<S>, configuration: Partial<SslConfiguration>): boolean {
  try {
    stage.client(configuration);
    return true;
  } catch (error) {
    check(error instanceof SocketError && error.code === 'ENOTSUP', `expected ENOTSUP, found ${String(error)}`);
    return false;
  }
}

function lackingConfigurations<S extends Kind<S>>(
  stage: Stage<S>,
): readonly (readonly [string, Partial<SslConfiguration>])[] {
  const { versions, credentials, connectionId, dane, liveSession } = stage.backend.capabilities;
  const record = { usage: 3, selector: 1, matchingType: 1, associationData: new Uint8Array(32) } as const;
  const absent = VERSIONS.filter((version) => !versions.includes(version));
  return [
    ...absent.map((version) => [`version ${version}`, { versions: [version] }] as const),
    ['a suite that nobody has', { ciphersuites: [0xfefe] }],
    ...KINDS.filter((kind) => !credentials.includes(kind)).map(
      (kind) => [`credentials of the kind ${kind}`, { security: clientSecurity(kind) }] as const,
    ),
    ...(connectionId ? [] : [['connectionId', { connectionId: true }] as const]),
    ...(dane ? [] : [['daneTlsaRecords', { daneTlsaRecords: [record] }] as const]),
    ...(liveSession === true ? [] : [['liveSession', { liveSession: { open: () => undefined } }] as const]),
  ];
}
