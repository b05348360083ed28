// DTLS in process: PSK handshakes of both sides, and a 64-byte record from send to data, through sans-IO connections.

import {
  type CryptoProvider,
  defaultProvider,
  nobleProvider,
  nodeProvider,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../lib/crypto/index.ts';
import { DatagramCore, type Endpoint, checkedSocketConfiguration } from '../../lib/net/index.ts';
import { type Environment, type Instant, SeededRandom, systemEnvironment } from '../../lib/runtime/index.ts';
import { nativeDtls } from '../../security-backends/native/backend.ts';
import { selectCiphersuites } from '../../security-backends/native/ciphersuites.ts';
import { DtlsClient } from '../../security-backends/native/client.ts';
import type { DtlsConnection } from '../../security-backends/native/connection.ts';
import { CookieGate } from '../../security-backends/native/cookie-gate.ts';
import { DtlsServer } from '../../security-backends/native/server.ts';
import { type BenchResult, microseconds } from './bench.ts';

const MTU = 1_232; // bytes: 1280 less IPv6 and UDP headers
const RECORD = 64; // bytes of plaintext
const PROVIDERS = [nodeProvider, nobleProvider, defaultProvider()] as const;
const NOW = 1_000 as Instant;
const FROM = { address: '192.0.2.1', port: 40_000 };
const TO = { address: '192.0.2.2', port: 5_684 };
const ANSWER = { identity: new TextEncoder().encode('device-1'), key: new Uint8Array(16).fill(7) };

export async function run(): Promise<readonly BenchResult[]> {
  const roundTrip = { name: '64 bytes there and back, socket to socket', value: await echo(), unit: 'µs' };
  return [...connections(), roundTrip];
}

function connections(): readonly BenchResult[] {
  return selectCiphersuites(undefined, 'psk').flatMap(({ id, name }) =>
    PROVIDERS.flatMap((provider) => {
      const reference = provider === nodeProvider ? undefined : nodeProvider.name;
      const row = (what: string, value: number): BenchResult => ({
        name: `${what}, ${name}, ${provider.name}`,
        value,
        unit: 'µs',
        ratioTo: reference === undefined ? undefined : `${what}, ${name}, ${reference}`,
      });
      const handshake = microseconds(() => void handshakeOf(provider, id));
      return [
        row('handshake, both sides with cookie', handshake),
        row('64-byte record, send to data', record(provider, id)),
      ];
    }),
  );
}

/** A complete handshake, every datagram handed over at once. */
function handshakeOf(
  provider: CryptoProvider,
  ciphersuite: number,
): { client: DtlsConnection; server: DtlsConnection } {
  const common = { mtu: MTU, provider, random, ciphersuites: [ciphersuite] };
  const client = new DtlsClient(common);
  const gate = new CookieGate({ provider, random });
  client.start(NOW);
  const reply = gate.inspect(outputs(client)[0]!, FROM, NOW);
  if (reply.kind !== 'reply') throw new Error(`the gate: ${reply.kind}`);
  client.handleDatagram(reply.datagram, NOW);
  const verified = gate.inspect(outputs(client)[0]!, FROM, NOW);
  if (verified.kind !== 'verified') throw new Error(`the gate: ${verified.kind}`);
  const server = new DtlsServer({ ...common, verified });
  server.start(NOW);
  for (let round = 0; round < 2; round++) {
    for (const datagram of outputs(server)) client.handleDatagram(datagram, NOW);
    for (const datagram of outputs(client)) server.handleDatagram(datagram, NOW);
  }
  outputs(client);
  outputs(server);
  if (client.negotiated === undefined || server.negotiated === undefined) throw new Error('the handshake failed');
  return { client, server };
}

function record(provider: CryptoProvider, ciphersuite: number): number {
  const { client, server } = handshakeOf(provider, ciphersuite);
  const bytes = new Uint8Array(RECORD);
  return microseconds(() => {
    client.send(bytes);
    const sent = client.poll();
    if (sent?.kind !== 'transmit') throw new Error('nothing was sent');
    server.handleDatagram(sent.datagram, NOW);
    if (server.poll()?.kind !== 'data') throw new Error('nothing was received');
  });
}

/** Everything above UDP: client socket, endpoint, session socket, handlers; the default provider and suite. */
async function echo(): Promise<number> {
  const environment = systemEnvironment();
  const backend = nativeDtls({ datagramSocket: () => new Pipe(environment, FROM) });
  const [near, far] = [new Pipe(environment, FROM), new Pipe(environment, TO)];
  near.other = far;
  far.other = near;
  const key = pskKeyFromBuffer(ANSWER.key);
  const server = backend.createServer({ security: { mode: 'psk', lookup: () => key } }, environment);
  await far.bind();
  await server.decorate(far);
  const identity = pskIdentityFromBuffer(ANSWER.identity);
  const client = backend.createSocket({ security: { mode: 'psk', identity, key } }, environment);
  await client.decorate(near);
  await client.connect(TO.address, TO.port);
  const session = await server.accept();
  let echoed = 0;
  session.handler = { ...NO_HANDLER, readable: () => session.send(session.receive()!) };
  client.handler = { ...NO_HANDLER, readable: () => void (echoed += client.receive()!.length) };
  const bytes = new Uint8Array(RECORD);
  const value = microseconds(() => {
    echoed = 0;
    client.send(bytes);
    if (echoed !== RECORD) throw new Error('nothing came back');
  });
  server.close();
  client.close();
  return value;
}

const NO_HANDLER = { readable: () => undefined, writable: () => undefined, closed: () => undefined };

/** A datagram socket whose datagrams are at the other end at once. */
class Pipe extends DatagramCore {
  other: Pipe | undefined;
  readonly #own: Endpoint;

  constructor(environment: Environment, own: Endpoint) {
    super(environment, checkedSocketConfiguration());
    this.#own = own;
    this.localEndpoint = own;
  }

  connect(address: string, port: number): Promise<void> {
    this.remoteEndpoint = { address, port };
    return this.open('connected', undefined, () => undefined);
  }

  override bind(): Promise<void> {
    return this.open('bound', undefined, () => undefined);
  }

  protected transmit(bytes: Uint8Array): void {
    this.other?.deliver(bytes, this.#own);
  }

  protected release(): void {
    this.other = undefined;
  }
}

const random = new SeededRandom(1);

/** Polls until there is nothing, answers jobs, and gives what is to be sent. */
function outputs(connection: DtlsConnection): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let output = connection.poll(); output !== undefined; output = connection.poll()) {
    if (output.kind === 'transmit') datagrams.push(output.datagram);
    if (output.kind === 'job') connection.answer(output.job.id, ANSWER, NOW);
  }
  return datagrams;
}
