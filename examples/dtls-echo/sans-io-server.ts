// A server by `CookieGate`, `DtlsServer` and node:dgram: one socket, one connection for each client that has shown its address.

import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { systemEnvironment } from '../../lib/index.ts';
import { CookieGate, DtlsServer, type VerifiedHello, defaultProvider } from '../../security-backends/native/index.ts';
import { type Kind, answersOf } from './keys.ts';
import { Loop } from './loop.ts';

const MTU = 1_232; // bytes of UDP payload that any IPv6 path takes (RFC 8200 §5)
const MAX_PEERS = 1_000; // about 10 KB each while they shake hands

const environment = systemEnvironment();
const provider = defaultProvider();
const { random } = environment;

export interface EchoServer {
  readonly port: number;
  close(): void;
}

/** Sends everything back. Port 0 is any. */
export async function startServer(kind: Kind, port: number, say: (line: string) => void): Promise<EchoServer> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const peers = new Peers(socket, kind, say);
  const gate = new CookieGate({ provider, random });

  socket.on('message', (datagram, from) => {
    const peer = peers.find(from);
    if (peer !== undefined) return peer.arrived(datagram);
    const verdict = gate.inspect(datagram, from, environment.clock.now());
    // Until its cookie comes back nothing is kept of anybody, and no more is sent than came.
    if (verdict.kind === 'reply') socket.send(verdict.datagram, from.port, from.address);
    if (verdict.kind === 'verified') peers.admit(from, verdict).start();
  });
  socket.on('error', (error) => say(`socket: ${error.message}`));
  return {
    port: socket.address().port,
    close: () => {
      peers.close();
      setImmediate(() => socket.close()); // what was sent leaves first
    },
  };
}

/** By address, the one heard longest ago first: it gives way when there are too many. */
class Peers {
  readonly #loops = new Map<string, Loop>();
  readonly #socket: Socket;
  readonly #kind: Kind;
  readonly #say: (line: string) => void;
  readonly #answer: ReturnType<typeof answersOf>;

  constructor(socket: Socket, kind: Kind, say: (line: string) => void) {
    this.#socket = socket;
    this.#kind = kind;
    this.#say = say;
    this.#answer = answersOf(kind, 'server');
  }

  find(from: RemoteInfo): Loop | undefined {
    const key = keyOf(from);
    const loop = this.#loops.get(key);
    if (loop === undefined) return undefined;
    this.#loops.delete(key);
    this.#loops.set(key, loop);
    return loop;
  }

  admit(from: RemoteInfo, verified: VerifiedHello): Loop {
    const [oldest] = this.#loops.values();
    if (this.#loops.size >= MAX_PEERS) oldest?.close();
    const key = keyOf(from);
    const connection = new DtlsServer({ provider, random, mtu: MTU, credential: this.#kind, verified });
    const loop = new Loop(connection, environment, {
      transmit: (datagram) => this.#socket.send(datagram, from.port, from.address),
      answer: this.#answer,
      connected: ({ ciphersuite }) => this.#say(`${key} connected, ${this.#kind}, suite 0x${ciphersuite.toString(16)}`),
      data: (bytes) => {
        if (bytes.length <= loop.room) loop.send(bytes);
      },
      closed: () => {
        this.#loops.delete(key);
        this.#say(`${key} left`);
      },
    });
    this.#loops.set(key, loop);
    return loop;
  }

  close(): void {
    for (const loop of [...this.#loops.values()]) loop.close();
  }
}

function keyOf({ address, port }: RemoteInfo): string {
  return `${address}:${port}`;
}
