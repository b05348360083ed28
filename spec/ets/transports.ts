// What carries the scripted server's messages on the loopback: datagrams, or a stream (RFC 8323).

import assert from 'node:assert/strict';
import { type Socket as UdpSocket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket as TcpSocket, createServer } from 'node:net';
import {
  type Frame,
  type WireMessage,
  decodeFrame,
  decodeWire,
  encodeFrame,
  encodeWire,
  numberOption,
} from './wire.ts';
import type { ServerSecurity } from '../../lib/net/index.ts';
import { DtlsTransport } from './dtls-transport.ts';
import { BaseTransport, type Transport, type TransportName } from './transport.ts';

/** @param security of a DTLS server */
export function listen(name: TransportName, security?: ServerSecurity): Promise<Transport> {
  if (name === 'udp') return UdpTransport.listen();
  if (name === 'tcp') return TcpTransport.listen();
  assert.ok(security, 'what a DTLS server is known by');
  return DtlsTransport.listen(security);
}

class UdpTransport extends BaseTransport implements Transport {
  readonly #socket: UdpSocket;
  #client: { readonly address: string; readonly port: number } | undefined;

  private constructor(socket: UdpSocket) {
    super();
    this.#socket = socket;
    socket.on('message', (bytes, from) => {
      this.#client = { address: from.address, port: from.port };
      this.guarded(() => this.received(decodeWire(Uint8Array.from(bytes))));
    });
  }

  static async listen(): Promise<UdpTransport> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpTransport(socket);
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.#socket.address().port}`;
  }

  get hasClient(): boolean {
    return this.#client !== undefined;
  }

  send(message: WireMessage): void {
    assert.ok(this.#client, 'the client has said where it is');
    this.#socket.send(encodeWire(message), this.#client.port, this.#client.address);
  }

  forget(): void {
    this.#client = undefined;
  }

  close(): void {
    this.#socket.close();
  }
}

const SIGNALS = { settings: '7.01', ping: '7.02', pong: '7.03', release: '7.04' } as const; // RFC 8323 §5
const MAX_MESSAGE_SIZE = 2; // option of CSM
const LARGEST = 60_000; // bytes of a message: no answer comes in blocks

/** A stream as if it were datagrams: requests are confirmable, answers acknowledge them, a pong is what Reset is to a ping. */
class TcpTransport extends BaseTransport implements Transport {
  readonly #server: Server;
  #client: TcpSocket | undefined;
  #received: Uint8Array = new Uint8Array();
  #settled = false;

  private constructor(server: Server) {
    super();
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async listen(): Promise<TcpTransport> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpTransport(server);
  }

  get uri(): string {
    return `coap+tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get hasClient(): boolean {
    return this.#client !== undefined;
  }

  send({ type, code, messageId, token, options, payload }: WireMessage): void {
    if (code !== '0.00') return this.#write({ code, token, options, payload });
    if (type === 'CON') this.#signal(SIGNALS.ping, { token: messageId.toString(16).padStart(4, '0') });
  }

  forget(): void {
    this.#client = undefined;
  }

  close(): void {
    this.#client?.destroy();
    this.#server.close();
  }

  #accept(client: TcpSocket): void {
    this.#client = client;
    this.#received = new Uint8Array();
    this.#settled = false;
    client.on('data', (bytes: Uint8Array) => this.guarded(() => this.#take(bytes)));
    client.on('error', () => client.destroy()); // the client may go without a word
    client.on('close', () => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#signal(SIGNALS.settings, { options: [numberOption(MAX_MESSAGE_SIZE, LARGEST)] });
  }

  #take(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let next = decodeFrame(this.#received); next !== undefined; next = decodeFrame(this.#received)) {
      this.#received = this.#received.subarray(next.length);
      this.#hear(next.frame);
    }
  }

  #hear(frame: Frame): void {
    const { code, token } = frame;
    if (!this.#settled) assert.equal(code, SIGNALS.settings, 'CSM is the first message (RFC 8323 §5.3)');
    this.#settled = true;
    if (code === SIGNALS.settings || code === SIGNALS.release) return;
    if (code === SIGNALS.ping) return this.#signal(SIGNALS.pong, { token });
    const type = code === SIGNALS.pong ? 'RST' : code.startsWith('0.') ? 'CON' : 'ACK';
    const messageId = type === 'RST' ? Number.parseInt(token, 16) : 0;
    this.received({ ...frame, type, messageId, code: type === 'RST' ? '0.00' : code });
  }

  #signal(code: string, { token = '', options = [] }: Partial<Frame>): void {
    this.#write({ code, token, options, payload: new Uint8Array() });
  }

  #write(frame: Frame): void {
    assert.ok(this.#client, 'the client is connected');
    this.#client.write(encodeFrame(frame));
  }
}
