// The server of the cases: CoAP by hand on the loopback, and a memory of everything it was told.

import assert from 'node:assert/strict';
import {
  METHODS,
  type Method,
  OPTIONS,
  type WireMessage,
  type WireOption,
  numberOption,
  numbers,
  textOption,
  texts,
} from './wire.ts';
import type { ServerSecurity } from '../../lib/net/index.ts';
import type { Transport, TransportName } from './transport.ts';
import { listen } from './transports.ts';

export interface Question {
  readonly method: Method;
  /** With its query: `/3/0?pmin=10`. */
  readonly path: string;
  readonly accept?: number | undefined;
  readonly contentFormat?: number | undefined;
  readonly payload?: Uint8Array | undefined;
  readonly observe?: 0 | 1 | undefined;
  /** Hex; default: a new one. */
  readonly token?: string | undefined;
}

/** A message of the client, as it stood on the wire. */
export interface Heard extends WireMessage {
  /** Seconds of the client's own time at which it came. */
  readonly at: number;
}

/** A request of the client: Register, Update, De-register or Send. */
export interface Uplink extends Heard {
  readonly method: Method;
  readonly path: string;
  readonly query: readonly string[];
}

interface Verdict {
  readonly code: string;
  readonly options?: readonly WireOption[];
}

const LOCATION = ['rd', '5a3f'] as const;
const NOTHING = new Uint8Array();

export class ScriptedServer {
  readonly #transport: Transport;
  readonly #seconds: () => number;
  readonly #waiting = new Map<string, (response: Heard) => void>();
  readonly #pings = new Map<number, () => void>();
  readonly #watchers = new Set<() => void>();
  /** Rejects when the client says what no client may say. */
  readonly broken: Promise<never>;
  #messageId = 0x1000;
  #token = 0xa0;
  /** Every request of the client, in order. */
  readonly uplinks: Uplink[] = [];
  /** Every response that nobody waits for: notifications, whatever their token. */
  readonly notifications: Heard[] = [];
  /** Tokens whose notifications are answered by Reset. */
  readonly resets = new Set<string>();
  /** The answer to a request of the client. */
  verdict: (request: Uplink) => Verdict = (request) => registrar(request);

  private constructor(transport: Transport, seconds: () => number) {
    this.#transport = transport;
    this.#seconds = seconds;
    this.broken = new Promise((_resolve, reject) => (transport.broken = reject));
    this.broken.catch(() => undefined); // looked at where a case is run
    transport.received = (message) => this.#hear({ ...message, at: this.#seconds() });
  }

  /** @param seconds tells the client's time. @param security of a DTLS server */
  static async listen(name: TransportName, seconds: () => number, security?: ServerSecurity): Promise<ScriptedServer> {
    return new ScriptedServer(await listen(name, security), seconds);
  }

  get uri(): string {
    return this.#transport.uri;
  }

  /** Sends a confirmable request; its response, which must come with the acknowledgement or confirmable itself. */
  ask(question: Question): Promise<Heard> {
    const token = question.token ?? (this.#token++).toString(16).padStart(4, '0');
    const answered = new Promise<Heard>((resolve) => this.#waiting.set(token, resolve));
    const [path, query] = question.path.split('?') as [string, string?];
    const options = path
      .split('/')
      .filter((part) => part !== '')
      .map((part) => textOption(OPTIONS.uriPath, part));
    for (const argument of query?.split('&') ?? []) options.push(textOption(OPTIONS.uriQuery, argument));
    for (const [name, value] of [
      ['accept', question.accept],
      ['contentFormat', question.contentFormat],
      ['observe', question.observe],
    ] as const) {
      if (value !== undefined) options.push(numberOption(OPTIONS[name], value));
    }
    const { method, payload = NOTHING } = question;
    this.#transport.send({ type: 'CON', code: METHODS[method], messageId: this.#messageId++, token, options, payload });
    return answered;
  }

  /** Resolves when everything that the client has said so far is here: it answers a ping last (RFC 7252 §4.3). */
  async caughtUp(): Promise<void> {
    if (!this.#transport.hasClient) return;
    const messageId = this.#messageId++;
    const answered = new Promise<void>((resolve) => this.#pings.set(messageId, resolve));
    this.#transport.send({ type: 'CON', code: '0.00', messageId, token: '', options: [], payload: NOTHING });
    await answered;
  }

  /** Resolves when `reached` says yes, which it is asked now and after each message. */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  close(): void {
    this.#transport.close();
  }

  #hear(message: Heard): void {
    if (message.type === 'RST') this.#pings.get(message.messageId)?.();
    else if (message.code.startsWith('0.') && message.code !== '0.00') this.#serve(message);
    else if (message.code !== '0.00') this.#listen(message);
    for (const watcher of this.#watchers) watcher();
  }

  #listen(response: Heard): void {
    const { token, messageId } = response;
    const waiting = this.#waiting.get(token);
    if (waiting !== undefined) assert.notEqual(response.type, 'NON', 'a confirmable request is not answered by a NON');
    const type = this.resets.has(token) ? 'RST' : 'ACK';
    if (response.type === 'CON' || (response.type === 'NON' && type === 'RST')) {
      this.#transport.send({ type, code: '0.00', messageId, token: '', options: [], payload: NOTHING });
    }
    if (waiting === undefined) return void this.notifications.push(response);
    this.#waiting.delete(token);
    waiting(response);
  }

  #serve(message: Heard): void {
    const method = (Object.keys(METHODS) as Method[]).find((name) => METHODS[name] === message.code);
    assert.ok(method, `the client sends no ${message.code}`);
    assert.equal(message.type, 'CON', 'requests of the client are confirmable');
    const { options, messageId, token } = message;
    const path = `/${texts(options, OPTIONS.uriPath).join('/')}`;
    const request: Uplink = { ...message, method, path, query: texts(options, OPTIONS.uriQuery) };
    this.uplinks.push(request);
    const verdict = this.verdict(request);
    this.#transport.send({ type: 'ACK', messageId, token, options: [], payload: NOTHING, ...verdict });
    if (verdict.code === '2.02') this.#transport.forget(); // it has left, and answers no pings
  }
}

/** Accepts everything that a client may ask of a server. */
function registrar({ method, path }: Uplink): Verdict {
  const location = `/${LOCATION.join('/')}`;
  if (method === 'POST' && path === '/rd') {
    return { code: '2.01', options: LOCATION.map((part) => textOption(OPTIONS.locationPath, part)) };
  }
  if (method === 'POST' && (path === location || path === '/dp')) return { code: '2.04' };
  if (method === 'DELETE' && path === location) return { code: '2.02' };
  return { code: '4.04' };
}

/** The Content-Format that a message names, if it does. */
export function contentFormatOf(message: WireMessage): number | undefined {
  return numbers(message.options, OPTIONS.contentFormat)[0];
}
