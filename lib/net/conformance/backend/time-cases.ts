// How long a handshake waits, and how it is called off, at whatever step.

import { milliseconds, seconds } from '../../../runtime/index.ts';
import { check, same } from '../expectation.ts';
import type { Cancellable } from '../../socket.ts';
import type { BackendCaseDefinition } from './case.ts';
import type { Kind } from './fixture.ts';
import { IMPATIENT, type Stage, over } from './stage.ts';

const SCHEDULE = { handshakeTimeouts: { min: seconds(1), max: seconds(5) }, handshakeTries: 5 } as const;
const DOUBLED = '0,1000,3000,7000,12000'; // waits of 1, 2, 4 and then 5 s, the largest (RFC 6347 §4.2.4.1)

export const TIME_CASES: readonly BackendCaseDefinition[] = [
  {
    name: 'a handshake that nobody answers',
    rule: 'ends in ETIMEDOUT after its tries',
    transport: 'datagram',
    run: async (stage) => {
      const client = stage.client(IMPATIENT);
      const error = await stage.fails(client.connect(stage.peer.host, await stage.peer.deadPort()));
      same(error.code, 'ETIMEDOUT', 'code');
      const { sent } = stage.lastLower.passage;
      check(sent.length >= IMPATIENT.handshakeTries, `flights: expected 3, found ${sent.length}`);
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'a stream on which nobody answers',
    rule: 'a server that takes the connection and says nothing ends connect in ETIMEDOUT after the time of all tries',
    transport: 'stream',
    run: async (stage) => {
      const { peer } = stage;
      const mute = stage.keep(peer.rawSocket({}, peer.environment));
      await stage.run(mute.bind(peer.address, 0));
      const taken = stage.accept(mute);
      const client = stage.client(IMPATIENT);
      const error = await stage.fails(client.connect(peer.host, mute.local?.port ?? 0));
      same(error.code, 'ETIMEDOUT', 'code');
      await stage.run(taken);
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'times of retransmission',
    rule: 'a flight is sent again after min, then after twice as long each time, up to max, as often as configured',
    transport: 'datagram',
    needs: ['virtualTime'],
    run: async (stage) => {
      same((await flightsOf(stage, stage.client(SCHEDULE))).join(), DOUBLED, 'milliseconds of the flights');
    },
  },
  {
    name: 'dtlsHandshakeTimeouts',
    rule: 'the socket option holds instead of the configuration',
    transport: 'datagram',
    needs: ['virtualTime'],
    run: async (stage) => {
      const client = stage.client({ ...SCHEDULE, handshakeTimeouts: { min: seconds(9), max: seconds(60) } });
      client.setOption('dtlsHandshakeTimeouts', SCHEDULE.handshakeTimeouts);
      same((await flightsOf(stage, client)).join(), DOUBLED, 'milliseconds of the flights');
    },
  },
  {
    name: 'a lost datagram',
    rule: 'whichever datagram of ours is lost, the handshake is completed by sending it again',
    transport: 'datagram',
    run: async (stage) => {
      const handshakeTimeouts = { min: milliseconds(100), max: seconds(1) };
      const steps = await datagramsOfHandshake(stage);
      for (let lost = 0; lost < steps; lost++) {
        let count = 0;
        stage.onLower = ({ passage }) => (passage.loses = () => count++ === lost);
        const { client } = await stage.pair({ handshakeTimeouts });
        check(count > steps, `datagrams: expected more than ${steps} where number ${lost} is lost, found ${count}`);
        client.close();
      }
    },
  },
  {
    name: 'connect aborted at every step',
    rule: 'whenever its signal aborts, connect is ECANCELED, and neither socket nor timer is left',
    run: (stage) =>
      calledOff(stage, (client, port, signal) => client.connect(stage.peer.host, port, { signal }), 'signal'),
  },
  {
    name: 'closed at every step of connect',
    rule: 'whenever the socket is closed, connect is ECANCELED, and neither socket nor timer is left',
    run: (stage) => calledOff(stage, (client, port) => client.connect(stage.peer.host, port), 'close'),
  },
  {
    name: 'decorate aborted at every step',
    rule: 'whenever its signal aborts, decorate is ECANCELED and closes the socket it was given',
    run: (stage) =>
      calledOff(
        stage,
        async (client, port, signal) => {
          const lower = stage.rawSocket();
          await lower.connect(stage.peer.host, port);
          await over(client, lower, { host: stage.peer.host, signal } satisfies Cancellable & { host: string });
        },
        'signal',
      ),
  },
];

/** When the datagrams of a handshake that nobody answers leave, counted from the first. */
async function flightsOf<S extends Kind<S>>(stage: Stage<S>, client: S): Promise<readonly number[]> {
  const { clock } = stage.environment;
  const times = new Set<number>();
  stage.onLower = ({ passage }) => (passage.loses = () => times.add(clock.now()).size > 0);
  const { port } = await stage.listening();
  await stage.fails(client.connect(stage.peer.host, port));
  const [first = 0] = times;
  return [...times].map((time) => time - first);
}

/** How many datagrams of ours a handshake takes, without the message after it. */
async function datagramsOfHandshake<S extends Kind<S>>(stage: Stage<S>): Promise<number> {
  const { client, lower } = await stage.pair();
  client.close();
  const withoutMessage = lower.passage.sent.length - 2; // the message, and close_notify
  check(withoutMessage > 0, 'the client sends datagrams');
  return withoutMessage;
}

/**
 * Calls a connect off before its first step, after its first, and so on until it has been through. A step is a message to
 * the raw socket or from it, so each is between two states of the handshake.
 */
async function calledOff<S extends Kind<S>>(
  stage: Stage<S>,
  start: (client: S, port: number, signal: AbortSignal) => Promise<void>,
  by: 'signal' | 'close',
): Promise<void> {
  const { port } = await stage.listening();
  for (let step = 0; step < MOST_STEPS; step++) {
    const client = stage.client();
    const controller = new AbortController();
    const callOff = (): void => (by === 'signal' ? controller.abort() : client.close());
    let count = 0;
    stage.onLower = ({ passage }) => (passage.onStep = () => void (++count === step && callOff()));
    const connecting = outcomeOf(start(client, port, controller.signal));
    if (step === 0) callOff();
    const outcome = await stage.run(connecting);
    if (outcome === 'connected') client.close();
    else same(outcome, 'ECANCELED', `connect called off at step ${step}`);
    await stage.nothingLeft(client);
    if (outcome === 'connected') {
      check(step > 1, 'a connect that is called off at its first step does not connect');
      return;
    }
  }
  check(false, `a handshake that is left alone ends within ${MOST_STEPS} steps`);
}

const MOST_STEPS = 200;

async function outcomeOf(connecting: Promise<void>): Promise<string> {
  try {
    await connecting;
    return 'connected';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
