// Two endpoints in one process whose datagrams are handed over at once, unless they are lost on purpose.

import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import type { Endpoint } from '../../lib/net/index.ts';
import { type Environment, SeededRandom, VirtualTime, minutes, silentLog } from '../../lib/runtime/index.ts';
import { CredentialPool } from '../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../security-backends/native/endpoint.ts';
import { HandoverSocket } from '../bench/handover-socket.ts';

const SERVER: Endpoint = { address: '192.0.2.1', port: 5_684 };
const CLIENT_ADDRESS = '192.0.2.2';
const FIRST_PORT = 1_024;
const PORTS = 60_000;
const MAX_SESSIONS = 20; // of peers that vanish without a word, so many stay
const MESSAGE = new Uint8Array(64).fill(3);

/** How a cycle goes. */
export type Course =
  /** Opened, used, renewed, used, closed. */
  | 'orderly'
  /** As orderly, but the server never hears of the end. */
  | 'vanishing'
  /** The handshake gets nowhere. */
  | 'unanswered';

export class EndpointPair {
  readonly #time: VirtualTime;
  readonly #client: DtlsEndpoint;
  readonly #server: DtlsEndpoint;
  #port = FIRST_PORT;
  #lossy = false;
  #echoes = 0;

  private constructor(time: VirtualTime, clientSocket: HandoverSocket, serverSocket: HandoverSocket) {
    this.#time = time;
    const environment = environmentOf(time);
    const credentials = new CredentialPool({}, environment);
    const identity = pskIdentityFromBuffer(new TextEncoder().encode('device-1'));
    credentials.add(1, { type: 'psk', identity, key: pskKeyFromBuffer(new Uint8Array(16).fill(7)) });
    const common = { credentials, tags: [1] };
    const read = (): void => void this.#echoes++;
    this.#client = new DtlsEndpoint({ ...common, socket: clientSocket, handlers: { read } }, environment);
    const handlers = { read: ({ session, segments }) => void session.sendNow(segments) } satisfies NonNullable<
      ConstructorParameters<typeof DtlsEndpoint>[0]['handlers']
    >;
    this.#server = new DtlsEndpoint(
      { ...common, socket: serverSocket, maxSessions: MAX_SESSIONS, resumption: true, handlers },
      environment,
    );
    clientSocket.outlet = (datagram) => {
      if (!this.#lossy) serverSocket.hand(datagram, { address: CLIENT_ADDRESS, port: this.#port });
    };
    serverSocket.outlet = (datagram, { port }) => {
      if (!this.#lossy && port === this.#port) clientSocket.hand(datagram, SERVER);
    };
  }

  static async made(): Promise<EndpointPair> {
    const time = new VirtualTime();
    const environment = environmentOf(time);
    const [client, server] = [new HandoverSocket(environment), new HandoverSocket(environment)];
    await client.bind('0.0.0.0', 0);
    await server.bind(SERVER.address, SERVER.port);
    return new EndpointPair(time, client, server);
  }

  /** @throws Error if something did not come about */
  async cycle(course: Course): Promise<void> {
    const session = this.#client.session(SERVER);
    if (course === 'unanswered') {
      this.#lossy = true;
      const attempt = session.connect().catch(() => undefined);
      session.close();
      await attempt;
    } else {
      const before = this.#echoes;
      await session.send(MESSAGE);
      await session.renew();
      session.sendNow(MESSAGE);
      if (this.#echoes !== before + 2) throw new Error(`expected 2 echoes, found ${this.#echoes - before}`);
      this.#lossy = course === 'vanishing';
      session.close();
    }
    if (this.#lossy) this.#port = FIRST_PORT + ((this.#port - FIRST_PORT + 1) % PORTS);
    this.#lossy = false;
  }

  /** Lets every timer of a handshake pass. */
  async settle(): Promise<void> {
    await this.#time.advance(minutes(10));
  }

  /** Sessions and handshakes of both endpoints that are still there. */
  get left(): { readonly client: number; readonly server: number } {
    const total = ({ load }: DtlsEndpoint): number => load.handshakes + load.sessions;
    return { client: total(this.#client), server: total(this.#server) };
  }

  close(): void {
    this.#client.close();
    this.#server.close();
  }
}

function environmentOf(time: VirtualTime): Environment {
  return { clock: time, timers: time, random: new SeededRandom(1), log: silentLog };
}
