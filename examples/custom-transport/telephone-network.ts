// What stands in for SMS or a radio modem's network: telephone numbers in place of addresses, a message port for each
// subscriber. Like a binary SMS, a message names an application port at either end. Nothing of it knows IP.

import { MessageChannel, type MessagePort } from 'node:worker_threads';

export interface TelephoneEndpoint {
  readonly number: string;
  readonly port: number;
}

export interface ShortMessage {
  readonly from: TelephoneEndpoint;
  readonly to: TelephoneEndpoint;
  readonly bytes: Uint8Array;
}

export class TelephoneNetwork {
  readonly #subscribers = new Map<string, MessagePort>();
  /** Messages so far, and their longest. */
  readonly traffic = { messages: 0, longest: 0 };

  /** A subscriber's end of the line; it may be handed to a worker thread. @throws Error if the number is taken */
  subscribe(number: string): MessagePort {
    if (this.#subscribers.has(number)) throw new Error(`${number} has a line already`);
    const { port1: exchange, port2: line } = new MessageChannel();
    this.#subscribers.set(number, exchange);
    exchange.on('message', (message: ShortMessage) => this.#carry(number, message));
    exchange.once('close', () => this.#subscribers.delete(number));
    exchange.unref();
    return line;
  }

  /** The network says who calls, not the caller. Where nobody is, nobody is told. */
  #carry(number: string, { from, to, bytes }: ShortMessage): void {
    this.traffic.messages++;
    this.traffic.longest = Math.max(this.traffic.longest, bytes.length);
    this.#subscribers.get(to.number)?.postMessage({ from: { ...from, number }, to, bytes } satisfies ShortMessage);
  }
}
