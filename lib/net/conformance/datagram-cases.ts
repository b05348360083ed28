// What only datagram sockets must do.

import { SocketError } from '../errors.ts';
import type { CaseDefinition } from './case.ts';
import { check, rejected, same, thrown } from './expectation.ts';
import { asDatagram, drain } from './scene.ts';

export const DATAGRAM_CASES: readonly CaseDefinition[] = [
  {
    name: 'datagram boundaries',
    rule: 'each send is one receive: whole, apart, empty ones too',
    transport: 'datagram',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      for (const length of [3, 0, 5]) session.send(new Uint8Array(length));
      for (const length of [3, 0, 5]) {
        same((await scene.run(client.next()))?.length, length, 'length of the datagram');
      }
    },
  },
  {
    name: 'datagram shutdown',
    rule: 'after our shutdown next gives the end',
    transport: 'datagram',
    run: async (scene) => {
      const { client } = await scene.pair();
      await scene.run(client.shutdown());
      same(await scene.run(client.next()), null, 'next after shutdown');
    },
  },
  {
    name: 'sendTo and receiveFrom',
    rule: 'a bound socket sends to whom it chooses and hears from everyone, knowing from whom',
    transport: 'datagram',
    needs: ['unconnected'],
    run: async (scene) => {
      const [a, b] = [asDatagram(scene.socket()), asDatagram(scene.socket())];
      await scene.run(a.bind(scene.fixture.address, 0));
      await scene.run(b.bind(scene.fixture.address, 0));
      const watch = scene.watch(b);
      a.sendTo(Uint8Array.of(1, 2), { address: scene.fixture.address, port: b.local?.port ?? 0 });
      await watch.until(() => watch.readable > 0);
      const arrival = b.receiveFrom();
      check(arrival !== undefined, 'receiveFrom gives the datagram');
      same(arrival.bytes, Uint8Array.of(1, 2), 'bytes');
      same(arrival.from.port, a.local?.port, 'from.port');
      same(arrival.from.address, scene.fixture.address, 'from.address');
    },
  },
  {
    name: 'sendTo when closed',
    rule: 'sendTo needs a bound socket: EBADF when closed',
    transport: 'datagram',
    run: async (scene) => {
      const socket = asDatagram(scene.socket());
      const code = scene.fixture.features.has('unconnected') ? 'EBADF' : undefined;
      const to = { address: scene.fixture.address, port: 9 };
      try {
        socket.sendTo(Uint8Array.of(1), to);
      } catch (error) {
        check(error instanceof SocketError, 'sendTo throws a SocketError');
        check(
          error.code === (code ?? error.code) && ['EBADF', 'ENOTSUP'].includes(error.code),
          `sendTo: ${error.code}`,
        );
        return;
      }
      check(false, 'sendTo on a closed socket throws');
    },
  },
  {
    name: 'sendTo on a connected socket',
    rule: 'sendTo to somebody else is ENOTSUP where there is one peer only; receiveFrom names the peer',
    transport: 'datagram',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const socket = asDatagram(client);
      const elsewhere = { address: scene.fixture.address, port: 9 };
      thrown(() => socket.sendTo(Uint8Array.of(1), elsewhere), 'ENOTSUP', 'sendTo');
      const watch = scene.watch(client);
      session.send(Uint8Array.of(5));
      await watch.until(() => watch.readable > 0);
      same(socket.receiveFrom()?.from.port, client.remote?.port, 'from.port');
    },
  },
  {
    name: 'bind, then connect',
    rule: 'a bound socket can be connected and keeps its port',
    transport: 'datagram',
    needs: ['unconnected'],
    run: async (scene) => {
      const { listener, port } = await scene.listening();
      const client = scene.socket();
      await scene.run(client.bind(scene.fixture.address, 0));
      const own = client.local?.port;
      const accepted = scene.accept(listener);
      await scene.run(client.connect(scene.fixture.host, port));
      same(client.local?.port, own, 'local.port');
      client.send(Uint8Array.of(1));
      same((await scene.run(accepted)).remote?.port, own, "the session's remote.port");
    },
  },
  {
    name: 'soft errors',
    rule: 'a soft error is announced, thrown once by receive, and the socket lives on',
    transport: 'datagram',
    needs: ['softErrors'],
    run: async (scene) => {
      const { client, listener, session } = await scene.pair();
      listener.close();
      session.close();
      await scene.run(Promise.resolve());
      const watch = scene.watch(client);
      client.send(Uint8Array.of(1));
      await watch.until(() => watch.readable > 0);
      const error = thrown(() => client.receive(), 'ECONNREFUSED', 'receive');
      same(error.fatal, false, 'fatal');
      same(client.receive(), undefined, 'receive after the error');
      same(client.getOption('state'), 'connected', 'state');
      client.send(Uint8Array.of(2));
      const again = client.next();
      await rejected(scene.run(again), 'ECONNREFUSED', 'next');
    },
  },
  {
    name: 'bounded receive queue',
    rule: 'what exceeds maxBufferedBytes is dropped and counted; what waited stays',
    transport: 'datagram',
    needs: ['sessions'],
    run: async (scene) => {
      const { client, session } = await scene.pair({ maxBufferedBytes: 1_000 });
      same(client.getOption('arrivalsDropped'), 0, 'arrivalsDropped at first');
      const watch = scene.watch(client);
      for (let sent = 0; sent < 20; sent++) session.send(new Uint8Array(100).fill(sent));
      await watch.until(() => watch.readable >= 5);
      // A message there and back comes after all of them.
      client.send(Uint8Array.of(1));
      await scene.run(session.next());
      const kept = drain(client);
      const dropped = client.getOption('arrivalsDropped');
      check(kept.length >= 5 && kept.length <= 10, `${kept.length} datagrams of 100 bytes kept within 1000 bytes`);
      same(kept.length + dropped, 20, 'kept and dropped together');
      check(
        kept.every((bytes, at) => bytes[0] === at),
        'the first ones stayed, in order',
      );
    },
  },
];
