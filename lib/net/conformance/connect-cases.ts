// connect: what it gives, how it fails, how it is called off.

import type { CaseDefinition } from './case.ts';
import { check, rejected, same } from './expectation.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

export const CONNECT_CASES: readonly CaseDefinition[] = [
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
      const accepted = scene.accept(listener);
      await scene.run(client.connect(scene.fixture.host, port));
      client.send(MESSAGE);
      same(await scene.run((await scene.run(accepted)).next()), MESSAGE, 'message of the second life');
    },
  },
];
