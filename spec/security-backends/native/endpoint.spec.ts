import assert from 'node:assert/strict';
import { type Endpoint, SocketError, type TlsAlertError } from '../../../lib/net/index.ts';
import { NEVER, UNBOUNDED, days, milliseconds, seconds } from '../../../lib/runtime/index.ts';
import type {
  DtlsEndpointOptions,
  EndpointEvent,
  ReceivedData,
} from '../../../security-backends/native/endpoint-options.ts';
import { A, B, Network, TAG, bytes, psk, textOf } from './endpoints.ts';
import { MESSAGE, ScriptedPeer, TYPE } from './scripted-peer.ts';

const CLOSE_NOTIFY = 0;
const ACCESS_DENIED = 49;
const INTERNAL_ERROR = 80;
const HANDSHAKE_FAILURE = 40;

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Error && 'code' in error, `${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

describe('DtlsEndpoint: its socket', () => {
  it('makes its own, shows it and closes it', async () => {
    const network = new Network();
    const endpoint = await network.endpoint(A);
    assert.deepEqual(endpoint.socket.local, A);
    endpoint.close();
    assert.equal(endpoint.socket.getOption('state'), 'closed');
  });

  it('takes one that is handed over, shows it and never closes it', async () => {
    const network = new Network();
    const socket = network.socket(A.address);
    await network.run(socket.bind(A.address, A.port));
    const [endpoint, other] = [await network.endpoint(A, { socket }), await network.endpoint(B)];
    assert.equal(endpoint.socket, socket);
    await network.run(endpoint.session(B).send(bytes('hello')));
    endpoint.close();
    assert.equal(socket.getOption('state'), 'bound');
    assert.equal(socket.handler, undefined);
    other.close();
  });

  it('does not bind a socket of somebody else', async () => {
    const network = new Network();
    const endpoint = network.closed(A.address, { socket: network.socket(A.address) });
    await assert.rejects(endpoint.bind(A.address, 1), hasCode('ENOTSUP'));
  });

  it('needs a socket, or what makes one', () => {
    const network = new Network();
    assert.throws(() => network.closed(A.address, { datagramSocket: undefined }), hasCode('EINVAL'));
  });

  it('closed by a handler, it leaves what it has not taken to the next owner of a socket handed over', async () => {
    const network = new Network();
    const socket = network.socket(B.address);
    await network.run(socket.bind(B.address, B.port));
    const hello = new ScriptedPeer('client', bytes('a key of 16 byte')).clientHello();
    for (const port of [1, 2]) network.network.inject({ ...A, port }, B, hello);
    await network.time.advance(seconds(1));
    const endpoint = network.closed(B.address, { socket, handlers: { write: () => endpoint.close() } });
    await network.time.advance(seconds(1));
    assert.equal(endpoint.counters.cookiesSent, 1);
    assert.deepEqual(socket.receiveFrom()?.from, { ...A, port: 2 });
  });

  it('ends with the socket below', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    const waiting = a.receive();
    assert.equal((await network.run(waiting)).kind, 'connected');
    const next = a.receive();
    const rejected = assert.rejects(next, hasCode('EBADF'));
    a.socket.handler?.closed(new SocketError('ENODEV', 'the interface went'));
    await rejected;
    assert.equal(session.state, 'closed');
    b.close();
  });
});

describe('DtlsEndpoint: sessions', () => {
  it('makes, lists, finds and destroys them without sending anything', async () => {
    const network = new Network();
    const endpoint = await network.endpoint(A);
    assert.equal(endpoint.find(B), undefined);
    const session = endpoint.session(B);
    assert.equal(session.state, 'idle');
    assert.deepEqual(session.remote, B);
    assert.equal(endpoint.session({ ...B }), session);
    assert.equal(endpoint.find({ ...B }), session);
    assert.deepEqual([...endpoint.sessions()], [session]);
    session.close();
    session.close();
    assert.equal(session.state, 'closed');
    assert.equal(endpoint.find(B), undefined);
    assert.deepEqual([...endpoint.sessions()], []);
    assert.equal(network.network.traffic.sent, 0);
  });

  it('is client and server at once, of many peers', async () => {
    const network = new Network();
    const hub = await network.endpoint(A);
    const spokes = await Promise.all([1, 2, 3, 4].map((n) => network.endpoint({ address: `10.0.1.${n}`, port: 5684 })));
    const addresses = [1, 2, 3, 4].map((n) => ({ address: `10.0.1.${n}`, port: 5684 }));
    await network.run(spokes[0]!.session(A).send(bytes('one')));
    await network.run(spokes[1]!.session(A).send(bytes('two')));
    await network.run(hub.session(addresses[2]!).send(bytes('three')));
    await network.run(hub.session(addresses[3]!).send(bytes('four')));
    await network.time.advance(seconds(1));
    assert.equal([...hub.sessions()].length, 4);
    assert.equal(hub.load.sessions, 4);
    const told: string[] = [];
    for (let i = 0; i < 6; i++) told.push(textOf(hub.receiveNow()));
    assert.deepEqual(told.toSorted(), ['connected', 'connected', 'connected', 'connected', 'one', 'two']);
    assert.equal(hub.find(addresses[0]!)?.role, 'server');
    assert.equal(hub.find(addresses[2]!)?.role, 'client');
    // Either side talks on any session.
    hub.find(addresses[0]!)?.sendNow(bytes('back'));
    const received = await network.run(waitForData(spokes[0]!));
    assert.equal(textOf(received), 'back');
    for (const each of [hub, ...spokes]) each.close();
  });

  it('refuses to make one with what is no address, or with other options', async () => {
    const network = new Network();
    const endpoint = await network.endpoint(A);
    assert.throws(() => endpoint.session({ address: 'example.org', port: 1 }), hasCode('EINVAL'));
    assert.throws(() => endpoint.session({ address: '10.0.0.9', port: 65_536 }), hasCode('EINVAL'));
    assert.throws(() => endpoint.session(B, { credential: 'certificate' }), hasCode('EINVAL'));
    endpoint.session(B);
    assert.throws(() => endpoint.session(B, { serverName: 'other.example' }), hasCode('EINVAL'));
    assert.deepEqual([...endpoint.sessions()].length, 1);
  });

  it('finds an IPv6 peer however its address is written', async () => {
    const network = new Network();
    const at = { address: '2001:db8::1', port: 5684 };
    const [a, b] = [await network.endpoint({ address: '2001:db8::2', port: 1 }), await network.endpoint(at)];
    const session = a.session({ ...at, address: '2001:0DB8:0:0::1' });
    assert.deepEqual(session.remote, at);
    assert.equal(a.find({ ...at, address: '2001:db8::0:1' }), session);
    await network.run(session.send(bytes('found')));
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'connected');
    assert.equal(textOf(b.receiveNow()), 'found');
    assert.equal(a.session({ address: '::FFFF:192.0.2.1', port: 1 }).remote.address, '::ffff:192.0.2.1');
    assert.equal(a.session({ address: 'FE80::0:1%eth0', port: 1 }).remote.address, 'fe80::1%eth0');
  });

  it('has a bound on those made: ENOBUFS', async () => {
    const network = new Network();
    const endpoint = await network.endpoint(A, { maxSessions: 1 });
    endpoint.session(B);
    assert.throws(() => endpoint.session({ ...B, port: 1 }), hasCode('ENOBUFS'));
  });

  it('tells the peer when it closes', async () => {
    const network = new Network();
    const events: EndpointEvent[] = [];
    const a = await network.endpoint(A);
    const b = await network.endpoint(B, { handlers: { event: (_, event) => events.push(event) } });
    const session = await network.run(a.connect(B));
    session.close();
    await network.time.advance(seconds(1));
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'alert'),
      [
        { kind: 'alert', level: 'warning', description: CLOSE_NOTIFY, direction: 'received' },
        { kind: 'alert', level: 'warning', description: CLOSE_NOTIFY, direction: 'sent' },
      ],
    );
    assert.deepEqual(events.at(-1), { kind: 'closed', cause: undefined });
    assert.equal(b.find(A), undefined);
  });
});

describe('DtlsEndpoint: the first message begins the handshake', () => {
  it('with time-out 0: ENOTCONN at once, and the handshake goes on', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = a.session(B);
    assert.throws(() => session.sendNow(bytes('early')), hasCode('ENOTCONN'));
    assert.equal(session.state, 'connecting');
    await assert.rejects(session.send(bytes('early'), { timeout: milliseconds(0) }), hasCode('ENOTCONN'));
    await network.time.advance(seconds(1));
    assert.equal(session.state, 'connected');
    session.sendNow(bytes('now'));
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'connected');
    assert.equal(textOf(b.receiveNow()), 'now');
    assert.throws(() => b.receiveNow(), hasCode('EAGAIN'));
  });

  it('with a finite time-out: sent in time, or ETIMEDOUT while the handshake goes on', async () => {
    const network = new Network({ latency: milliseconds(100) });
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = a.session(B);
    const early = session.send(bytes('early'), { timeout: milliseconds(50) });
    await network.run(assert.rejects(early, hasCode('ETIMEDOUT')));
    assert.equal(session.state, 'connecting');
    await network.run(session.send(bytes('in time'), { timeout: seconds(5) }));
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'connected');
    assert.equal(textOf(b.receiveNow()), 'in time');
  });

  it('unbounded: as long as the handshake tries, and with what it failed for', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    const nobody = a.session({ address: '10.0.0.77', port: 5684 });
    const start = network.time.now();
    const sending = nobody.send(bytes('x'), { timeout: UNBOUNDED });
    await network.run(assert.rejects(sending, hasCode('ETIMEDOUT')));
    assert.ok(network.time.now() - start > seconds(60));
    assert.equal(nobody.state, 'idle');
    // Another message is another attempt.
    assert.throws(() => nobody.sendNow(bytes('again')), hasCode('ENOTCONN'));
    assert.equal(nobody.state, 'connecting');
  });

  it('is given up by its signal', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    const abort = new AbortController();
    const sending = a.session(B).send(bytes('x'), { signal: abort.signal });
    abort.abort();
    await assert.rejects(sending, hasCode('ECANCELED'));
  });

  it('keeps the order of messages that wait', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = a.session(B);
    await network.run(Promise.all(['1', '2', '3'].map((text) => session.send(bytes(text)))));
    await network.time.advance(seconds(1));
    const told: string[] = [];
    for (let i = 0; i < 4; i++) told.push(textOf(b.receiveNow()));
    assert.deepEqual(told, ['connected', '1', '2', '3']);
  });

  it('a session that closes meanwhile: EBADF or what ended it, and nothing is left', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    const session = a.session(B);
    const sending = assert.rejects(session.send(bytes('x')), hasCode('ECONNABORTED'));
    session.close();
    await sending;
    assert.throws(() => session.sendNow(bytes('x')), hasCode('EBADF'));
    assert.equal(a.load.handshakes, 0);
    assert.equal(a.nextTimeout, NEVER);
  });
});

describe('DtlsEndpoint: receiving', () => {
  it('with time-out 0: EAGAIN', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    assert.throws(() => a.receiveNow(), hasCode('EAGAIN'));
    await assert.rejects(a.receive({ timeout: milliseconds(0) }), hasCode('EAGAIN'));
  });

  it('with a finite time-out: ETIMEDOUT', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    const start = network.time.now();
    await network.run(assert.rejects(a.receive({ timeout: seconds(3) }), hasCode('ETIMEDOUT')));
    assert.equal(network.time.now() - start, seconds(3));
  });

  it('without one: until something comes, it is aborted, or the endpoint closes', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const received = b.receive();
    await network.run(a.connect(B));
    assert.equal((await network.run(received)).kind, 'connected');
    const abort = new AbortController();
    const aborted = assert.rejects(b.receive({ signal: abort.signal }), hasCode('ECANCELED'));
    abort.abort();
    await aborted;
    const closed = assert.rejects(b.receive(), hasCode('EBADF'));
    b.close();
    await closed;
  });

  it('reports a complete handshake as a result of its own, on both sides', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    const [ours, theirs] = [a.receiveNow(), b.receiveNow()];
    assert.equal(ours.kind, 'connected');
    assert.equal(ours.session, session);
    assert.equal(theirs.kind, 'connected');
    assert.deepEqual(theirs.session.remote, A);
    assert.deepEqual(theirs.session.negotiated?.pskIdentity, bytes('device-1'));
  });

  it('gives segments that are the receiver own, with addresses and time', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    b.receiveNow();
    const sent = session.sendNow(bytes('one'));
    assert.deepEqual(sent, { local: A, remote: B, time: network.time.wallTime() });
    await network.time.advance(seconds(1));
    const received = b.receiveNow() as ReceivedData;
    assert.equal(received.length, 3);
    assert.deepEqual(received.segments, [bytes('one')]);
    assert.deepEqual(received.auxiliary.local, B);
    assert.deepEqual(received.auxiliary.remote, A);
    assert.equal(typeof received.auxiliary.time, 'number');
    const [kept] = received.segments;
    session.sendNow(bytes('two'));
    await network.time.advance(seconds(1));
    assert.deepEqual(kept, bytes('one'));
    kept!.fill(0);
    assert.equal(textOf(b.receiveNow()), 'two');
  });

  it('takes empty messages', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    b.receiveNow();
    session.sendNow(new Uint8Array(0));
    await network.time.advance(seconds(1));
    const received = b.receiveNow() as ReceivedData;
    assert.deepEqual([received.segments, received.length], [[], 0]);
  });

  it('drops and counts what nobody takes beyond maxBufferedBytes', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B, { maxBufferedBytes: 250 })];
    const session = await network.run(a.connect(B));
    for (let i = 0; i < 3; i++) session.sendNow(new Uint8Array(100));
    await network.time.advance(seconds(1));
    assert.equal(b.receiveNow().kind, 'connected');
    assert.equal(b.receiveNow().kind, 'data');
    assert.throws(() => b.receiveNow(), hasCode('EAGAIN'));
    assert.equal(b.dropped.received, 2);
  });
});

describe('DtlsEndpoint: scatter sending', () => {
  it('makes one record of several pieces', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    b.receiveNow();
    session.sendNow([bytes('one '), new Uint8Array(0), bytes('message')]);
    session.sendNow([]);
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'one message');
    assert.equal((b.receiveNow() as ReceivedData).length, 0);
  });

  it('takes innerMtu in pieces; one byte more is EMSGSIZE', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    b.receiveNow();
    session.sendNow([new Uint8Array(10), new Uint8Array(session.innerMtu - 10)]);
    assert.throws(
      () => session.sendNow([new Uint8Array(10), new Uint8Array(session.innerMtu - 9)]),
      hasCode('EMSGSIZE'),
    );
    await network.time.advance(seconds(1));
    assert.equal((b.receiveNow() as ReceivedData).length, session.innerMtu);
  });

  it('takes the local address it has, and no other', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    session.sendNow(bytes('x'), { local: A });
    assert.throws(() => session.sendNow(bytes('x'), { local: B }), hasCode('EADDRNOTAVAIL'));
    b.close();
  });
});

describe('DtlsEndpoint: handlers', () => {
  it('read takes messages in place of receive', async () => {
    const network = new Network();
    const read: string[] = [];
    const a = await network.endpoint(A);
    const b = await network.endpoint(B, { handlers: { read: (message) => read.push(textOf(message)) } });
    await network.run(a.session(B).send(bytes('for the handler')));
    await network.time.advance(seconds(1));
    assert.deepEqual(read, ['for the handler']);
    assert.throws(() => b.receiveNow(), hasCode('EAGAIN'));
  });

  it('write takes everything that is sent, cookies too', async () => {
    const network = new Network();
    const written: number[] = [];
    const b = await network.endpoint(B, {
      handlers: {
        write: (datagram, to) => {
          written.push(datagram[13]!);
          b.socket.sendTo(datagram, to);
        },
      },
    });
    const a = await network.endpoint(A);
    await network.run(a.connect(B));
    assert.equal(
      written.length,
      network.network.traffic.sent - 3,
      'beside two hellos and the last flight of the client',
    );
    assert.equal(written[0], MESSAGE.helloVerifyRequest);
  });

  it('write would block: queued in order within a bound, sent when writable', async () => {
    const network = new Network();
    let room = true;
    const a = await network.endpoint(A, {
      maxQueuedBytes: 300,
      handlers: { write: (datagram, to) => (room ? a.socket.sendTo(datagram, to) : 'wouldBlock') },
    });
    const b = await network.endpoint(B);
    const session = await network.run(a.connect(B));
    room = false;
    session.sendNow(bytes('1'));
    session.sendNow(bytes('2'));
    session.sendNow(bytes('3'));
    assert.throws(() => session.sendNow(bytes('4')), hasCode('EAGAIN'));
    assert.equal(a.dropped.sent, 1);
    a.writable(); // still no room
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'connected');
    assert.throws(() => b.receiveNow(), hasCode('EAGAIN'));
    room = true;
    a.writable();
    session.sendNow(bytes('5'));
    await network.time.advance(seconds(1));
    assert.deepEqual(
      [b, b, b, b].map((each) => textOf(each.receiveNow())),
      ['1', '2', '3', '5'],
    );
  });

  it('a socket without room is the same: its writable sends what waits', async () => {
    const network = new Network();
    const socket = network.socket(A.address);
    await network.run(socket.bind(A.address, A.port));
    const sendTo = socket.sendTo.bind(socket);
    let room = true;
    socket.sendTo = (datagram, to) => {
      if (!room) throw new SocketError('EAGAIN', 'no room', { fatal: false });
      sendTo(datagram, to);
    };
    const [a, b] = [await network.endpoint(A, { socket }), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    room = false;
    session.sendNow(bytes('late'));
    room = true;
    socket.handler?.writable();
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'connected');
    assert.equal(textOf(b.receiveNow()), 'late');
  });

  it('event tells connect started, connected, alerts, closed', async () => {
    const network = new Network();
    const events: string[] = [];
    const event = (who: string) => (_: unknown, each: EndpointEvent) => void events.push(`${who} ${each.kind}`);
    const a = await network.endpoint(A, { handlers: { event: event('a') } });
    const b = await network.endpoint(B, { handlers: { event: event('b') } });
    const session = await network.run(a.connect(B));
    session.close();
    await network.time.advance(seconds(1));
    assert.deepEqual(events, [
      'a connecting',
      'b connecting',
      'b connected',
      'a connected',
      'a alert',
      'a closed',
      'b alert',
      'b alert',
      'b closed',
    ]);
    b.close();
  });

  it('what a handler throws is logged, and harms nobody', async () => {
    const network = new Network();
    const fails = (): never => {
      throw new Error('a mistake of the user');
    };
    const a = await network.endpoint(A);
    const b = await network.endpoint(B, { handlers: { read: fails, event: fails } });
    const session = await network.run(a.connect(B));
    session.sendNow(bytes('1'));
    session.sendNow(bytes('2'));
    await network.time.advance(seconds(1));
    b.find(A)?.sendNow(bytes('still here'));
    await network.time.advance(seconds(1));
    assert.equal(textOf(a.receiveNow()), 'connected');
    assert.equal(textOf(a.receiveNow()), 'still here');
  });

  it('keys: the hint, identity and key come from them before the pool', async () => {
    const network = new Network();
    const asked: string[] = [];
    const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);
    const { identity, key } = psk('from the handler', undefined, 'another 16 bytes');
    const a = await network.endpoint(A, {
      handlers: {
        keys: {
          identity: (session, hint) => {
            asked.push(`identity for ${session.remote.address}, ${text(hint)}`);
            return { identity, key };
          },
        },
      },
    });
    const b = await network.endpoint(B, {
      handlers: {
        keys: {
          hint: (session) => bytes(`hint for ${session.remote.address}`),
          key: async (_, named) => {
            asked.push(`key of ${text(named)}`);
            return key;
          },
        },
      },
    });
    await network.run(a.connect(B));
    assert.deepEqual(asked, ['identity for 10.0.0.2, hint for 10.0.0.1', 'key of from the handler']);
    b.close();
  });

  it('keys: a refusal by what is no alert is a mistake of our own', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    await network.endpoint(B, { handlers: { keys: { key: () => ({ alert: 0 }) } } });
    const failed = assert.rejects(a.connect(B), (error: TlsAlertError) => error.description === INTERNAL_ERROR);
    await network.run(failed);
  });

  it('keys: a refusal chooses the alert', async () => {
    const network = new Network();
    const a = await network.endpoint(A);
    const b = await network.endpoint(B, {
      handlers: { keys: { key: () => ({ alert: ACCESS_DENIED, reason: 'not on Sundays' }) } },
    });
    const failed = assert.rejects(a.connect(B), (error: TlsAlertError) => error.description === ACCESS_DENIED);
    await network.run(failed);
    assert.equal(b.counters.handshakesFailed, 1);
  });
});

describe('DtlsEndpoint: renewal and time', () => {
  it('renew is a new handshake on the same socket, and the session stays the same', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    const before = session.negotiated;
    const renewing = session.renew();
    session.sendNow(bytes('meanwhile, by the old one'));
    await network.run(renewing);
    assert.equal(session.state, 'connected');
    assert.notEqual(session.negotiated, before);
    session.sendNow(bytes('by the new one'));
    await network.time.advance(seconds(1));
    const told: string[] = [];
    for (let i = 0; i < 4; i++) told.push(textOf(b.receiveNow()));
    assert.deepEqual(told, ['connected', 'meanwhile, by the old one', 'connected', 'by the new one']);
    assert.equal(b.counters.sessionsReplaced, 1);
    assert.deepEqual([a.load.sessions, b.load.sessions], [1, 1]);
    assert.equal([...b.sessions()].length, 1);
  });

  it('a renewal that fails leaves the session', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    network.network.onDatagram((_, to, datagram) => (to.address === B.address && datagram[4] === 0 ? 'drop' : 'pass'));
    await network.run(assert.rejects(session.renew(), hasCode('ETIMEDOUT')));
    assert.equal(session.state, 'connected');
    b.receiveNow();
    session.sendNow(bytes('still'));
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'still');
  });

  it('is resumed where the server allows it, and the credentials are the same', async () => {
    const network = new Network();
    const pool = network.pool();
    const a = await network.endpoint(A, { credentials: pool });
    const b = await network.endpoint(B, { resumption: true });
    const session = await network.run(a.connect(B));
    assert.equal(session.negotiated?.resumed, undefined);
    for (let i = 0; i < 3; i++) {
      await network.run(session.renew());
      assert.equal(session.negotiated?.resumed, true, `renewal ${i}`);
      await network.time.advance(seconds(1)); // here the client speaks last
      assert.equal(b.find(A)?.negotiated?.resumed, true);
      assert.deepEqual(b.find(A)?.negotiated?.pskIdentity, bytes('device-1'));
      session.sendNow(bytes('x'));
      await network.time.advance(seconds(1));
    }
    pool.add(2, psk('another'));
    await network.run(session.renew());
    assert.equal(session.negotiated?.resumed, undefined, 'the client has other credentials');
    b.addTag(7);
    await network.run(session.renew());
    assert.equal(session.negotiated?.resumed, undefined, 'the server has other credentials');
    await network.run(session.renew());
    assert.equal(session.negotiated?.resumed, true);
    await network.time.advance(days(2));
    await network.run(session.renew());
    assert.equal(session.negotiated?.resumed, undefined, 'too old');
  });

  it('goes on from nothing that credentials which changed meanwhile had let through', async () => {
    const network = new Network();
    const pool = network.pool();
    let changes = 0;
    const choosePsk: DtlsEndpointOptions['choosePsk'] = () => {
      if (changes++ === 0) pool.add(2, psk('another'));
      return TAG;
    };
    const a = await network.endpoint(A, { credentials: pool, choosePsk });
    await network.endpoint(B, { resumption: true });
    const session = await network.run(a.connect(B));
    await network.run(session.renew());
    assert.deepEqual([changes, session.negotiated?.resumed], [2, undefined]);
    await network.run(session.renew());
    assert.deepEqual([changes, session.negotiated?.resumed], [2, true]);
  });

  it('is a full handshake where the server does not resume', async () => {
    const network = new Network();
    const [a] = [await network.endpoint(A), await network.endpoint(B)];
    const session = await network.run(a.connect(B));
    await network.run(session.renew());
    assert.equal(session.negotiated?.resumed, undefined);
    assert.equal(session.state, 'connected');
  });

  it('needs no room for another session', async () => {
    const network = new Network();
    const [a] = [await network.endpoint(A, { maxSessions: 1 }), await network.endpoint(B, { maxSessions: 1 })];
    const session = await network.run(a.connect(B));
    for (let i = 0; i < 3; i++) await network.run(session.renew());
    assert.equal(a.load.sessions, 1);
  });

  it('a server does not renew: ENOTSUP', async () => {
    const network = new Network();
    const [a, b] = [await network.endpoint(A), await network.endpoint(B)];
    await network.run(a.connect(B));
    await assert.rejects(b.find(A)!.renew(), hasCode('ENOTSUP'));
  });

  it('shows when the next flight is due', async () => {
    const network = new Network();
    const a = await network.endpoint(A, { handshakeTimeouts: { min: seconds(2), max: seconds(9) } });
    assert.equal(a.nextTimeout, NEVER);
    const start = network.time.now();
    assert.throws(() => a.session({ address: '10.0.0.77', port: 1 }).sendNow(bytes('x')), hasCode('ENOTCONN'));
    assert.equal(a.nextTimeout - start, seconds(2));
    await network.time.advance(seconds(2));
    assert.equal(a.nextTimeout - start, seconds(6));
  });
});

describe('DtlsEndpoint: connection ids', () => {
  /** From now on what A sends comes from another port, and what goes to that port comes to A. */
  function behindNat(network: Network, port: number): void {
    network.network.onDatagram((from, to, datagram) => {
      if (from.address === A.address && from.port !== port) network.network.inject({ ...A, port }, to, datagram);
      else if (to.address === A.address && to.port === port) network.network.inject(from, A, datagram);
      else return 'pass';
      return 'drop';
    });
  }

  it('a client that comes from another port is still the same session', async () => {
    const network = new Network();
    const events: EndpointEvent[] = [];
    const a = await network.endpoint(A, { connectionId: true });
    const b = await network.endpoint(B, { connectionId: true, handlers: { event: (_, event) => events.push(event) } });
    const session = await network.run(a.connect(B));
    const accepted = b.find(A);
    behindNat(network, 40_000);
    for (const text of ['first', 'second']) {
      session.sendNow(bytes(text));
      await network.time.advance(seconds(1));
      accepted?.sendNow(bytes(`${text} back`));
      await network.time.advance(seconds(1));
    }
    assert.equal(b.receiveNow().session, accepted);
    assert.deepEqual([textOf(b.receiveNow()), textOf(b.receiveNow())], ['first', 'second']);
    assert.equal(a.receiveNow().kind, 'connected');
    assert.deepEqual([textOf(a.receiveNow()), textOf(a.receiveNow())], ['first back', 'second back']);
    const moved = { ...A, port: 40_000 };
    assert.deepEqual(accepted?.remote, moved);
    assert.equal(b.find(moved), accepted);
    assert.equal(b.find(A), undefined);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'moved'),
      [{ kind: 'moved', before: A }],
    );
    assert.equal(b.counters.handshakesStarted, 1);
  });

  it('a client is found by its id also at an address that we call ourselves', async () => {
    const network = new Network();
    const ids = { connectionId: true } as const;
    const [a, b] = [await network.endpoint(A, ids), await network.endpoint(B, ids)];
    const other: Endpoint = { address: '10.0.0.3', port: 5684 };
    await network.endpoint(other, ids);
    const session = await network.run(a.connect(B));
    const called = await network.run(b.connect(other));
    network.network.onDatagram((from, to, datagram) => {
      if (from.address !== A.address) return 'pass';
      network.network.inject(other, to, datagram);
      return 'drop';
    });
    for (let received = 0; received < 2; received++) b.receiveNow();
    session.sendNow(bytes('from the address of the server'));
    await network.time.advance(seconds(1));
    assert.equal(textOf(b.receiveNow()), 'from the address of the server');
    assert.equal(called.state, 'connected');
    called.sendNow(bytes('still'));
  });

  it('a renewal from the new port takes the place of the session', async () => {
    const network = new Network();
    const [a, b] = [
      await network.endpoint(A, { connectionId: true }),
      await network.endpoint(B, { connectionId: true }),
    ];
    const session = await network.run(a.connect(B));
    behindNat(network, 40_000);
    session.sendNow(bytes('from the new port'));
    await network.run(session.renew());
    await network.time.advance(seconds(1));
    assert.deepEqual([a.load, b.load], Array(2).fill({ handshakes: 0, sessions: 1 }));
  });
});

describe('DtlsEndpoint: what peers must have', () => {
  async function refusedHello(
    options: Partial<DtlsEndpointOptions>,
    change: (script: ScriptedPeer) => Uint8Array,
  ): Promise<number> {
    const network = new Network();
    const b = await network.endpoint(B, options);
    const heard: Uint8Array[] = [];
    network.network.onDatagram((_, to, datagram) => {
      if (to.address === A.address) heard.push(datagram);
      return 'pass';
    });
    const script = new ScriptedPeer('client', bytes('a key of 16 byte'));
    network.network.inject(A, B, change(script));
    await network.time.advance(seconds(1));
    const [request] = script.messages(heard.at(-1)!);
    assert.equal(request?.type, MESSAGE.helloVerifyRequest);
    cookie = request.body.slice(3);
    network.network.inject(A, B, change(script));
    await network.time.advance(seconds(1));
    cookie = undefined;
    b.close();
    const [alert] = script.records(heard.at(-1)!);
    return alert?.type === TYPE.alert ? alert.payload![1]! : -1;
  }
  let cookie: Uint8Array | undefined;
  const hello = (script: ScriptedPeer, more = {}): Uint8Array =>
    script.clientHello({ ...(cookie === undefined ? {} : { cookie }), ...more });

  it('extended master secret is required unless it is only preferred', async () => {
    const without = (script: ScriptedPeer): Uint8Array => hello(script, { extendedMasterSecret: false });
    assert.equal(await refusedHello({}, without), HANDSHAKE_FAILURE);
    assert.notEqual(await refusedHello({ extendedMasterSecret: 'prefer' }, without), HANDSHAKE_FAILURE);
  });

  it('renegotiation_info is preferred unless it is required', async () => {
    const without = (script: ScriptedPeer): Uint8Array => {
      script.renegotiationInfo = false;
      return hello(script);
    };
    assert.equal(await refusedHello({ renegotiationInfo: 'require' }, without), HANDSHAKE_FAILURE);
    assert.notEqual(await refusedHello({}, without), HANDSHAKE_FAILURE);
  });
});

describe('DtlsEndpoint: what it cannot do fails when it is made', () => {
  it('versions, roles and cipher suites that there are not: ENOTSUP', () => {
    const network = new Network();
    assert.throws(() => network.closed(A.address, { versions: ['DTLS1.2', 'DTLS1.3'] }), /ENOTSUP.*DTLS1\.3/);
    assert.throws(() => network.closed(A.address, { versions: ['TLS1.2'] }), /ENOTSUP.*TLS1\.2/);
    assert.throws(() => network.closed(A.address, { versions: [] }), hasCode('EINVAL'));
    assert.throws(() => network.closed(A.address, { roles: [] }), hasCode('EINVAL'));
    // @ts-expect-error not a role
    assert.throws(() => network.closed(A.address, { roles: ['relay'] }), /ENOTSUP.*relay/);
    assert.throws(() => network.closed(A.address, { ciphersuites: [0x1301] }), hasCode('ENOTSUP'));
  });

  it('limits and tags out of range: EINVAL naming them', () => {
    const network = new Network();
    assert.throws(() => network.closed(A.address, { maxSessions: 0 }), /maxSessions/);
    assert.throws(() => network.closed(A.address, { maxCredentialBytes: 1e6 }), /maxCredentialBytes/);
    assert.throws(() => network.closed(A.address, { tags: [0] }), /empty tag/);
    assert.throws(() => network.closed(A.address, { tags: [1, 2], maxTags: 1 }), /maxTags/);
  });

  it('an endpoint that is a server makes no session; one that is a client drops hellos', async () => {
    const network = new Network();
    const server = await network.endpoint(A, { roles: ['server'] });
    assert.throws(() => server.session(B), hasCode('ENOTSUP'));
    const client = await network.endpoint(B, { roles: ['client'] });
    const other = await network.endpoint({ address: '10.0.0.3', port: 1 });
    const failed = assert.rejects(other.connect(B), hasCode('ETIMEDOUT'));
    await network.run(failed);
    assert.ok(client.dropped.hellos >= 7);
    assert.equal(client.counters.cookiesSent, 0);
    await network.run(client.connect(A));
    assert.equal(TAG, server.tags[0]);
  });
});

async function waitForData(endpoint: Awaited<ReturnType<Network['endpoint']>>): Promise<ReceivedData> {
  for (;;) {
    const received = await endpoint.receive();
    if (received.kind === 'data') return received;
  }
}
