// Messages, datagrams and records: how large, how many at once, and what is not one.

import { check, same, thrown } from '../expectation.ts';
import { drain } from '../scene.ts';
import type { BackendCaseDefinition } from './case.ts';
import { KINDS, clientSecurity } from './credentials.ts';
import type { Kind } from './fixture.ts';
import { canBeMade } from './handshake-cases.ts';
import type { BackendPair, Stage } from './stage.ts';

const MTUS = [1280, 576, 300];
const LARGEST_BLOCK = 16; // AES in block chaining: a message fills its last block (RFC 5246 §6.2.3.2)

export const TRAFFIC_CASES: readonly BackendCaseDefinition[] = [
  {
    name: 'inner MTU',
    rule: 'a message of innerMtu bytes fills one datagram of the layer below to the byte; one byte more is EMSGSIZE',
    transport: 'datagram',
    run: async (stage) => {
      for (const mtu of MTUS) await checkInnerMtu(stage, await stage.pair({ socket: { mtu } }));
    },
  },
  {
    name: 'inner MTU of every suite',
    rule: 'innerMtu is exact whatever the suite costs',
    transport: 'datagram',
    run: async (stage) => {
      const { ciphersuites } = stage.peer.capabilities;
      for (const suite of stage.backend.capabilities.ciphersuites.filter((id) => ciphersuites.includes(id))) {
        const kind = KINDS.find(
          (each) =>
            stage.kinds.includes(each) && canBeMade(stage, { security: clientSecurity(each), ciphersuites: [suite] }),
        );
        if (kind !== stage.kind) continue;
        const pair = await stage.pair({ ciphersuites: [suite], socket: { mtu: 576 } }, { ciphersuites: [suite] });
        await checkInnerMtu(stage, pair);
      }
    },
  },
  {
    name: 'inner MTU with a connection id',
    rule: 'innerMtu is exact with a connection id in every record (RFC 9146 §4)',
    transport: 'datagram',
    needs: ['connectionId'],
    run: async (stage) => {
      const pair = await stage.pair({ connectionId: true }, { connectionId: { length: 8 } });
      same(pair.client.getOption('negotiated')?.connectionId?.peer.length, 8, 'bytes of the id in our records');
      await checkInnerMtu(stage, pair);
    },
  },
  {
    name: 'two records in one arrival',
    rule: 'hasBufferedData is true while a message waits that came with another; for datagrams readable is called once',
    run: async (stage) => {
      const { client, session, lower } = await stage.pair();
      const watch = stage.watch(client);
      await holdTwo(stage, session, lower.passage);
      lower.passage.release('merged');
      await stage.pass();
      // The pieces of a stream may be told of one by one.
      if (client.transport === 'datagram') same(watch.readable, 1, 'calls of readable');
      else check(watch.readable > 0, 'readable is called');
      same(first(client), 1, 'first message');
      same(client.getOption('hasBufferedData'), true, 'hasBufferedData after the first message');
      same(first(client), 2, 'second message');
      same(client.getOption('hasBufferedData'), false, 'hasBufferedData after both');
    },
  },
  {
    name: 'several arrivals at once',
    rule: 'one call of readable below stands for all that waits there: nothing is left lying',
    run: async (stage) => {
      const { client, session, lower } = await stage.pair();
      const watch = stage.watch(client);
      await holdTwo(stage, session, lower.passage);
      lower.passage.release('apart');
      await watch.until(() => watch.readable > 0);
      await stage.pass();
      same(
        drain(client)
          .flatMap((part) => [...part])
          .join(),
        '1,2',
        'messages',
      );
    },
  },
  {
    name: 'noise is silent',
    rule: 'what does not authenticate is dropped without a word, and the connection lives on',
    transport: 'datagram',
    run: async (stage) => {
      const { client, session, lower } = await stage.pair();
      const watch = stage.watch(client);
      const damaged = lower.passage.sent.at(-1)?.slice() ?? new Uint8Array(0);
      damaged[damaged.length - 1]! ^= 1;
      lower.passage.inject(new Uint8Array(0), Uint8Array.of(1), new Uint8Array(64).fill(0x16), damaged);
      await stage.pass();
      same(client.receive(), undefined, 'what noise gives');
      same(watch.closed.length, 0, 'calls of closed');
      session.send(Uint8Array.of(7));
      same(await stage.run(client.next()), Uint8Array.of(7), 'message after the noise');
    },
  },
  {
    name: 'replays are silent',
    rule: 'a record that comes twice is heard once',
    transport: 'datagram',
    run: async (stage) => {
      const { client, session, lower } = await stage.pair();
      const held = lower.passage.hold((pieces) => pieces.length > 0);
      session.send(Uint8Array.of(7));
      await stage.run(held);
      const copy = lower.passage.held[0] ?? new Uint8Array(0);
      lower.passage.release('apart');
      lower.passage.inject(copy);
      await stage.pass();
      same(
        drain(client)
          .flatMap((part) => [...part])
          .join(),
        '7',
        'messages',
      );
    },
  },
];

/** Two messages of one byte, 1 and 2, wait below the client. */
async function holdTwo<S extends Kind<S>>(
  stage: Stage<S>,
  session: S,
  passage: BackendPair<S>['lower']['passage'],
): Promise<void> {
  for (const [at, byte] of [1, 2].entries()) {
    const held = passage.hold((pieces) => pieces.length > at);
    session.send(Uint8Array.of(byte));
    await stage.run(held);
  }
}

function first<S extends Kind<S>>(socket: S): number | undefined {
  const bytes = socket.transport === 'stream' ? socket.receive(1) : socket.receive();
  same(bytes?.length, 1, 'bytes of one message');
  return bytes?.[0];
}

async function checkInnerMtu<S extends Kind<S>>(stage: Stage<S>, pair: BackendPair<S>): Promise<void> {
  const { client, session, lower } = pair;
  const { sent } = lower.passage;
  const most = lower.socket.getOption('innerMtu');
  const largest = client.getOption('innerMtu');
  check(largest > 0 && largest < most, `innerMtu: expected less than the ${most} bytes below, found ${largest}`);
  const before = sent.length;
  const error = thrown(() => client.send(new Uint8Array(largest + 1)), 'EMSGSIZE', 'one byte more');
  same(error.fatal, false, 'fatal');
  same(sent.length, before, 'datagrams sent by it');
  for (const length of [largest, largest - 1]) {
    client.send(new Uint8Array(length).fill(0x5a));
    same((await stage.run(session.next()))?.length, length, 'bytes that arrive');
  }
  same(sent.length, before + 2, 'datagrams for two messages');
  const [whole, shorter] = [sent[before]?.length ?? 0, sent[before + 1]?.length ?? 0];
  const slack = whole - shorter === 1 ? 0 : LARGEST_BLOCK - 1; // a suite that pads to blocks cannot fill every byte
  check(
    whole <= most && whole >= most - slack,
    `datagram of the largest message: expected ${most} bytes, found ${whole}`,
  );
  if (slack > 0) check(whole - shorter === LARGEST_BLOCK || whole === shorter, 'a padded message fills its last block');
}
