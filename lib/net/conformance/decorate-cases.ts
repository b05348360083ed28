// decorate: a socket over another.

import type { AnySocket } from '../socket.ts';
import type { CaseDefinition } from './case.ts';
import { check, same } from './expectation.ts';
import type { Scene } from './scene.ts';

export const DECORATE_CASES: readonly CaseDefinition[] = [
  {
    name: 'decorate',
    rule: 'decorate takes a ready socket over, works over it, and closes it when closed',
    needs: ['decorate'],
    run: async (scene) => {
      const { upper, lower, session } = await decorated(scene);
      same(upper.getOption('state'), 'connected', 'state');
      upper.send(Uint8Array.of(1, 2));
      same(await scene.run((await scene.run(session)).next()), Uint8Array.of(1, 2), 'message');
      upper.close();
      same(lower.getOption('state'), 'closed', 'state of the lower socket');
    },
  },
  {
    name: 'decorate aborted',
    rule: 'an aborted decorate is ECANCELED and closes the lower socket',
    needs: ['decorate'],
    run: async (scene) => {
      const { port } = await scene.listening();
      const upper = scene.socket();
      const lower = await lowerSocket(scene, port);
      const outcome = over(upper, lower, AbortSignal.abort()).then(
        () => 'decorated',
        (error: Error & { code?: string }) => error.code ?? error.message,
      );
      same(await scene.run(outcome), 'ECANCELED', 'decorate');
      same(lower.getOption('state'), 'closed', 'state of the lower socket');
      same(upper.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'decorate that fails',
    rule: 'a decorate that fails rejects, closes the lower socket and leaves this one closed',
    needs: ['decorateFails'],
    run: async (scene) => {
      const upper = scene.socket();
      const made = scene.fixture.failingLower?.();
      check(made !== undefined, 'the fixture gives a lower socket');
      const lower = await scene.run(made);
      const outcome = over(upper, lower).then(
        () => 'decorated',
        () => 'failed',
      );
      same(await scene.run(outcome), 'failed', 'decorate');
      same(lower.getOption('state'), 'closed', 'state of the lower socket');
      same(upper.getOption('state'), 'closed', 'state');
    },
  },
  {
    name: 'the lower socket ends',
    rule: 'when the lower socket closes, the upper one closes, once, and says so',
    needs: ['decorate'],
    run: async (scene) => {
      const { upper, lower } = await decorated(scene);
      const watch = scene.watch(upper);
      lower.close();
      await watch.until(() => watch.closed.length > 0);
      same(watch.closed.length, 1, 'calls of closed');
      same(upper.getOption('state'), 'closed', 'state');
    },
  },
];

async function decorated(scene: Scene): Promise<{ upper: AnySocket; lower: AnySocket; session: Promise<AnySocket> }> {
  const { listener, port } = await scene.listening();
  const session = scene.accept(listener);
  const lower = await lowerSocket(scene, port);
  const upper = scene.socket();
  await scene.run(over(upper, lower));
  return { upper, lower, session };
}

async function lowerSocket(scene: Scene, port: number): Promise<AnySocket> {
  const made = scene.fixture.lower?.(port);
  check(made !== undefined, 'the fixture gives a lower socket');
  return scene.run(made);
}

function over(upper: AnySocket, lower: AnySocket, signal?: AbortSignal): Promise<void> {
  if (upper.transport === 'datagram' && lower.transport === 'datagram') return upper.decorate(lower, { signal });
  if (upper.transport === 'stream' && lower.transport === 'stream') return upper.decorate(lower, { signal });
  check(false, 'both sockets are of one kind');
}
