// A modem: one line, and the sockets on its application ports.

import type { MessagePort } from 'node:worker_threads';
import { SocketError } from '../../lib/net/index.ts';
import type { ShortMessage, TelephoneEndpoint } from './telephone-network.ts';

const FIRST_FREE_PORT = 49_152; // as IANA's dynamic ports: what nobody names is taken from there
const LAST_PORT = 65_535;
const NUMBER = /^\+[0-9]{3,15}$/; // E.164

export interface ModemUser {
  arrived(bytes: Uint8Array, from: TelephoneEndpoint): void;
  /** The line is dead. */
  lost(): void;
}

export class Modem {
  readonly number: string;
  readonly #line: MessagePort;
  readonly #users = new Map<number, ModemUser>();

  constructor(number: string, line: MessagePort) {
    this.number = checkedNumber(number, 'EINVAL');
    this.#line = line;
    line.on('message', ({ from, to, bytes }: ShortMessage) => this.#users.get(to.port)?.arrived(bytes, from));
    line.once('close', () => {
      for (const user of [...this.#users.values()]) user.lost();
    });
    line.unref();
  }

  /** @param port 0 takes a free one. @returns the port @throws SocketError EADDRINUSE */
  take(port: number, user: ModemUser): number {
    const taken = port === 0 ? this.#freePort() : port;
    if (this.#users.has(taken)) throw new SocketError('EADDRINUSE', `${this.number} has a socket at port ${port}`);
    this.#users.set(taken, user);
    if (this.#users.size === 1) this.#line.ref(); // who listens keeps the process
    return taken;
  }

  give(port: number, user: ModemUser): void {
    if (this.#users.get(port) !== user) return;
    this.#users.delete(port);
    if (this.#users.size === 0) this.#line.unref();
  }

  send(port: number, to: TelephoneEndpoint, bytes: Uint8Array): void {
    this.#line.postMessage({ from: { number: this.number, port }, to, bytes } satisfies ShortMessage);
  }

  hangUp(): void {
    this.#line.close();
  }

  #freePort(): number {
    for (let port = FIRST_FREE_PORT; port <= LAST_PORT; port++) if (!this.#users.has(port)) return port;
    throw new SocketError('EADDRINUSE', 'every port is taken');
  }
}

/** @throws SocketError */
export function checkedNumber(text: string, code: 'EINVAL' | 'ENOTFOUND'): string {
  if (NUMBER.test(text)) return text;
  throw new SocketError(code, `expected a telephone number such as +15550100, found ${JSON.stringify(text)}`);
}
