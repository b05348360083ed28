// Clients of the OpenSSL backend against our native server on a simulated network: what they take from C must come back.

import { STRANGER } from '../../lib/net/conformance/backend/test-keys.ts';
import { clientSecurity, serverSecurity } from '../../lib/net/conformance/backend/credentials.ts';
import { memoryStore } from '../../lib/net/conformance/backend/life-cases.ts';
import { certificateChainFromBuffer } from '../../lib/crypto/index.ts';
import type { DatagramSocket, SecurityBackend, SslConfiguration } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { type Clock, VirtualTime, milliseconds, minutes } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/index.ts';
import { callbacksOf } from '../../security-backends/openssl/callbacks.ts';
import { opensslDtls } from '../../security-backends/openssl/index.ts';
import { loadOpenSsl } from '../../security-backends/openssl/library.ts';
import type { Course } from './pair.ts';

const ADDRESS = '10.1.2.3';
const CLIENT_ADDRESS = '10.1.2.4'; // one for all: the simulated network keeps every address that was ever used
const NOBODY = 9;
const MESSAGE = new Uint8Array(64).fill(3);
const CERTIFICATES_EVERY = 7; // cycles: public keys take their time; no divisor of a round of courses, so that each meets all

const STRANGERS: SslConfiguration['security'] = {
  mode: 'certificate',
  trustAnchors: certificateChainFromBuffer(STRANGER.certificate),
};

export class OpenSslPair {
  readonly #time = new VirtualTime();
  readonly #network = new SimulatedNetwork({ time: this.#time });
  /** For OpenSSL: its own timers follow another clock, and are not needed where nothing is lost. */
  readonly #environment = { ...this.#network.environment, clock: unmarked(this.#time) };
  readonly #backend: SecurityBackend<DatagramSocket>;
  readonly #servers: readonly DatagramSocket[];
  readonly #sessionStore = memoryStore();
  #cycles = 0;

  private constructor() {
    const { environment } = this.#network;
    this.#backend = opensslDtls({ datagramSocket: (socket) => this.#network.datagramSocket(CLIENT_ADDRESS, socket) });
    const native = nativeDtls({ datagramSocket: (socket) => this.#network.datagramSocket(ADDRESS, socket) });
    this.#servers = (['psk', 'certificate'] as const).map((kind) =>
      native.createServer({ security: serverSecurity(kind), resumption: true, maxSessions: 20 }, environment),
    );
  }

  static async made(): Promise<OpenSslPair> {
    const pair = new OpenSslPair();
    for (const server of pair.#servers) await pair.#time.run(server.bind(ADDRESS, 0));
    return pair;
  }

  /** @throws Error if something did not come about */
  async cycle(course: Course): Promise<void> {
    const certificate = ++this.#cycles % CERTIFICATES_EVERY === 0;
    if (course === 'unanswered') return certificate ? this.#refused() : this.#unanswered();
    const server = this.#servers[certificate ? 1 : 0]!;
    const client = this.#client({
      security: clientSecurity(certificate ? 'certificate' : 'psk'),
      sessionStore: this.#cycles % 2 === 0 ? this.#sessionStore : undefined,
    });
    const accepted = server.accept();
    await this.#run(client.connect(ADDRESS, server.local!.port));
    const session = await this.#time.run(accepted);
    client.send(MESSAGE);
    session.send((await this.#time.run(session.next())) ?? MESSAGE);
    const echo = await this.#time.run(client.next());
    if (echo?.length !== MESSAGE.length) throw new Error(`expected an echo, found ${echo?.length} bytes`);
    if (course === 'vanishing') session.close(); // the client hears of it
    await client[Symbol.asyncDispose]();
    session.close();
  }

  /** A server that is not trusted: an alert of ours ends the handshake. */
  async #refused(): Promise<void> {
    const client = this.#client({ security: STRANGERS });
    const failure = await this.#run(client.connect(ADDRESS, this.#servers[1]!.local!.port)).catch(String);
    if (!String(failure).includes('unknown_ca')) throw new Error(`expected unknown_ca, found ${failure}`);
    await client[Symbol.asyncDispose]();
  }

  async #unanswered(): Promise<void> {
    const client = this.#client({ security: clientSecurity('psk') });
    const attempt = client.connect(ADDRESS, NOBODY).catch(() => undefined);
    await this.#time.advance(minutes(0));
    await client[Symbol.asyncDispose]();
    await attempt;
  }

  /** Judging a chain waits for what is not in virtual time: modules, and primitives of Node. */
  async #run<T>(promise: Promise<T>): Promise<T> {
    let pending = true;
    const settled = (): void => void (pending = false);
    promise.then(settled, settled);
    while (pending) {
      await this.#time.advance(milliseconds(1)); // no further: a timer of OpenSSL's own clock would come again and again
      await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }

  #client(configuration: SslConfiguration): DatagramSocket {
    return this.#backend.createSocket(configuration, this.#environment);
  }

  /** Lets every timer of a handshake pass. */
  async settle(): Promise<void> {
    await this.#time.advance(minutes(10));
  }

  /** Connections that OpenSSL still has, and none at the server that is not in use. */
  get left(): { readonly client: number; readonly server: number } {
    return { client: callbacksOf(loadOpenSsl()).owners.size, server: 0 };
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** Time that does not say that it is simulated. */
function unmarked(time: VirtualTime): Clock {
  return { now: () => time.now(), wallTime: () => time.wallTime() };
}
