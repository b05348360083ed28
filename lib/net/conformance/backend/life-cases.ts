// One socket through its lives: connects, what it stands on, how it ends, and what goes on from an earlier life.

import { check, rejected, same } from '../expectation.ts';
import type { SessionStore } from '../../ssl-configuration.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../crypto/index.ts';
import type { BackendCaseDefinition } from './case.ts';
import { IDENTITY, OTHER_KEY, clientSecurity, otherSecurity, serverSecurity } from './credentials.ts';
import type { Kind } from './fixture.ts';
import { IMPATIENT, type Stage, over } from './stage.ts';

export const LIFE_CASES: readonly BackendCaseDefinition[] = [
  {
    name: 'connect twice',
    rule: 'connect on a connected socket is EBADF, and the connection lives on',
    run: async (stage) => {
      const { client, session, port } = await stage.pair();
      await rejected(stage.run(client.connect(stage.peer.host, port)), 'EBADF', 'second connect');
      client.send(Uint8Array.of(7));
      same(await stage.run(session.next()), Uint8Array.of(7), 'message after it');
    },
  },
  {
    name: 'close and reconnect',
    rule: 'a closed socket connects again, and its credentials still serve',
    run: async (stage) => {
      const { client, listener } = await stage.pair();
      client.close();
      await stage.nothingLeft(client);
      const session = await stage.join(client, listener);
      session.send(Uint8Array.of(7));
      same(await stage.run(client.next()), Uint8Array.of(7), 'message of the second life');
    },
  },
  {
    name: 'failed connect',
    rule: 'a connect that nobody answers rejects, closes the raw socket and leaves no timer; the socket can try again',
    run: async (stage) => {
      const client = stage.client(IMPATIENT);
      const error = await stage.fails(client.connect(stage.peer.host, await stage.peer.deadPort()));
      same(error.fatal, true, 'fatal');
      await stage.nothingLeft(client);
      const { listener } = await stage.listening();
      await stage.join(client, listener);
    },
  },
  {
    name: 'decorate a connected socket',
    rule: 'decorate shakes hands over the socket it is given, opens no other, and closes it when closed',
    run: async (stage) => {
      const { client, lower, session } = await decorated(stage);
      same(client.remoteHostname, stage.peer.host, 'remoteHostname');
      session.send(Uint8Array.of(7));
      same(await stage.run(client.next()), Uint8Array.of(7), 'message over it');
      same(stage.lowers.length, 1, 'raw sockets');
      client.close();
      same(lower.getOption('state'), 'closed', 'state of the raw socket');
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'decorate a closed socket',
    rule: 'a closed socket given to decorate is the one that connect opens',
    run: async (stage) => {
      const { listener } = await stage.listening();
      const [client, lower] = [stage.client(), stage.rawSocket()];
      await stage.run(over(client, lower));
      await stage.join(client, listener);
      same(lower.getOption('state'), 'connected', 'state of the socket given');
      same(stage.lowers.length, 1, 'raw sockets');
    },
  },
  {
    name: 'decorate that fails',
    rule: 'a handshake that fails closes the socket given to decorate',
    needs: ['psk'],
    run: async (stage) => {
      const { port } = await stage.listening({ security: serverSecurity('psk') });
      const key = pskKeyFromBuffer(OTHER_KEY);
      const client = stage.client({
        ...IMPATIENT,
        security: { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key },
      });
      const lower = stage.rawSocket();
      await stage.run(lower.connect(stage.peer.host, port));
      await stage.fails(over(client, lower, { host: stage.peer.host }));
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'the raw socket ends',
    rule: 'when the socket below is closed the one above closes, says so once, and leaves no timer',
    run: async (stage) => {
      const { client, lower } = await stage.pair();
      const watch = stage.watch(client);
      lower.socket.close();
      await watch.until(() => watch.closed.length > 0);
      same(watch.closed.length, 1, 'calls of closed');
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'the peer ends in order',
    rule: 'after close_notify comes the end, `closed` has no cause, and nothing is left',
    run: async (stage) => {
      const { client, session } = await stage.pair();
      const watch = stage.watch(client);
      await stage.run(session.shutdown());
      same(await stage.run(client.next()), null, 'the end');
      if (client.getOption('state') !== 'closed') await stage.run(client.shutdown());
      await watch.until(() => watch.closed.length > 0);
      same(watch.closed[0], undefined, 'cause');
      same(watch.closed.length, 1, 'calls of closed');
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'an end that is cut off',
    rule: 'a stream that ends below without close_notify has not ended in order: `closed` is told EOF',
    transport: 'stream',
    run: async (stage) => {
      const { client, lower } = await stage.pair();
      const watch = stage.watch(client);
      lower.passage.cut();
      await watch.until(() => watch.closed.length > 0 || client.getOption('hasBufferedData'));
      await stage.pass();
      same(watch.closed[0]?.code, 'EOF', 'code of the cause');
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'dispose',
    rule: 'Symbol.asyncDispose closes for good: nothing is left, and no key to connect with',
    run: async (stage) => {
      const { client, port } = await stage.pair();
      await stage.run(client[Symbol.asyncDispose]());
      await stage.nothingLeft(client);
      await stage.fails(client.connect(stage.peer.host, port));
    },
  },
  {
    name: 'resumption',
    rule: 'the second connect with one session store resumes, and says so; the first did not',
    needs: ['resumption'],
    run: async (stage) => {
      const flags = await lives(stage, [{ sessionStore: memoryStore() }, undefined, undefined]);
      same(flags.join(), 'false,true,true', 'sessionResumed of three connects');
    },
  },
  {
    name: 'no resumption without a store',
    rule: 'without a session store nothing is resumed',
    needs: ['resumption'],
    run: async (stage) => {
      same((await lives(stage, [{}, undefined])).join(), 'false,false', 'sessionResumed of two connects');
    },
  },
  {
    name: 'resumption by another',
    rule: 'a stored session is of its credentials and of whom they trust: with others it is not resumed',
    needs: ['resumption'],
    run: async (stage) => {
      const sessionStore = memoryStore();
      const { listener, kind } = await stage.resuming();
      const [one, two] = [clientSecurity(kind), otherSecurity(kind)];
      const flags: boolean[] = [];
      for (const security of [one, two, one]) {
        const client = stage.client({ security, sessionStore });
        await talk(stage, client, listener);
        flags.push(client.getOption('sessionResumed'));
        client.close();
      }
      same(flags.join(), 'false,false,true', 'sessionResumed as one, two, one');
    },
  },
  {
    name: 'a live session',
    rule: 'after suspend another socket goes on with the session: nothing is sent, and connectionIdResumed says so',
    transport: 'datagram',
    needs: ['liveSession', 'connectionId'],
    run: async (stage) => {
      const configuration = { connectionId: true, liveSession: stage.liveSession() };
      const { client, session, port } = await stage.pair(configuration, { connectionId: true });
      check(client.transport === 'datagram' && client.suspend !== undefined, 'a socket that is kept has suspend');
      const from = { port: client.local?.port ?? 0 };
      client.suspend();
      same(client.getOption('state'), 'closed', 'state after suspend');
      const next = stage.client({ ...configuration, socket: { localEndpoint: from } });
      await stage.run(next.connect(stage.peer.host, port));
      same(stage.lastLower.passage.sent.length, 0, 'datagrams sent by connecting');
      same(next.getOption('connectionIdResumed'), true, 'connectionIdResumed');
      next.send(Uint8Array.of(7));
      same(await stage.run(session.next()), Uint8Array.of(7), 'message in the session as it was');
      next.close();
      await stage.nothingLeft(next);
    },
  },
];

async function decorated<S extends Kind<S>>(stage: Stage<S>): Promise<{ client: S; lower: S; session: S }> {
  const { listener, port } = await stage.listening();
  const [client, lower] = [stage.client(), stage.rawSocket()];
  await stage.run(lower.connect(stage.peer.host, port));
  const accepted = stage.accept(listener);
  await stage.run(over(client, lower, { host: stage.peer.host }));
  return { client, lower, session: await stage.greet(client, accepted) };
}

/** Connects one client after the other to one server; an undefined configuration is that of the one before. */
async function lives<S extends Kind<S>>(
  stage: Stage<S>,
  configurations: readonly (Parameters<Stage<S>['client']>[0] | undefined)[],
): Promise<readonly boolean[]> {
  const { listener, kind } = await stage.resuming();
  const flags: boolean[] = [];
  let present: Parameters<Stage<S>['client']>[0];
  for (const configuration of configurations) {
    present = configuration ?? present;
    const client = stage.client({ security: clientSecurity(kind), ...present });
    await talk(stage, client, listener);
    const resumed = client.getOption('sessionResumed');
    same(client.getOption('negotiated')?.resumed === true, resumed, 'negotiated.resumed');
    flags.push(resumed);
    client.close();
  }
  return flags;
}

/** There and back, so that what a server sends after its handshake has come too. */
async function talk<S extends Kind<S>>(stage: Stage<S>, client: S, listener: S): Promise<void> {
  const session = await stage.join(client, listener);
  session.send(Uint8Array.of(7));
  same(await stage.run(client.next()), Uint8Array.of(7), 'message to the client');
}

/** Copies what it is given, as a store must. */
export function memoryStore(): SessionStore {
  const sessions = new Map<string, Uint8Array>();
  return {
    load: (key) => sessions.get(key)?.slice(),
    save: (key, session) => void sessions.set(key, session.slice()),
    remove: (key) => void sessions.delete(key),
  };
}
