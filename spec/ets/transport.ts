// What the scripted server needs of whatever carries its messages.

import type { WireMessage } from './wire.ts';

export type TransportName = 'udp' | 'tcp' | 'dtls';

/** Of one client at a time: the one that was heard last. */
export interface Transport {
  readonly uri: string;
  /** Whether a client is there to be said something. */
  readonly hasClient: boolean;
  /** Called with each message; what it throws is passed to `broken`. */
  received: (message: WireMessage) => void;
  broken: (error: unknown) => void;
  send(message: WireMessage): void;
  /** The client has left. */
  forget(): void;
  close(): void;
}

export abstract class BaseTransport {
  received: (message: WireMessage) => void = () => undefined;
  broken: (error: unknown) => void = () => undefined;

  protected guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.broken(error);
    }
  }
}
