// The server's role: whom it lets in, and what it keeps apart.

import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../crypto/index.ts';
import { settle } from '../../../runtime/index.ts';
import { utf8Encode } from '../../../bytes/index.ts';
import { SocketError } from '../../errors.ts';
import type { ServerConfiguration, SslConfiguration } from '../../ssl-configuration.ts';
import { check, rejected, same, thrown } from '../expectation.ts';
import type { BackendCaseDefinition } from './case.ts';
import {
  type CredentialKind,
  IDENTITY,
  KEY,
  KINDS,
  OTHER_KEY,
  clientSecurity,
  keyOf,
  serverSecurity,
} from './credentials.ts';
import type { Kind } from './fixture.ts';
import { WORDS } from './handshake-cases.ts';
import { memoryStore } from './life-cases.ts';
import { checkNoSecret } from './secrecy-cases.ts';
import { IMPATIENT, type Stage } from './stage.ts';

const serveWith = (kind: CredentialKind): BackendCaseDefinition => ({
  name: `server with ${WORDS[kind]}`,
  rule: 'accept gives the session of a client that is let in, and messages go both ways',
  needs: ['server', kind],
  run: async (stage) => {
    const server = await serving(stage, { security: serverSecurity(kind) });
    const { client, session } = await visit(stage, server, { security: clientSecurity(kind) });
    same(session.getOption('state'), 'accepted', 'state of the session');
    same(session.secure, true, 'secure');
    const agreed = session.getOption('negotiated');
    check(agreed !== undefined, 'negotiated is there');
    if (kind === 'psk') same(agreed.pskIdentity, IDENTITY, 'negotiated.pskIdentity');
    session.send(Uint8Array.of(7));
    same(await stage.run(client.next()), Uint8Array.of(7), 'message to the client');
  },
});

export const SERVER_CASES: readonly BackendCaseDefinition[] = [
  ...KINDS.map(serveWith),
  {
    name: 'server and a wrong key',
    rule: 'a client with another key does not get in, and there is no session',
    needs: ['server', 'psk'],
    run: async (stage) => {
      const server = await serving(stage, { security: serverSecurity('psk') });
      await turnedAway(stage, server, { ...pskOf(IDENTITY), key: pskKeyFromBuffer(OTHER_KEY) });
      await turnedAway(stage, server, pskOf(utf8Encode('stranger')));
      await visit(stage, server, { security: clientSecurity('psk') });
    },
  },
  {
    name: 'server with keys looked up later',
    rule: 'lookup may answer with a promise; one that is kept too late, or rejects, lets nobody in',
    needs: ['server', 'psk'],
    run: async (stage) => {
      const lookup = async (identity: Uint8Array): Promise<ReturnType<typeof keyOf>> => {
        await settle();
        return keyOf(identity);
      };
      await visit(stage, await serving(stage, { security: { mode: 'psk', lookup } }), {
        security: clientSecurity('psk'),
      });
      const failing = await serving(stage, {
        security: { mode: 'psk', lookup: () => Promise.reject(new Error('no database')) },
      });
      await turnedAway(stage, failing, pskOf(IDENTITY));
    },
  },
  {
    name: 'server credential kinds never crossed',
    rule: 'a server of one kind lets in no client of another',
    needs: ['server', 'twoKinds'],
    run: async (stage) => {
      for (const ours of stage.kinds) {
        const server = await serving(stage, { security: serverSecurity(ours) });
        for (const theirs of stage.kinds.filter((kind) => kind !== ours)) {
          await turnedAway(stage, server, clientSecurity(theirs));
        }
        server.close();
      }
    },
  },
  {
    name: 'server with several clients',
    rule: 'each session hears its own client, and closing one leaves the others',
    needs: ['server'],
    run: async (stage) => {
      const server = await serving(stage);
      const visits = [await visit(stage, server), await visit(stage, server), await visit(stage, server)];
      for (const [at, { client }] of visits.entries()) client.send(Uint8Array.of(at));
      for (const [at, { session }] of visits.entries()) {
        same(await stage.run(session.next()), Uint8Array.of(at), `message of client ${at}`);
      }
      visits[0]?.session.close();
      visits[1]?.client.send(Uint8Array.of(9));
      same(
        await stage.run(visits[1]?.session.next() ?? Promise.resolve(null)),
        Uint8Array.of(9),
        'message after a close',
      );
    },
  },
  {
    name: 'server resumption',
    rule: 'where it was asked for, a client resumes its session, and both sides say so',
    needs: ['server', 'resumption'],
    run: async (stage) => {
      const { server, kind } = await resuming(stage);
      const sessionStore = memoryStore();
      const flags: boolean[] = [];
      for (let life = 0; life < 2; life++) {
        const { client, session } = await visit(stage, server, { security: clientSecurity(kind), sessionStore });
        session.send(Uint8Array.of(7));
        await stage.run(client.next());
        flags.push(session.getOption('sessionResumed'), client.getOption('sessionResumed'));
        client.close();
      }
      same(flags.join(), 'false,false,true,true', 'sessionResumed of session and client, twice');
    },
  },
  {
    name: 'server closed',
    rule: 'closing a server ends accept and the raw socket, and leaves no timer; sessions over datagrams end with it',
    needs: ['server'],
    run: async (stage) => {
      const server = await serving(stage);
      const { session } = await visit(stage, server);
      const waiting = stage.accept(server);
      server.close();
      await rejected(stage.run(waiting), 'EBADF', 'accept under way');
      // Over streams each session has a connection of its own.
      if (session.transport === 'stream') session.close();
      same(session.getOption('state'), 'closed', 'state of the session');
      thrown(() => session.send(Uint8Array.of(1)), 'EBADF', 'send of the session');
      await stage.nothingLeft(server);
    },
  },
  {
    name: 'server secrets are not printed',
    rule: 'no key is in a log line of a server, whether clients get in or not',
    needs: ['server'],
    run: async (stage) => {
      for (const kind of stage.kinds) {
        const server = await serving(stage, { security: serverSecurity(kind) });
        await visit(stage, server, { security: clientSecurity(kind) });
        if (kind === 'psk') await turnedAway(stage, server, { ...pskOf(IDENTITY), key: pskKeyFromBuffer(OTHER_KEY) });
        server.close();
      }
      checkNoSecret(stage.environment.logged);
    },
  },
];

function pskOf(identity: Uint8Array): Extract<ReturnType<typeof clientSecurity>, { readonly mode: 'psk' }> {
  return { mode: 'psk', identity: pskIdentityFromBuffer(identity), key: pskKeyFromBuffer(KEY) };
}

/** A server of the backend, bound where the peer's clients look for it. */
async function serving<S extends Kind<S>>(
  stage: Stage<S>,
  configuration: Partial<ServerConfiguration> = {},
): Promise<S> {
  const server = stage.server(configuration);
  await stage.run(server.bind(stage.peer.address, 0));
  return server;
}

/** A server that lets its clients resume, with a kind of credentials with which the backend can. */
async function resuming<S extends Kind<S>>(stage: Stage<S>): Promise<{ server: S; kind: CredentialKind }> {
  for (const kind of stage.kinds) {
    try {
      return { server: await serving(stage, { security: serverSecurity(kind), resumption: true }), kind };
    } catch (error) {
      if (!(error instanceof SocketError && error.code === 'ENOTSUP')) throw error;
    }
  }
  check(false, 'a backend whose capabilities have resumption makes a server that resumes');
}

/** A client of the peer's that gets in. */
async function visit<S extends Kind<S>>(
  stage: Stage<S>,
  server: S,
  configuration: Partial<SslConfiguration> = {},
): Promise<{ client: S; session: S }> {
  const client = stage.visitor(configuration);
  return { client, session: await stage.join(client, server) };
}

/** Checks that a client of the peer's does not get in. */
async function turnedAway<S extends Kind<S>>(
  stage: Stage<S>,
  server: S,
  security: SslConfiguration['security'],
): Promise<void> {
  const waiting = new AbortController();
  const accepted = stage.accept(server, { signal: waiting.signal });
  const client = stage.visitor({ ...IMPATIENT, security });
  await stage.fails(client.connect(stage.peer.host, server.local?.port ?? 0));
  waiting.abort();
  await rejected(stage.run(accepted), 'ECANCELED', 'accept at the server: a session');
}
