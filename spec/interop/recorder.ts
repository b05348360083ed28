// Holds sessions with other stacks and keeps every byte of them, for specs that play them back without these stacks. Our
// randomness is seeded.

import { type Socket, createSocket } from 'node:dgram';
import path from 'node:path';
import { toHex } from '../../lib/bytes/index.ts';
import { nodeProvider } from '../../lib/crypto/index.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../security-backends/native/connection.ts';
import { type RecordedCertificate, Replayed, type Session } from '../security-backends/native/recorded-session.ts';
import type { PeerProcess } from './peers/process.ts';

/** What is known of a session before it happens. */
export type Open = Omit<Session, 'datagrams' | 'keyLog' | 'received'>;

/** A session as it happens: keys sign, and what they signed is kept. */
class Live extends Replayed {
  readonly datagrams: { from: 'client' | 'server'; hex: string }[] = [];
  certificate: RecordedCertificate | undefined;
  readonly #open: Open;
  readonly #sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array;
  #flushed = 0;

  constructor(open: Open, sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array) {
    super({ ...open, datagrams: [], keyLog: '', received: '' }, nodeProvider);
    this.#open = open;
    this.#sign = sign;
    this.certificate = open.certificate;
  }

  flush(send: (datagram: Uint8Array) => void): void {
    for (const hex of this.sent.slice(this.#flushed)) {
      this.datagrams.push({ from: this.#open.role, hex });
      send(Buffer.from(hex, 'hex'));
    }
    this.#flushed = this.sent.length;
  }

  session(): Session {
    const certificate = this.certificate === undefined ? {} : { certificate: this.certificate };
    const { received, datagrams } = this;
    return { ...this.#open, ...certificate, keyLog: this.keyLog[0] ?? '', received, datagrams };
  }

  protected override answer(job: DtlsJob): DtlsJobAnswer {
    if (job.type !== 'sign' || this.certificate === undefined) return super.answer(job);
    const signature = this.#sign(job);
    this.certificate = { ...this.certificate, signature: toHex(signature) };
    return { signature };
  }
}

function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket)));
}

async function until(done: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 800; i++) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never: ${what()}`);
}

/** A session to be had, and what signs on our side. */
export interface Peer {
  readonly open: Open;
  readonly sign: (job: Extract<DtlsJob, { type: 'sign' }>) => Uint8Array;
}

/** Our client; `says` is what the server is told to say, if it does not send back what it hears. */
export async function asClient(
  { open, sign }: Peer,
  server: { readonly port: number; readonly process: PeerProcess },
  says: string | undefined,
): Promise<Session> {
  const socket = await bound();
  const live = new Live(open, sign);
  const send = (datagram: Uint8Array): void => socket.send(datagram, server.port, '127.0.0.1');
  socket.on('message', (bytes) => {
    live.datagrams.push({ from: 'server', hex: toHex(bytes) });
    live.take(Uint8Array.from(bytes));
    live.flush(send);
    if (live.negotiated === undefined || says === undefined) return;
    server.process.writeLine(says);
    says = undefined;
  });
  live.flush(send);
  await until(
    () => live.state === 'closed',
    () => `${open.source}: ${live.state}\n${server.process.output}`,
  );
  socket.close();
  await server.process.stop();
  return live.session();
}

/** How a client is started, made to say something, and made to leave. */
export interface PeerClient {
  readonly start: (port: number) => PeerProcess | Promise<PeerProcess>;
  /** Default: it says it by itself, to begin with. */
  readonly says?: string | undefined;
  /** A line that ends it. Default: the end of its input does. */
  readonly bye?: string | undefined;
}

/** Our server. */
export async function asServer({ open, sign }: Peer, { start, says, bye }: PeerClient): Promise<Session> {
  const socket = await bound();
  const starting = Promise.resolve(start(socket.address().port));
  const tell = async (act: (client: PeerProcess) => void): Promise<void> => act(await starting);
  let live: Live | undefined;
  let stage = 0;
  socket.on('message', (bytes, from) => {
    live ??= new Live({ ...open, from: { address: from.address, port: from.port } }, sign);
    live.datagrams.push({ from: 'client', hex: toHex(bytes) });
    live.take(Uint8Array.from(bytes));
    live.flush((datagram) => socket.send(datagram, from.port, from.address));
    if (live.negotiated !== undefined && stage === 0) {
      stage = 1;
      if (says !== undefined) void tell((client) => client.writeLine(says));
    } else if (live.received !== '' && stage === 1) {
      stage = 2;
      void tell((client) => (bye === undefined ? client.endInput() : client.writeLine(bye)));
    }
  });
  const client = await starting;
  await until(
    () => live?.state === 'closed',
    () => `${open.source}: ${live?.state}\n${client.output}`,
  );
  socket.close();
  await client.stop();
  return live!.session();
}

/** Seeds and sizes of every session. */
export const COMMON = { seed: 1, gateSeed: 2, mtu: 1_252, sent: 'hello from us\n' } as const; // loopback's IPv4

export const PSK = '000102030405060708090a0b0c0d0e0f';
export const IDENTITY = 'Client_identity';

/** Where the specs look for them. */
export const FIXTURES = path.join(import.meta.dirname, '../security-backends/native/fixtures');

export const noKey = (): Uint8Array => {
  throw new Error('a pre-shared key signs nothing');
};
