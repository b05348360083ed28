// One case or more per operation of the abstract socket.

import { UNBOUNDED, hours, milliseconds } from '../../runtime/index.ts';
import type { CaseDefinition } from './case.ts';
import { check, rejected, same, thrown } from './expectation.ts';

const ZERO = milliseconds(0);
const MESSAGE = Uint8Array.of(1, 2, 3);

export const OPERATION_CASES: readonly CaseDefinition[] = [
  {
    name: 'connect',
    rule: 'connect resolves, and local, remote and remoteHostname tell with whom',
    run: async (scene) => {
      const { client, port } = await scene.pair();
      same(client.remote?.port, port, 'remote.port');
      same(client.remote?.address, scene.fixture.address, 'remote.address');
      check((client.local?.port ?? 0) > 0, 'local has a port');
      same(client.remoteHostname, scene.fixture.host, 'remoteHostname');
      same(client.secure, scene.fixture.secure, 'secure');
      same(client.transport, scene.fixture.transport, 'transport');
    },
  },
  {
    name: 'connect twice',
    rule: 'connect on a connected socket is EBADF, and the socket lives on',
    run: async (scene) => {
      const { client, session, port } = await scene.pair();
      await rejected(scene.run(client.connect(scene.fixture.host, port)), 'EBADF', 'second connect');
      same(client.getOption('state'), 'connected', 'state');
      client.send(MESSAGE);
      same(await scene.run(session.next()), MESSAGE, 'message after it');
    },
  },
  {
    name: 'connect to an unknown name',
    rule: 'a name that does not resolve is ENOTFOUND, and the socket is closed',
    needs: ['names'],
    run: async (scene) => {
      const client = scene.socket();
      await rejected(scene.run(client.connect('unknown.invalid', 1)), 'ENOTFOUND', 'connect');
      same(client.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'connect to a port out of range',
    rule: 'a port beyond 65535 is EINVAL',
    run: async (scene) => {
      await rejected(scene.run(scene.socket().connect(scene.fixture.host, 65_536)), 'EINVAL', 'connect');
    },
  },
  {
    name: 'failed connect',
    rule: 'a connect that fails rejects, and leaves the socket closed and nothing open',
    needs: ['connectFails'],
    run: async (scene) => {
      const port = (await scene.fixture.deadPort?.()) ?? 1;
      const before = await scene.fixture.openHandles?.();
      const client = scene.socket();
      const outcome = await scene.run(
        client.connect(scene.fixture.host, port).then(
          () => 'connected',
          () => 'failed',
        ),
      );
      same(outcome, 'failed', 'connect');
      same(client.getOption('state'), 'closed', 'state');
      same(client.local, undefined, 'local');
      same(await scene.fixture.openHandles?.(), before, 'open handles');
    },
  },
  {
    name: 'connect aborted before',
    rule: 'a signal aborted already rejects with ECANCELED and opens nothing',
    run: async (scene) => {
      const { port } = await scene.listening();
      const client = scene.socket();
      const before = await scene.fixture.openHandles?.();
      const signal = AbortSignal.abort();
      await rejected(scene.run(client.connect(scene.fixture.host, port, { signal })), 'ECANCELED', 'connect');
      same(client.getOption('state'), 'closed', 'state');
      same(await scene.fixture.openHandles?.(), before, 'open handles');
    },
  },
  {
    name: 'connect aborted under way',
    rule: 'aborting rejects with ECANCELED and leaves nothing open',
    run: async (scene) => {
      const { port } = await scene.listening();
      const client = scene.socket();
      const before = await scene.fixture.openHandles?.();
      const controller = new AbortController();
      const connecting = client.connect(scene.fixture.host, port, { signal: controller.signal });
      same(client.getOption('state'), 'connecting', 'state under way');
      controller.abort();
      await rejected(scene.run(connecting), 'ECANCELED', 'connect');
      same(client.getOption('state'), 'closed', 'state');
      same(client.remote, undefined, 'remote');
      same(await scene.fixture.openHandles?.(), before, 'open handles');
    },
  },
  {
    name: 'close while connecting',
    rule: 'close ends a connect under way with ECANCELED',
    run: async (scene) => {
      const { port } = await scene.listening();
      const client = scene.socket();
      const connecting = client.connect(scene.fixture.host, port);
      client.close();
      await rejected(scene.run(connecting), 'ECANCELED', 'connect');
      same(client.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'reconnect',
    rule: 'a closed socket can be connected again',
    run: async (scene) => {
      const { client, session, listener, port } = await scene.pair();
      client.close();
      session.close();
      const accepted = listener.accept();
      await scene.run(client.connect(scene.fixture.host, port));
      client.send(MESSAGE);
      same(await scene.run((await scene.run(accepted)).next()), MESSAGE, 'message of the second life');
    },
  },
  {
    name: 'bind',
    rule: 'bind gives a local endpoint; port 0 gives a free port',
    needs: ['bind'],
    run: async (scene) => {
      const socket = scene.socket();
      await scene.run(socket.bind(scene.fixture.address, 0));
      same(socket.local?.address, scene.fixture.address, 'local.address');
      check((socket.local?.port ?? 0) > 0, 'local.port is a port');
    },
  },
  {
    name: 'bind to a name',
    rule: 'bind takes literal addresses only: a name is EINVAL',
    needs: ['bind'],
    run: async (scene) => {
      const socket = scene.socket();
      await rejected(scene.run(socket.bind('name.example', 0)), 'EINVAL', 'bind');
      same(socket.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'bind to a taken port',
    rule: 'bind to a port in use is EADDRINUSE, and the socket is closed',
    needs: ['bind'],
    run: async (scene) => {
      const { port } = await scene.listening();
      const socket = scene.socket();
      await rejected(scene.run(socket.bind(scene.fixture.address, port)), 'EADDRINUSE', 'bind');
      same(socket.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'accept',
    rule: 'accept gives a session of its own for each client',
    needs: ['sessions'],
    run: async (scene) => {
      const { client, session, listener, port } = await scene.pair();
      const second = scene.socket();
      const accepted = listener.accept();
      await scene.run(second.connect(scene.fixture.host, port));
      second.send(MESSAGE);
      const other = await scene.run(accepted);
      same(await scene.run(other.next()), MESSAGE, 'message of the second client');
      same(session.remote?.port, client.local?.port, "the first session's remote");
      same(other.remote?.port, second.local?.port, "the second session's remote");
      other.send(Uint8Array.of(9));
      same(await scene.run(second.next()), Uint8Array.of(9), 'answer to the second client');
    },
  },
  {
    name: 'accept aborted',
    rule: 'an aborted accept is ECANCELED, and the listener lives on',
    needs: ['sessions'],
    run: async (scene) => {
      const { listener, port } = await scene.listening();
      const controller = new AbortController();
      const accepted = listener.accept({ signal: controller.signal });
      controller.abort();
      await rejected(scene.run(accepted), 'ECANCELED', 'accept');
      const again = listener.accept();
      const client = scene.socket();
      await scene.run(client.connect(scene.fixture.host, port));
      client.send(MESSAGE);
      same(await scene.run((await scene.run(again)).next()), MESSAGE, 'message after it');
    },
  },
  {
    name: 'accept on a connected socket',
    rule: 'an operation the socket can never do is ENOTSUP',
    run: async (scene) => {
      const { client } = await scene.pair();
      await rejected(scene.run(client.accept()), 'ENOTSUP', 'accept');
    },
  },
  {
    name: 'accept ends with its listener',
    rule: 'closing the listener ends a waiting accept with EBADF',
    needs: ['sessions'],
    run: async (scene) => {
      const { listener } = await scene.listening();
      const accepted = listener.accept();
      accepted.catch(() => undefined);
      listener.close();
      await rejected(scene.run(accepted), 'EBADF', 'accept');
    },
  },
  {
    name: 'send and receive',
    rule: 'bytes arrive as they were sent, both ways; receive never waits',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      same(client.receive(), undefined, 'receive before anything came');
      client.send(MESSAGE);
      same(await scene.run(session.next()), MESSAGE, 'at the session');
      const watch = scene.watch(client);
      session.send(Uint8Array.of(4, 5));
      await watch.until(() => watch.readable > 0);
      same(client.receive(), Uint8Array.of(4, 5), 'at the client');
      same(client.receive(), undefined, 'receive after everything was taken');
    },
  },
  {
    name: 'send on a closed socket',
    rule: 'send needs a connection: EBADF when closed',
    run: async (scene) => {
      thrown(() => scene.socket().send(MESSAGE), 'EBADF', 'send');
    },
  },
  {
    name: 'send on a bound socket',
    rule: 'send on a socket without a peer is ENOTCONN',
    needs: ['bind'],
    run: async (scene) => {
      const { listener } = await scene.listening();
      const error = thrown(() => listener.send(MESSAGE), 'ENOTCONN', 'send');
      same(error.fatal, false, 'fatal');
    },
  },
  {
    name: 'receive on a closed socket',
    rule: 'receive and next on a closed socket are EBADF',
    run: async (scene) => {
      const socket = scene.socket();
      thrown(() => socket.receive(), 'EBADF', 'receive');
      await rejected(scene.run(socket.next()), 'EBADF', 'next');
    },
  },
  {
    name: 'next waits',
    rule: 'next resolves with what arrives later, in order, for each who waits',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const first = client.next();
      session.send(Uint8Array.of(1));
      same(await scene.run(first), Uint8Array.of(1), 'first');
      const second = client.next();
      session.send(Uint8Array.of(2));
      same(await scene.run(second), Uint8Array.of(2), 'second');
    },
  },
  {
    name: 'next aborted',
    rule: 'an aborted next is ECANCELED, takes nothing, and the socket lives on',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const controller = new AbortController();
      const waiting = client.next({ signal: controller.signal });
      controller.abort();
      const error = await rejected(scene.run(waiting), 'ECANCELED', 'next');
      same(error.fatal, false, 'fatal');
      session.send(MESSAGE);
      same(await scene.run(client.next()), MESSAGE, 'message after it');
    },
  },
  {
    name: 'next with no time',
    rule: 'receiveTimeout 0: EAGAIN at once, not fatal',
    run: async (scene) => {
      const { client } = await scene.pair({ receiveTimeout: ZERO });
      const error = await rejected(scene.run(client.next()), 'EAGAIN', 'next');
      same(error.fatal, false, 'fatal');
      same(client.getOption('state'), 'connected', 'state');
    },
  },
  {
    name: 'next with finite time',
    rule: 'a finite receiveTimeout ends in ETIMEDOUT, not fatal',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      client.setOption('receiveTimeout', milliseconds(5));
      const error = await rejected(scene.run(client.next()), 'ETIMEDOUT', 'next');
      same(error.fatal, false, 'fatal');
      client.setOption('receiveTimeout', UNBOUNDED);
      session.send(MESSAGE);
      same(await scene.run(client.next()), MESSAGE, 'message after it');
    },
  },
  {
    name: 'next with unbounded time',
    rule: 'an unbounded receiveTimeout waits until something comes',
    needs: ['virtualTime'],
    run: async (scene) => {
      const { client, session } = await scene.pair({ receiveTimeout: UNBOUNDED });
      const { clock, timers } = scene.fixture.environment;
      const waiting = client.next();
      timers.at((clock.now() + hours(20)) as ReturnType<typeof clock.now>, () => session.send(MESSAGE));
      same(await scene.run(waiting), MESSAGE, 'message hours later');
    },
  },
  {
    name: 'shutdown',
    rule: 'shutdown ends our side: state shutdown or closed, and send is EBADF',
    run: async (scene) => {
      const { client } = await scene.pair();
      await scene.run(client.shutdown());
      check(['shutdown', 'closed'].includes(client.getOption('state')), 'state is shutdown or closed');
      thrown(() => client.send(MESSAGE), 'EBADF', 'send after shutdown');
    },
  },
  {
    name: 'shutdown on a closed socket',
    rule: 'shutdown needs a connection: EBADF when closed',
    run: async (scene) => {
      await rejected(scene.run(scene.socket().shutdown()), 'EBADF', 'shutdown');
    },
  },
  {
    name: 'close',
    rule: 'close is allowed in every state, and again; a waiting next ends with EBADF',
    run: async (scene) => {
      const closed = scene.socket();
      closed.close();
      const { client } = await scene.pair();
      const waiting = client.next();
      waiting.catch(() => undefined);
      client.close();
      client.close();
      same(client.getOption('state'), 'closed', 'state');
      await rejected(scene.run(waiting), 'EBADF', 'next under way');
    },
  },
  {
    name: 'dispose',
    rule: 'Symbol.asyncDispose closes',
    run: async (scene) => {
      const { client } = await scene.pair();
      await scene.run(client[Symbol.asyncDispose]());
      same(client.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'system handle',
    rule: "system is the host's own object while the socket is open",
    needs: ['system'],
    run: async (scene) => {
      const { client } = await scene.pair();
      check(client.system !== undefined && client.system !== null, 'system is there');
    },
  },
  {
    name: 'interface name',
    rule: 'interfaceName is undefined where none was asked for',
    run: async (scene) => {
      const { client } = await scene.pair();
      same(client.interfaceName, undefined, 'interfaceName');
    },
  },
  {
    name: 'decorate without a layer below',
    rule: 'decorate is ENOTSUP where there is no layer below',
    needs: ['noDecorate'],
    run: async (scene) => {
      const [upper, lower] = [scene.socket(), scene.socket()];
      const decorated =
        upper.transport === 'datagram'
          ? lower.transport === 'datagram' && upper.decorate(lower)
          : lower.transport === 'stream' && upper.decorate(lower);
      check(decorated !== false, 'both sockets are of one kind');
      await rejected(scene.run(decorated), 'ENOTSUP', 'decorate');
    },
  },
];
