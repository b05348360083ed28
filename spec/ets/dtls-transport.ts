// The scripted server over DTLS: sessions of this project's own backend, which other specs try against other stacks.

import assert from 'node:assert/strict';
import type { DatagramSocket, ServerSecurity } from '../../lib/net/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { FIXTURE_TIME } from '../crypto/fixtures/fixtures.ts';
import { BaseTransport, type Transport } from './transport.ts';
import { type WireMessage, decodeWire, encodeWire } from './wire.ts';

export class DtlsTransport extends BaseTransport implements Transport {
  readonly #listener: DatagramSocket;
  #session: DatagramSocket | undefined;

  private constructor(listener: DatagramSocket) {
    super();
    this.#listener = listener;
    void this.#accept();
  }

  static async listen(security: ServerSecurity): Promise<DtlsTransport> {
    const { clock } = systemEnvironment();
    const environment = systemEnvironment({ clock: { now: () => clock.now(), wallTime: () => FIXTURE_TIME } });
    const listener = nativeDtls({ datagramSocket: udpSocket }).createServer({ security }, environment);
    await listener.bind('127.0.0.1', 0);
    return new DtlsTransport(listener);
  }

  get uri(): string {
    return `coaps://127.0.0.1:${this.#listener.local!.port}`;
  }

  get hasClient(): boolean {
    return this.#session !== undefined;
  }

  send(message: WireMessage): void {
    assert.ok(this.#session, 'the client is connected');
    this.#session.send(encodeWire(message));
  }

  forget(): void {
    this.#session = undefined;
  }

  close(): void {
    this.#session?.close();
    this.#listener.close();
  }

  /** The newest session is the client's; ends with the listener. */
  async #accept(): Promise<void> {
    try {
      for (;;) this.#hear(await this.#listener.accept());
    } catch {
      this.#session = undefined;
    }
  }

  #hear(session: DatagramSocket): void {
    this.#session = session;
    const drain = (): void => {
      while (session.getOption('hasBufferedData')) {
        const bytes = session.receive();
        if (bytes !== undefined) this.guarded(() => this.received(decodeWire(Uint8Array.from(bytes))));
      }
    };
    session.handler = { readable: drain, writable: () => undefined, closed: () => undefined };
    drain();
  }
}
