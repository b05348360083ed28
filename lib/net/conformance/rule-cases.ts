// The rules that hold for every socket: who calls whom when, who owns which bytes, how things end.

import type { SocketConfiguration } from '../socket-configuration.ts';
import type { CaseDefinition } from './case.ts';
import { check, same, thrown } from './expectation.ts';
import { drain } from './scene.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

export const RULE_CASES: readonly CaseDefinition[] = [
  {
    name: 'readable once per arrival',
    rule: 'readable is called once for each arrival, whether or not the one before was taken',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const watch = scene.watch(client);
      for (let sent = 1; sent <= 3; sent++) {
        session.send(MESSAGE);
        await watch.until(() => watch.readable >= sent);
        same(watch.readable, sent, `calls after arrival ${sent}`);
      }
      drain(client);
      session.send(MESSAGE);
      await watch.until(() => watch.readable >= 4);
      same(watch.readable, 4, 'calls after taking everything and one more arrival');
    },
  },
  {
    name: 'readable never from inside a call',
    rule: 'the handler is never called from inside a call into its socket',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const first = scene.watch(client);
      for (let sent = 1; sent <= 2; sent++) {
        session.send(MESSAGE);
        await first.until(() => first.readable >= sent);
      }
      let inside = false;
      const inCall = <T>(call: () => T): T => {
        inside = true;
        const value = call();
        inside = false;
        return value;
      };
      let breaches = 0;
      const handler = {
        readable: () => void (inside && breaches++),
        writable: () => void (inside && breaches++),
        closed: () => void (inside && breaches++),
      };
      inCall(() => (client.handler = handler));
      inCall(() => client.getOption('hasBufferedData'));
      inCall(() => client.receive());
      inCall(() => client.send(MESSAGE));
      inCall(() => client.receive());
      inCall(() => client.close());
      same(breaches, 0, 'calls of the handler from inside');
    },
  },
  {
    name: 'a handler set late',
    rule: 'what arrived before there was a handler is announced to it, once, after it was set',
    needs: ['sessions'],
    run: async (scene) => {
      const { listener, port } = await scene.listening();
      const client = scene.socket();
      const accepted = scene.accept(listener);
      await scene.run(client.connect(scene.fixture.host, port));
      const watchClient = scene.watch(client);
      client.send(MESSAGE);
      const session = await scene.run(accepted);
      session.send(Uint8Array.of(7));
      await watchClient.until(() => watchClient.readable > 0);
      const watch = scene.watch(session);
      await watch.until(() => watch.readable > 0);
      same(drain(session)[0], MESSAGE, 'what arrived before');
      same(watch.readable, 1, 'calls');
    },
  },
  {
    name: 'the draining loop is enough',
    rule: 'do receive while hasBufferedData gives all that came, from one call of readable on',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const watch = scene.watch(client);
      for (let sent = 1; sent <= 3; sent++) {
        session.send(Uint8Array.of(sent));
        await watch.until(() => watch.readable >= sent);
      }
      const bytes = drain(client).flatMap((part) => [...part]);
      same(bytes.join(), '1,2,3', 'taken in one loop');
    },
  },
  {
    name: 'closed once, by us',
    rule: 'closed is called exactly once, without a cause, when we close, however often',
    run: async (scene) => {
      const { client } = await scene.pair();
      const watch = scene.watch(client);
      client.close();
      client.close();
      await watch.until(() => watch.closed.length > 0);
      await scene.run(Promise.resolve());
      client.close();
      await scene.run(Promise.resolve());
      same(watch.closed.length, 1, 'calls of closed');
      same(watch.closed[0], undefined, 'cause');
    },
  },
  {
    name: 'closed never without an opening',
    rule: 'closed belongs to a connect, bind or accept that succeeded',
    run: async (scene) => {
      const client = scene.socket();
      const watch = scene.watch(client);
      client.close();
      await scene.run(client.connect(scene.fixture.host, 65_536).catch(() => undefined));
      await scene.run(Promise.resolve());
      same(watch.closed.length, 0, 'calls of closed');
    },
  },
  {
    name: 'a fatal error',
    rule: 'a fatal error closes the socket, is told once as cause of closed, and is the cause of every EBADF after it',
    needs: ['reset'],
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const watch = scene.watch(client);
      scene.fixture.reset?.(session);
      await watch.until(() => watch.closed.length > 0);
      same(client.getOption('state'), 'closed', 'state');
      const [cause] = watch.closed;
      check(cause !== undefined, 'closed has a cause');
      check(cause.fatal, 'the cause is fatal');
      same(thrown(() => client.send(MESSAGE), 'EBADF', 'send').cause, cause, 'cause of EBADF at send');
      same(thrown(() => client.receive(), 'EBADF', 'receive').cause, cause, 'cause of EBADF at receive');
      client.close();
      await scene.run(Promise.resolve());
      same(watch.closed.length, 1, 'calls of closed');
    },
  },
  {
    name: 'the configuration is copied',
    rule: 'changing the configuration after the socket was made changes nothing',
    run: async (scene) => {
      const configuration: { -readonly [K in keyof SocketConfiguration]: SocketConfiguration[K] } = { mtu: 1000 };
      const socket = scene.socket(configuration);
      configuration.mtu = 700;
      same(socket.getOption('mtu'), 1000, 'mtu');
    },
  },
  {
    name: 'a wrong configuration',
    rule: 'a configuration out of range is EINVAL naming the field, before anything is opened',
    run: async (scene) => {
      const error = thrown(() => scene.socket({ mtu: 1 }), 'EINVAL', 'mtu 1');
      check(error.message.includes('mtu'), 'the message names the field');
    },
  },
  {
    name: 'host options without configureHandle',
    rule: 'what the host has no call for is ENOTSUP at connect, unless configureHandle is given',
    needs: ['raw'],
    run: async (scene) => {
      const { port } = await scene.listening();
      for (const options of [{ interfaceName: 'lo' }, { dscp: 46 }, { priority: 3 }, { transparent: true }] as const) {
        const refused = scene.socket(options).connect(scene.fixture.host, port);
        const outcome = refused.then(
          () => 'connected',
          (error: Error & { code?: string }) => error.code ?? error.message,
        );
        same(await scene.run(outcome), 'ENOTSUP', Object.keys(options)[0] ?? 'option');
      }
      let handle: unknown;
      const willing = scene.socket({ dscp: 46, configureHandle: (given) => void (handle = given) });
      await scene.run(willing.connect(scene.fixture.host, port));
      check(handle !== undefined, 'configureHandle was given the handle');
    },
  },
  {
    name: 'local endpoint',
    rule: 'localEndpoint chooses what connect binds',
    needs: ['raw'],
    run: async (scene) => {
      const probe = scene.listener();
      await scene.run(probe.bind(scene.fixture.address, 0));
      const free = probe.local?.port ?? 0;
      probe.close();
      const { port } = await scene.listening();
      const client = scene.socket({ localEndpoint: { address: scene.fixture.address, port: free } });
      await scene.run(client.connect(scene.fixture.host, port));
      same(client.local?.port, free, 'local.port');
      same(client.local?.address, scene.fixture.address, 'local.address');
    },
  },
  {
    name: 'sent bytes are gone',
    rule: 'sent bytes belong to the socket: the receiver gets memory of its own',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const sent = Uint8Array.of(1, 2, 3);
      client.send(sent);
      const received = await scene.run(session.next());
      check(received !== null && received.buffer !== sent.buffer, 'received bytes are not the sent ones');
      same(received, Uint8Array.of(1, 2, 3), 'received');
    },
  },
  {
    name: 'received bytes are ours',
    rule: 'received bytes belong to the caller: what comes later does not change them',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      session.send(Uint8Array.of(1, 1, 1));
      const first = await scene.run(client.next());
      session.send(Uint8Array.of(2, 2, 2));
      await scene.run(client.next());
      same(first, Uint8Array.of(1, 1, 1), 'the first message after the second came');
    },
  },
];
