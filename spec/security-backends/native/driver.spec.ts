import assert from 'node:assert/strict';
import type { Negotiated, SocketError } from '../../../lib/net/index.ts';
import { type Instant, NEVER, SeededRandom, VirtualTime, later, silentLog } from '../../../lib/runtime/index.ts';
import type { DtlsConnection, DtlsOutput, PskAnswer } from '../../../security-backends/native/connection.ts';
import { Counters } from '../../../security-backends/native/counters.ts';
import { ConnectionDriver, type DriverEvents } from '../../../security-backends/native/driver.ts';

/** A connection that says what it is told to say. */
class Puppet implements DtlsConnection {
  readonly calls: string[] = [];
  readonly outputs: DtlsOutput[] = [];
  readonly innerMtu = 100;
  readonly newestRecord = -1;
  readonly state = 'puppet';
  readonly counters = new Counters();
  readonly negotiated = undefined;
  deadline: Instant = NEVER;
  /** The deadline that a time-out leads to. */
  following: Instant = NEVER;

  start(now: Instant): void {
    this.calls.push(`start ${now}`);
  }

  suspend(): void {
    this.calls.push('suspend');
  }

  handleDatagram(datagram: Uint8Array, now: Instant): void {
    this.calls.push(`datagram ${datagram.join()} ${now}`);
  }

  handleTimeout(now: Instant): void {
    this.calls.push(`timeout ${now}`);
    this.deadline = this.following;
    this.following = NEVER;
  }

  answer(id: number, value: PskAnswer | undefined): void {
    this.calls.push(`answer ${id} ${value?.key.length ?? 'none'}`);
  }

  send(bytes: Uint8Array): void {
    this.outputs.push({ kind: 'transmit', datagram: bytes });
  }

  close(): void {
    this.calls.push('close');
    this.outputs.push({ kind: 'closed', cause: undefined });
  }

  abort(description: number): void {
    this.calls.push(`abort ${description}`);
    this.outputs.push({ kind: 'closed', cause: undefined });
  }

  poll(): DtlsOutput | undefined {
    return this.outputs.shift();
  }

  nextTimeout(): Instant {
    return this.deadline;
  }

  setHandshakeTimeouts(): void {
    this.calls.push('setHandshakeTimeouts');
  }
}

class Recorder implements DriverEvents {
  readonly events: string[] = [];

  transmit(datagram: Uint8Array): void {
    this.events.push(`transmit ${datagram.join()}`);
  }

  connected(negotiated: Negotiated): void {
    this.events.push(`connected ${negotiated.version}`);
  }

  data(bytes: Uint8Array): void {
    this.events.push(`data ${bytes.join()}`);
  }

  job(): void {
    this.events.push('job');
  }

  closed(cause: SocketError | undefined): void {
    this.events.push(`closed ${cause?.code ?? 'in order'}`);
  }
}

function driven(): { time: VirtualTime; puppet: Puppet; recorder: Recorder; driver: ConnectionDriver } {
  const time = new VirtualTime();
  const [puppet, recorder] = [new Puppet(), new Recorder()];
  const environment = { clock: time, timers: time, random: new SeededRandom(1), log: silentLog };
  return { time, puppet, recorder, driver: new ConnectionDriver(puppet, environment, recorder) };
}

const NEGOTIATED: Negotiated = { version: 'DTLS1.2', ciphersuite: 0xc0a8, extendedMasterSecret: true };

describe('ConnectionDriver', () => {
  it('polls after every input until there is nothing, in order', () => {
    const { puppet, recorder, driver } = driven();
    puppet.outputs.push(
      { kind: 'transmit', datagram: Uint8Array.of(1) },
      { kind: 'connected', negotiated: NEGOTIATED },
    );
    puppet.outputs.push({ kind: 'data', bytes: Uint8Array.of(2) });
    driver.start();
    assert.deepEqual(recorder.events, ['transmit 1', 'connected DTLS1.2', 'data 2']);
    driver.send(Uint8Array.of(3));
    assert.equal(recorder.events.at(-1), 'transmit 3');
  });

  it('arms one timer for the next deadline, moves it, and cancels it', async () => {
    const { time, puppet, driver } = driven();
    puppet.deadline = later(time.now(), 100);
    driver.start();
    driver.receive(Uint8Array.of(9));
    assert.equal(time.pending, 1);
    puppet.deadline = later(time.now(), 50);
    driver.receive(Uint8Array.of(8));
    assert.equal(time.pending, 1);
    puppet.calls.length = 0;
    puppet.deadline = NEVER;
    driver.receive(Uint8Array.of(7));
    assert.equal(time.pending, 0, 'the deadline was taken back');
    await time.advance(1_000);
    assert.equal(puppet.calls.length, 1);
  });

  it('wakes the connection at its deadline, and arms again', async () => {
    const { time, puppet, driver } = driven();
    puppet.deadline = 100 as Instant;
    driver.start();
    puppet.calls.length = 0;
    await time.advance(99);
    assert.deepEqual(puppet.calls, []);
    puppet.following = 300 as Instant;
    await time.advance(1_000);
    assert.deepEqual(puppet.calls, ['timeout 100', 'timeout 300']);
    assert.equal(time.pending, 0);
  });

  it('leaves no timer, and takes no input, once closed', () => {
    const { time, puppet, recorder, driver } = driven();
    puppet.deadline = 100 as Instant;
    driver.start();
    driver.close();
    assert.deepEqual(recorder.events, ['closed in order']);
    assert.equal(time.pending, 0);
    driver.receive(Uint8Array.of(1));
    driver.answer(1, undefined);
    driver.abort(80);
    driver.close();
    assert.deepEqual(puppet.calls, ['start 0', 'close']);
    assert.equal(driver.closed, true);
  });

  it('takes input from within an event: what it brings comes after, nothing is lost', () => {
    const { puppet, driver } = driven();
    const order: string[] = [];
    const nested = new ConnectionDriver(
      puppet,
      { clock: new VirtualTime(), timers: new VirtualTime(), random: new SeededRandom(1), log: silentLog },
      {
        transmit: (datagram) => order.push(`transmit ${datagram.join()}`),
        connected: () => undefined,
        data: (bytes) => {
          order.push(`data ${bytes.join()}`);
          if (bytes[0] === 1) nested.send(Uint8Array.of(7));
        },
        job: () => undefined,
        closed: () => order.push('closed'),
      },
    );
    puppet.outputs.push({ kind: 'data', bytes: Uint8Array.of(1) }, { kind: 'data', bytes: Uint8Array.of(2) });
    nested.start();
    assert.deepEqual(order, ['data 1', 'data 2', 'transmit 7']);
    assert.equal(driver.closed, false);
  });
});
