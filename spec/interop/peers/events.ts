// Leshan's server-sent events, typed, with a way to wait for one.

import type { LeshanNode, LeshanNodes, LeshanRegistration } from './leshan.ts';

/** What each kind of event carries. ERROR: Leshan could not understand a notification or a Send. */
export interface LeshanEvents {
  REGISTRATION: LeshanRegistration;
  DEREGISTRATION: LeshanRegistration;
  UPDATED: { readonly registration: LeshanRegistration };
  NOTIFICATION: { readonly ep: string; readonly res: string; readonly val: LeshanNode };
  /** A notification of several paths. */
  COMPOSITE: { readonly ep: string; readonly val: LeshanNodes };
  /** The newest values, and of how many times there were values. */
  SEND: { readonly ep: string; readonly val: Readonly<Record<string, LeshanNode>>; readonly times: number };
  ERROR: { readonly ep: string; readonly what: string; readonly message: string };
}

type Kind = keyof LeshanEvents;

/** Hears everything from `open` on; what was heard is kept, so waiting may start late. */
export class EventReader {
  readonly #heard: { [K in Kind]: LeshanEvents[K][] } = {
    REGISTRATION: [],
    DEREGISTRATION: [],
    UPDATED: [],
    NOTIFICATION: [],
    COMPOSITE: [],
    SEND: [],
    ERROR: [],
  };
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();

  static async open(url: string): Promise<EventReader> {
    const reader = new EventReader();
    const response = await fetch(url, { signal: reader.#stop.signal });
    if (!response.ok || response.body === null) throw new Error(`event stream: HTTP ${response.status}`);
    const body: ReadableStream<Uint8Array> = response.body;
    reader.#follow(body).catch(() => undefined); // ends by `close`, or with the server
    return reader;
  }

  /** The first event of this kind that satisfies `predicate`, already heard or to come. @throws Error after `limit` ms */
  async waitFor<K extends Kind>(
    kind: K,
    predicate: (data: LeshanEvents[K]) => boolean,
    limit = 20_000,
  ): Promise<LeshanEvents[K]> {
    const deadline = Date.now() + limit;
    for (;;) {
      const match = this.#heard[kind].find(predicate);
      if (match !== undefined) return match;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no such ${kind} in ${limit} ms; heard ${JSON.stringify(this.#heard)}`);
      await this.#change(left);
    }
  }

  /** Those of this kind that satisfy `predicate`, so far, in order. */
  heard<K extends Kind>(kind: K, predicate: (data: LeshanEvents[K]) => boolean): LeshanEvents[K][] {
    return this.#heard[kind].filter(predicate);
  }

  /** For who comes next, perhaps under the same name: nothing has been heard yet. */
  forget(): void {
    for (const events of Object.values(this.#heard)) events.length = 0;
  }

  close(): void {
    this.#stop.abort();
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#hear(block);
    }
  }

  #hear(block: string): void {
    const event = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (event === undefined || data === undefined || !isKind(event, this.#heard)) return;
    this.#heard[event].push(JSON.parse(data));
    for (const wake of [...this.#waiting]) wake();
  }

  #change(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting;
      const timer = setTimeout(done, limit);
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
  }
}

function isKind(event: string, heard: Readonly<Record<Kind, unknown>>): event is Kind {
  return event in heard;
}
