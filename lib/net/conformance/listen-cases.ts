// bind and accept.

import type { CaseDefinition } from './case.ts';
import { check, rejected, same } from './expectation.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

export const LISTEN_CASES: readonly CaseDefinition[] = [
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
      const accepted = scene.accept(listener);
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
      const accepted = scene.accept(listener, { signal: controller.signal });
      controller.abort();
      await rejected(scene.run(accepted), 'ECANCELED', 'accept');
      const again = scene.accept(listener);
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
      await rejected(scene.accept(client), 'ENOTSUP', 'accept');
    },
  },
  {
    name: 'accept ends with its listener',
    rule: 'closing the listener ends a waiting accept with EBADF',
    needs: ['sessions'],
    run: async (scene) => {
      const { listener } = await scene.listening();
      const accepted = scene.accept(listener);
      listener.close();
      await rejected(scene.run(accepted), 'EBADF', 'accept');
    },
  },
];
