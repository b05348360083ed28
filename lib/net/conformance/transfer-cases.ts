// send, receive and next, for every kind.

import { UNBOUNDED, hours, milliseconds } from '../../runtime/index.ts';
import type { CaseDefinition } from './case.ts';
import { rejected, same, thrown } from './expectation.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

export const TRANSFER_CASES: readonly CaseDefinition[] = [
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
      const { client } = await scene.pair({ receiveTimeout: milliseconds(0) });
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
];
