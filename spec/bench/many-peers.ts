// One endpoint and as many clients as wanted, in one process: datagrams are handed over at once, clients are bare
// connections that can be let go of without a word, so that what is left is what the endpoint holds.

import { defaultProvider, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { type Endpoint, formatEndpoint } from '../../lib/net/index.ts';
import { type Environment, SeededRandom, VirtualTime, seconds, silentLog } from '../../lib/runtime/index.ts';
import { DtlsClient } from '../../security-backends/native/client.ts';
import { CredentialPool } from '../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../security-backends/native/endpoint.ts';
import type { DtlsEndpointOptions } from '../../security-backends/native/endpoint-options.ts';
import { HandoverSocket } from './handover-socket.ts';

const IDENTITY = new TextEncoder().encode('device-1');
const KEY = new Uint8Array(16).fill(7);
const SERVER: Endpoint = { address: '192.0.2.1', port: 5684 };
const MTU = 1_232; // bytes: 1280 less IPv6 and UDP headers
const PER_HOST = 50_000; // ports used of each address

/** A client without a socket. */
export class BareClient {
  readonly address: Endpoint;
  readonly #connection: DtlsClient;
  readonly #peers: ManyPeers;
  connected = false;
  messages = 0;

  constructor(peers: ManyPeers, address: Endpoint) {
    this.address = address;
    this.#peers = peers;
    const { random } = peers.environment;
    this.#connection = new DtlsClient({ mtu: MTU, provider: peers.provider, random });
  }

  start(): void {
    this.#connection.start(this.#peers.time.now());
    this.#pump();
  }

  takes(datagram: Uint8Array): void {
    this.#connection.handleDatagram(datagram, this.#peers.time.now());
    this.#pump();
  }

  send(bytes: Uint8Array): void {
    this.#connection.send(bytes);
    this.#pump();
  }

  close(): void {
    this.#connection.close(this.#peers.time.now());
    this.#pump();
  }

  #pump(): void {
    for (let output = this.#connection.poll(); output !== undefined; output = this.#connection.poll()) {
      if (output.kind === 'transmit') this.#peers.socket.hand(output.datagram, this.address);
      else if (output.kind === 'connected') this.connected = true;
      else if (output.kind === 'data') this.messages++;
      else if (output.kind === 'job') {
        const answer = { identity: IDENTITY, key: KEY };
        this.#connection.answer(output.job.id, answer, this.#peers.time.now());
      }
    }
  }
}

/** The endpoint and its network. */
export class ManyPeers {
  readonly time = new VirtualTime();
  readonly provider = defaultProvider();
  readonly environment: Environment;
  readonly socket: HandoverSocket;
  readonly endpoint: DtlsEndpoint;
  readonly #clients = new Map<string, BareClient>();
  #met = 0;

  private constructor(options: Partial<DtlsEndpointOptions>) {
    this.environment = { clock: this.time, timers: this.time, random: new SeededRandom(1), log: silentLog };
    this.socket = new HandoverSocket(this.environment);
    this.socket.outlet = (datagram, to) => this.#clients.get(formatEndpoint(to))?.takes(datagram);
    const credentials = new CredentialPool({}, this.environment);
    const psk = { identity: pskIdentityFromBuffer(IDENTITY), key: pskKeyFromBuffer(KEY) };
    credentials.add(1, { type: 'psk', ...psk });
    const { socket } = this;
    this.endpoint = new DtlsEndpoint({ credentials, tags: [1], socket, ...options }, this.environment);
  }

  static async bound(options: Partial<DtlsEndpointOptions> = {}): Promise<ManyPeers> {
    const peers = new ManyPeers(options);
    await peers.socket.bind(SERVER.address, SERVER.port);
    return peers;
  }

  /** A client with an address of its own, its handshake complete. */
  meet(): BareClient {
    const n = this.#met++;
    const address = `198.51.100.${1 + Math.floor(n / PER_HOST)}`;
    const client = new BareClient(this, { address, port: 1_024 + (n % PER_HOST) });
    this.#clients.set(formatEndpoint(client.address), client);
    client.start();
    if (!client.connected) throw new Error(`client ${n} is not connected`);
    return client;
  }

  /** Clients vanish without a word; the endpoint keeps its sessions. */
  loseClients(): void {
    this.#clients.clear();
  }

  lose(client: BareClient): void {
    this.#clients.delete(formatEndpoint(client.address));
  }

  /** Lets every timer of a handshake pass. */
  async settle(): Promise<void> {
    await this.time.advance(seconds(600));
  }
}
