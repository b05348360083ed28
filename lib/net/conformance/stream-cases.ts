// What only stream sockets must do.

import { SocketError } from '../errors.ts';
import type { AnySocket } from '../socket.ts';
import type { CaseDefinition } from './case.ts';
import { check, same, thrown } from './expectation.ts';
import { type Scene, asStream } from './scene.ts';

export const STREAM_CASES: readonly CaseDefinition[] = [
  {
    name: 'receive in pieces',
    rule: 'receive(limit) gives at most that many bytes and keeps the rest, in order',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const stream = asStream(client);
      const watch = scene.watch(client);
      session.send(Uint8Array.of(1, 2, 3, 4, 5));
      await watch.until(() => watch.readable > 0);
      same(stream.receive(2), Uint8Array.of(1, 2), 'first piece');
      same(stream.getOption('hasBufferedData'), true, 'hasBufferedData');
      same(stream.receive(2), Uint8Array.of(3, 4), 'second piece');
      same(stream.receive(), Uint8Array.of(5), 'the rest');
      same(stream.receive(), undefined, 'after all');
      thrown(() => stream.receive(0), 'EINVAL', 'receive(0)');
    },
  },
  {
    name: 'end of stream',
    rule: 'after the last byte comes the end: null, again and again; we may still send',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      session.send(Uint8Array.of(8));
      await scene.run(session.shutdown());
      same(await scene.run(client.next()), Uint8Array.of(8), 'the last byte');
      same(await scene.run(client.next()), null, 'the end');
      same(client.receive(), null, 'the end again');
      same(client.getOption('hasBufferedData'), false, 'hasBufferedData at the end');
    },
  },
  {
    name: 'half close',
    rule: 'after our shutdown we still hear the peer',
    transport: 'stream',
    needs: ['raw'],
    run: async (scene) => {
      const { client, session } = await scene.pair();
      await scene.run(client.shutdown());
      same(await scene.run(session.next()), null, "the peer's end");
      session.send(Uint8Array.of(3));
      same(await scene.run(client.next()), Uint8Array.of(3), 'message after our shutdown');
    },
  },
  {
    name: 'last words',
    rule: 'shutdown lets everything go that was sent before it, however much, and then comes the end',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const chunk = new Uint8Array(100_000);
      for (let i = 0; i < 5; i++) client.send(chunk.slice());
      const ended = client.shutdown();
      await takeAll(scene, session, 5 * chunk.length);
      same(await scene.run(session.next()), null, 'the end');
      await scene.run(ended);
    },
  },
  {
    name: 'closed in order',
    rule: 'when both sides have ended, closed is called once, without a cause, and the end stays readable',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const watch = scene.watch(client);
      await scene.run(session.shutdown());
      same(await scene.run(client.next()), null, 'the end');
      await scene.run(client.shutdown());
      await watch.until(() => watch.closed.length > 0);
      same(watch.closed[0], undefined, 'cause');
      same(watch.closed.length, 1, 'calls of closed');
      same(client.getOption('state'), 'closed', 'state');
      same(client.receive(), null, 'receive');
    },
  },
  {
    name: 'back-pressure',
    rule: 'send refuses with EAGAIN when too much waits, takes nothing then, and writable tells when there is room',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair({ maxBufferedBytes: 65_536 }, { maxBufferedBytes: 65_536 });
      const watch = scene.watch(client);
      const chunk = new Uint8Array(32_768);
      const sent = fill(client, chunk);
      check(sent < MOST_CHUNKS, 'send refuses before it has taken 64 MiB nobody reads');
      same(watch.writable, 0, 'calls of writable while refused');
      const total = sent * chunk.length;
      await takeAll(scene, session, total);
      await watch.until(() => watch.writable > 0);
      same(watch.writable, 1, 'calls of writable');
      client.send(Uint8Array.of(7));
      same(await scene.run(session.next()), Uint8Array.of(7), 'message after writable');
    },
  },
];

const MOST_CHUNKS = 2_048;

/** Sends until it is refused. @returns how many were taken */
function fill(client: AnySocket, chunk: Uint8Array): number {
  for (let sent = 0; sent < MOST_CHUNKS; sent++) {
    try {
      client.send(chunk.slice());
    } catch (error) {
      check(error instanceof SocketError, 'send throws a SocketError');
      same(error.code, 'EAGAIN', 'send');
      same(error.fatal, false, 'fatal');
      return sent;
    }
  }
  return MOST_CHUNKS;
}

async function takeAll(scene: Scene, session: AnySocket, total: number): Promise<void> {
  let taken = 0;
  while (taken < total) {
    const bytes = await scene.run(session.next());
    check(bytes !== null, `the stream ends after ${taken} of ${total} bytes`);
    taken += bytes.length;
  }
  same(taken, total, 'bytes taken');
}
