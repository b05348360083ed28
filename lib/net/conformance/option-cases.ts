// One case or more per option key.

import { hours, milliseconds, seconds } from '../../runtime/index.ts';
import { literalFamily, udpOverhead } from '../address.ts';
import type { AnySocket, ReadableOptions } from '../socket.ts';
import type { CaseDefinition } from './case.ts';
import { check, same, thrown } from './expectation.ts';

export const OPTION_CASES: readonly CaseDefinition[] = [
  {
    name: 'state through a life',
    rule: 'state: closed, connecting, connected, closed; bound and accepted on the other side',
    run: async (scene) => {
      const client = scene.socket();
      same(client.getOption('state'), 'closed', 'state at first');
      const { listener, port } = await scene.listening();
      same(listener.getOption('state'), 'bound', 'state of the listener');
      const accepted = scene.accept(listener);
      const connecting = client.connect(scene.fixture.host, port);
      same(client.getOption('state'), 'connecting', 'state under way');
      await scene.run(connecting);
      same(client.getOption('state'), 'connected', 'state when connected');
      client.send(Uint8Array.of(1));
      const session = await scene.run(accepted);
      same(session.getOption('state'), 'accepted', 'state of the session');
      client.close();
      same(client.getOption('state'), 'closed', 'state at last');
    },
  },
  {
    name: 'addressFamily',
    rule: 'addressFamily is that of the peer; unspecified while there is none',
    run: async (scene) => {
      same(scene.socket().getOption('addressFamily'), 'unspecified', 'closed');
      const { client } = await scene.pair();
      const expected = literalFamily(scene.fixture.address) ?? 'unspecified';
      same(client.getOption('addressFamily'), expected, 'connected');
    },
  },
  {
    name: 'mtu',
    rule: 'mtu is 1280 unless configured; forcedMtu goes before mtu',
    run: async (scene) => {
      same(scene.socket().getOption('mtu'), 1280, 'default');
      same(scene.socket({ mtu: 1000 }).getOption('mtu'), 1000, 'configured');
      same(scene.socket({ mtu: 1000, forcedMtu: 600 }).getOption('mtu'), 600, 'forced');
    },
  },
  {
    name: 'innerMtu of datagrams',
    rule: 'innerMtu is exact: that size arrives in one piece, one byte more is EMSGSIZE and leaves the socket as it was',
    transport: 'datagram',
    run: async (scene) => {
      for (const mtu of [1280, 576]) {
        const { client, session } = await scene.pair({ mtu });
        const largest = client.getOption('innerMtu');
        check(
          largest > mtu / 2 && largest <= mtu - headers(scene.fixture.address),
          `innerMtu ${largest} fits the mtu ${mtu}`,
        );
        if (!scene.fixture.secure) {
          same(largest, mtu - headers(scene.fixture.address), 'innerMtu without security');
        }
        thrown(() => client.send(new Uint8Array(largest + 1)), 'EMSGSIZE', 'one byte more');
        same(client.getOption('state'), 'connected', 'state');
        client.send(new Uint8Array(largest).fill(0x5a));
        same(await scene.run(session.next()), new Uint8Array(largest).fill(0x5a), 'largest message');
      }
    },
  },
  {
    name: 'innerMtu of streams',
    rule: 'innerMtu is the most one send can take: that size arrives whole, one byte more is EMSGSIZE',
    transport: 'stream',
    run: async (scene) => {
      const { client, session } = await scene.pair({ maxBufferedBytes: 10_000 });
      session.send(Uint8Array.of(1)); // an answer, so that nothing of ours is still on its way
      await scene.run(client.next());
      const largest = client.getOption('innerMtu');
      thrown(() => client.send(new Uint8Array(largest + 1)), 'EMSGSIZE', 'one byte more');
      client.send(new Uint8Array(largest));
      let received = 0;
      while (received < largest) received += (await scene.run(session.next()))?.length ?? largest + 1;
      same(received, largest, 'bytes received');
    },
  },
  {
    name: 'hasBufferedData',
    rule: 'hasBufferedData is true exactly while receive has something to give',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      same(client.getOption('hasBufferedData'), false, 'before');
      const watch = scene.watch(client);
      session.send(Uint8Array.of(1));
      await watch.until(() => watch.readable > 0);
      same(client.getOption('hasBufferedData'), true, 'while one waits');
      client.receive();
      same(client.getOption('hasBufferedData'), false, 'after');
    },
  },
  {
    name: 'sessionResumed',
    rule: 'sessionResumed is false without resumption',
    run: async (scene) => {
      const { client } = await scene.pair();
      same(client.getOption('sessionResumed'), false, 'sessionResumed');
    },
  },
  {
    name: 'connectionIdResumed',
    rule: 'connectionIdResumed is false until connection ids are there',
    run: async (scene) => {
      const { client } = await scene.pair();
      same(client.getOption('connectionIdResumed'), false, 'connectionIdResumed');
    },
  },
  {
    name: 'bytesSent',
    rule: 'bytesSent grows by at least what was sent; exactly, without security',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const before = client.getOption('bytesSent');
      client.send(new Uint8Array(100));
      await scene.run(session.next());
      const sent = client.getOption('bytesSent') - before;
      check(scene.fixture.secure ? sent >= 100n : sent === 100n, `bytesSent grew by ${sent}, not 100`);
    },
  },
  {
    name: 'bytesReceived',
    rule: 'bytesReceived grows by at least what came; exactly, without security',
    run: async (scene) => {
      const { client, session } = await scene.pair();
      const before = client.getOption('bytesReceived');
      session.send(new Uint8Array(100));
      await scene.run(client.next());
      const received = client.getOption('bytesReceived') - before;
      check(scene.fixture.secure ? received >= 100n : received === 100n, `bytesReceived grew by ${received}, not 100`);
    },
  },
  {
    name: 'negotiated',
    rule: 'negotiated tells version and suite of a secured connection, and nothing else',
    run: async (scene) => {
      same(scene.socket().getOption('negotiated'), undefined, 'negotiated when closed');
      const { client } = await scene.pair();
      const negotiated = client.getOption('negotiated');
      same(negotiated !== undefined, scene.fixture.secure, 'negotiated is there');
      if (negotiated === undefined) return;
      check(/^D?TLS1\.[23]$/.test(negotiated.version), `version ${negotiated.version}`);
      check(negotiated.ciphersuite > 0 && negotiated.ciphersuite <= 0xffff, `suite ${negotiated.ciphersuite}`);
    },
  },
  {
    name: 'preferredAddressFamily',
    rule: 'preferredAddressFamily can be set and read; a value that is none is EINVAL and changes nothing',
    run: async (scene) => familyOption(scene.socket(), 'preferredAddressFamily'),
  },
  {
    name: 'forcedAddressFamily',
    rule: 'forcedAddressFamily can be set and read; a value that is none is EINVAL and changes nothing',
    run: async (scene) => familyOption(scene.socket(), 'forcedAddressFamily'),
  },
  {
    name: 'forced family excludes',
    rule: 'an address outside the forced family is EAFNOSUPPORT',
    run: async (scene) => {
      const { port } = await scene.listening();
      const client = scene.socket();
      client.setOption('forcedAddressFamily', scene.fixture.address.includes(':') ? 'ipv4' : 'ipv6');
      const outcome = client.connect(scene.fixture.address, port).then(
        () => 'connected',
        (error: Error & { code?: string }) => error.code ?? error.message,
      );
      same(await scene.run(outcome), 'EAFNOSUPPORT', 'connect');
    },
  },
  {
    name: 'receiveTimeout',
    rule: 'receiveTimeout is 30 s unless configured, can be set, and refuses what is no duration',
    run: async (scene) => {
      same(scene.socket().getOption('receiveTimeout'), seconds(30), 'default');
      const socket = scene.socket({ receiveTimeout: hours(1) });
      same(socket.getOption('receiveTimeout'), hours(1), 'configured');
      socket.setOption('receiveTimeout', milliseconds(7));
      same(socket.getOption('receiveTimeout'), milliseconds(7), 'set');
      thrown(() => socket.setOption('receiveTimeout', Number.NaN as ReturnType<typeof hours>), 'EINVAL', 'NaN');
      same(socket.getOption('receiveTimeout'), milliseconds(7), 'after a refusal');
    },
  },
  {
    name: 'dtlsHandshakeTimeouts',
    rule: 'dtlsHandshakeTimeouts can be set where there is a DTLS handshake',
    needs: ['handshakeTimeouts'],
    run: async (scene) => {
      const socket = scene.socket();
      socket.setOption('dtlsHandshakeTimeouts', { min: seconds(2), max: seconds(8) });
      const wrong = { min: seconds(8), max: seconds(2) };
      thrown(() => socket.setOption('dtlsHandshakeTimeouts', wrong), 'EINVAL', 'min above max');
    },
  },
  {
    name: 'dtlsHandshakeTimeouts elsewhere',
    rule: 'dtlsHandshakeTimeouts is ENOTSUP where there is no DTLS handshake',
    needs: ['raw'],
    run: async (scene) => {
      const timeouts = { min: seconds(1), max: seconds(2) };
      thrown(() => scene.socket().setOption('dtlsHandshakeTimeouts', timeouts), 'ENOTSUP', 'setOption');
    },
  },
  {
    name: 'daneTlsaRecords',
    rule: 'daneTlsaRecords is ENOTSUP until DANE is there',
    run: async (scene) => {
      thrown(() => scene.socket().setOption('daneTlsaRecords', []), 'ENOTSUP', 'setOption');
    },
  },
  {
    name: 'unknown option',
    rule: 'an option key that is none is ENOTSUP',
    run: async (scene) => {
      const unknown = 'noSuchOption' as keyof ReadableOptions;
      const error = thrown(() => scene.socket().getOption(unknown), 'ENOTSUP', 'getOption');
      same(error.fatal, false, 'fatal');
    },
  },
];

function familyOption(
  socket: Pick<AnySocket, 'getOption' | 'setOption'>,
  key: 'preferredAddressFamily' | 'forcedAddressFamily',
): void {
  same(socket.getOption(key), 'unspecified', 'default');
  socket.setOption(key, 'ipv6');
  same(socket.getOption(key), 'ipv6', 'set');
  thrown(() => socket.setOption(key, 'ipv5' as 'ipv6'), 'EINVAL', 'ipv5');
  same(socket.getOption(key), 'ipv6', 'after a refusal');
}

/** Bytes below a datagram; what has no IP address has no headers of IP. */
function headers(address: string): number {
  const family = literalFamily(address);
  return family === undefined ? 0 : udpOverhead(family);
}
