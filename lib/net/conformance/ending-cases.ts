// shutdown, close, dispose; and what a socket says of itself or cannot do.

import type { CaseDefinition } from './case.ts';
import { check, rejected, same, thrown } from './expectation.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

export const ENDING_CASES: readonly CaseDefinition[] = [
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
