// TLS clients of the OpenSSL backend against node:tls in a process of its own: what they take from C must come back.

import { fileURLToPath } from 'node:url';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { certificateChainFromBuffer, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { IDENTITY, OTHER_KEY, clientSecurity } from '../../lib/net/conformance/backend/credentials.ts';
import { memoryStore } from '../../lib/net/conformance/backend/life-cases.ts';
import { STRANGER } from '../../lib/net/conformance/backend/test-keys.ts';
import type { SecurityVersion, SslConfiguration, StreamSocket } from '../../lib/net/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { callbacksOf } from '../../security-backends/openssl/callbacks.ts';
import { opensslTls } from '../../security-backends/openssl/index.ts';
import { loadOpenSsl } from '../../security-backends/openssl/library.ts';
import { type PeerProcess, startPeer } from '../interop/peers/process.ts';
import type { Course } from './pair.ts';

const ADDRESS = '127.0.0.1';
const FAR = fileURLToPath(new URL('./tls-peer.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));
const CERTIFICATES_EVERY = 7; // cycles: public keys take their time; no divisor of a round of courses, so that each meets all
const VERSIONS: readonly SecurityVersion[] = ['TLS1.2', 'TLS1.3'];
const MESSAGE = 'x'.repeat(64);

type Refusal = readonly [why: string, security: SslConfiguration['security'], expected: RegExp];
const STRANGERS: Refusal = [
  'a server that is not trusted',
  { mode: 'certificate', trustAnchors: certificateChainFromBuffer(STRANGER.certificate) },
  /unknown_ca/,
];
const WRONG_KEY: Refusal = [
  'a wrong key',
  { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(OTHER_KEY) },
  /ETLSALERT/,
];

export class TlsPair {
  readonly #environment = systemEnvironment();
  readonly #backend = opensslTls();
  readonly #sessionStore = memoryStore();
  readonly #peer: PeerProcess;
  readonly #ports: { readonly psk: number; readonly certificate: number };
  #cycles = 0;

  private constructor(peer: PeerProcess, psk: number, certificate: number) {
    this.#peer = peer;
    this.#ports = { psk, certificate };
  }

  static async made(): Promise<TlsPair> {
    const peer = await startPeer(process.execPath, ['--import', TSX, FAR], /^ports \d+ \d+$/m);
    const [, psk, certificate] = /^ports (\d+) (\d+)$/m.exec(peer.output) ?? [];
    return new TlsPair(peer, Number(psk), Number(certificate));
  }

  /** @throws Error if something did not come about */
  async cycle(course: Course): Promise<void> {
    const turn = ++this.#cycles;
    const kind = turn % CERTIFICATES_EVERY === 0 ? 'certificate' : 'psk';
    const versions = [VERSIONS[Math.floor(turn / CERTIFICATES_EVERY) % VERSIONS.length]!];
    if (course === 'unanswered') return this.#fail(turn, versions);
    await using client = this.#backend.createSocket(
      {
        security: clientSecurity(kind),
        serverName: 'peer.example',
        versions,
        sessionStore: turn % 2 === 0 ? this.#sessionStore : undefined,
      },
      this.#environment,
    );
    await client.connect(ADDRESS, this.#ports[kind]);
    await echo(client);
    if (course === 'vanishing') await cutOff(client);
    else await client.shutdown();
  }

  /** In turn: alerts of ours, alerts of the server's, and connects that are called off. */
  async #fail(turn: number, versions: readonly SecurityVersion[]): Promise<void> {
    const [why, security, expected] = turn % CERTIFICATES_EVERY === 0 ? STRANGERS : WRONG_KEY;
    await using client = this.#backend.createSocket({ security, versions }, this.#environment);
    const calledOff = turn % 3 === 0;
    const connecting = client.connect(ADDRESS, this.#ports[security.mode === 'psk' ? 'psk' : 'certificate']);
    const failure = connecting.then(() => 'a connection', String);
    if (calledOff) setImmediate(() => client.close());
    const found = await failure;
    if (!(calledOff ? /ECANCELED|ETLSALERT/ : expected).test(found)) throw new Error(`${why}: found ${found}`);
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Connections that OpenSSL still has. */
  get left(): { readonly client: number; readonly server: number } {
    return { client: callbacksOf(loadOpenSsl()).owners.size, server: 0 };
  }

  close(): void {
    this.#peer.endInput();
  }
}

async function echo(client: StreamSocket): Promise<void> {
  client.send(utf8Encode(MESSAGE));
  let heard = '';
  while (heard.length < MESSAGE.length) {
    const bytes = await client.next();
    if (bytes === null) throw new Error('expected an echo, found the end');
    heard += utf8Decode(bytes);
  }
  if (heard !== MESSAGE) throw new Error('expected an echo, found another message');
}

async function cutOff(client: StreamSocket): Promise<void> {
  client.send(utf8Encode('hang up'));
  const end = await client.next().catch(String);
  if (end !== null && !/EOF|ECONNRESET|EBADF/.test(String(end)))
    throw new Error(`expected an end, found ${String(end)}`);
}
