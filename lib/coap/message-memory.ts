// What was heard lately: a message that comes twice is answered as the first time, and not delivered again (RFC 7252 §4.5).

import type { Duration, Instant } from '../runtime/index.ts';
import { later } from '../runtime/index.ts';

/** A message heard before, and what it was answered. */
export interface Remembered {
  readonly messageId: number;
  readonly code: number;
  readonly token: string;
  readonly expires: Instant;
  /** The acknowledgement or Reset to send again, once there is one. */
  reply: Uint8Array | undefined;
}

/** Messages by message id, for their lifetime, bounded in number and in bytes of replies: the oldest give way. */
export class MessageMemory {
  readonly #byId = new Map<number, Remembered>();
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * The same message heard before. One with the same id but another code or token is no duplicate: the peer has
   * started anew, or has used up its 65,536 ids.
   */
  find(messageId: number, code: number, token: string, now: Instant): Remembered | undefined {
    const found = this.#byId.get(messageId);
    return found !== undefined && found.expires > now && found.code === code && found.token === token
      ? found
      : undefined;
  }

  remember(messageId: number, code: number, token: string, lifetime: Duration, now: Instant): Remembered {
    this.#prune(now);
    const replaced = this.#byId.get(messageId);
    if (replaced !== undefined) this.#forget(replaced);
    const remembered = { messageId, code, token, expires: later(now, lifetime), reply: undefined };
    this.#byId.set(messageId, remembered);
    return remembered;
  }

  /** Keeps the reply with the message, unless the message has been forgotten meanwhile. */
  setReply(remembered: Remembered, reply: Uint8Array): void {
    if (this.#byId.get(remembered.messageId) !== remembered) return;
    this.#bytes += reply.length - (remembered.reply?.length ?? 0);
    remembered.reply = reply;
    while (this.#bytes > this.#maxBytes) this.#forgetOldest();
  }

  /** As if it had never been heard. */
  forget(remembered: Remembered): void {
    if (this.#byId.get(remembered.messageId) === remembered) this.#forget(remembered);
  }

  #prune(now: Instant): void {
    for (const remembered of this.#byId.values()) {
      if (remembered.expires > now && this.#byId.size < this.#maxMessages) return;
      this.#forget(remembered);
    }
  }

  #forgetOldest(): void {
    for (const oldest of this.#byId.values()) return this.#forget(oldest);
  }

  #forget(remembered: Remembered): void {
    this.#byId.delete(remembered.messageId);
    this.#bytes -= remembered.reply?.length ?? 0;
  }
}
