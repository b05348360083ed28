// A client and a server on a simulated network, and what each of them says when their handshake fails.

import {
  type Environment,
  type Log,
  type ServerConfiguration,
  type SslConfiguration,
  VirtualTime,
  nativeDtls,
  settle,
  silentLog,
} from '../../lib/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';

/** Something that goes wrong, and what is said about it. */
export interface Failure {
  /** As the guide's heading has it. */
  readonly title: string;
  /** Runs it. @returns one line for each side that says something */
  run(): Promise<readonly string[]>;
}

/** How a handshake is set up. What a failure is about is all that it gives. */
export interface Attempt {
  readonly client: SslConfiguration;
  /** None: nobody listens. */
  readonly server?: ServerConfiguration;
  /** Default `server.example`, which has the server's address. */
  readonly host?: string;
  /** Before the client connects. */
  readonly prepare?: (stage: Stage) => void;
}

const ADDRESS = '10.1.2.3';
const PORT = 5684;
const TODAY = Date.UTC(2027, 0, 1);
const PATIENCE = 5_000; // milliseconds of this world
const TURNS = 5; // of the event loop: enough for a module that is loaded already
const LONG = 600_000; // milliseconds: longer than any handshake lasts

export class Stage {
  readonly time = new VirtualTime();
  readonly network = new SimulatedNetwork({ time: this.time });
  readonly #environment: Environment;
  readonly #lines: string[] = [];
  #judgedSince: number | undefined;
  #close: () => void = () => undefined;

  constructor() {
    const { time } = this;
    // The date stands still, so that what is said of it is the same each time.
    this.#environment = {
      ...this.network.environment,
      clock: { now: () => time.now(), wallTime: () => this.#today() },
    };
  }

  #today(): number {
    this.#judgedSince = this.network.traffic.sent; // nobody else asks for the date; whoever has judged sends
    return TODAY;
  }

  /** Ends the server, handshakes under way included. */
  closeServer(): void {
    this.#close();
  }

  /** Changes, by what it returns, or drops the datagrams one way; `undefined` lets them pass. */
  rewrite(to: 'client' | 'server', change: (datagram: Uint8Array) => Uint8Array | 'drop' | undefined): void {
    this.network.onDatagram((_from, { address }, datagram) =>
      (address === ADDRESS) === (to === 'server') ? (change(datagram) ?? 'pass') : 'pass',
    );
  }

  /** Connects and waits until both sides have said what they have to. @throws Error if the handshake succeeds */
  async fail({ client, server, host = 'server.example', prepare }: Attempt): Promise<readonly string[]> {
    const { time, network } = this;
    await judges();
    network.names.set('server.example', [ADDRESS]);
    network.names.set('other.example', [ADDRESS]);
    if (server !== undefined) await this.#listen(server);
    prepare?.(this);
    const backend = nativeDtls({ datagramSocket: (configuration) => network.datagramSocket(undefined, configuration) });
    const socket = backend.createSocket(client, this.#environment);
    const failed = socket.connect(host, PORT).then(
      () => undefined,
      (error: unknown) => error,
    );
    await this.#run(failed);
    const error = await failed;
    if (!(error instanceof Error)) throw new Error('the handshake succeeded');
    await time.advance(LONG);
    this.#close();
    return [`client: ${error.message}`, ...this.#lines];
  }

  /** Runs the simulated time, which stands still while a certificate is judged: that takes time of this world. */
  async #run(promise: Promise<unknown>): Promise<void> {
    let over = false;
    void promise.then(() => (over = true));
    while (!over) {
      for (let turn = 0; turn < TURNS; turn++) await settle();
      const limit = AbortSignal.timeout(PATIENCE);
      while (this.network.traffic.sent === this.#judgedSince && !over && !limit.aborted) await settle();
      this.#judgedSince = undefined;
      if (!over) this.time.step();
    }
  }

  async #listen(configuration: ServerConfiguration): Promise<void> {
    const { time, network } = this;
    const backend = nativeDtls({ datagramSocket: (options) => network.datagramSocket(ADDRESS, options) });
    const environment: Environment = { ...this.#environment, log: this.#log() };
    const server = backend.createServer(configuration, environment);
    await time.run(server.bind(ADDRESS, PORT));
    this.#close = () => server.close();
  }

  /** What a server says is in its log at level `debug`: one that anybody may knock at says no more by itself. */
  #log(): Log {
    const debug = (fields: object | string): void => {
      if (typeof fields === 'object' && 'reason' in fields) this.#lines.push(`server: ${String(fields.reason)}`);
    };
    return { ...silentLog, debug };
  }
}

/** Path validation is loaded when it is first needed; here before, so that it begins at the same simulated time. */
async function judges(): Promise<void> {
  await import('../../lib/crypto/trust/server-trust.ts');
  await import('../../lib/crypto/trust/certificate-usage.ts');
  await import('../../lib/crypto/trust/validate-path.ts');
}
