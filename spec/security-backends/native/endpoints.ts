// Endpoints on a simulated network: what the specs of DtlsEndpoint are made with.

import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import type { DatagramSocket, Endpoint } from '../../../lib/net/index.ts';
import { type Conditions, SimulatedNetwork } from '../../../lib/net/simulated/index.ts';
import { type Environment, VirtualTime } from '../../../lib/runtime/index.ts';
import { CredentialPool, type PskCredential } from '../../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../../security-backends/native/endpoint.ts';
import type { DtlsEndpointOptions, Received } from '../../../security-backends/native/endpoint-options.ts';

export const A: Endpoint = { address: '10.0.0.1', port: 5684 };
export const B: Endpoint = { address: '10.0.0.2', port: 5684 };
export const TAG = 1;

const encoder = new TextEncoder();

export function psk(identity = 'device-1', hint?: string, key = 'a key of 16 byte'): PskCredential {
  return {
    type: 'psk',
    identity: pskIdentityFromBuffer(encoder.encode(identity)),
    key: pskKeyFromBuffer(encoder.encode(key)),
    hint: hint === undefined ? undefined : encoder.encode(hint),
  };
}

/** Hosts with endpoints. */
export class Network {
  readonly time = new VirtualTime();
  readonly network: SimulatedNetwork;
  readonly environment: Environment;

  constructor(options: Partial<Conditions> & { readonly seed?: number } = {}) {
    this.network = new SimulatedNetwork({ time: this.time, ...options });
    this.environment = this.network.environment;
  }

  pool(credential: PskCredential | undefined = psk()): CredentialPool {
    const pool = new CredentialPool({}, this.environment);
    if (credential !== undefined) pool.add(TAG, credential);
    return pool;
  }

  socket(address: string): DatagramSocket {
    return this.network.datagramSocket(address);
  }

  /** Bound, with one pre-shared key unless its options say otherwise. */
  async endpoint(at: Endpoint, options: Partial<DtlsEndpointOptions> = {}): Promise<DtlsEndpoint> {
    const made = this.closed(at.address, options);
    if (options.socket === undefined) await this.run(made.bind(at.address, at.port));
    return made;
  }

  /** With a socket of its own that is not bound yet. */
  closed(address: string, options: Partial<DtlsEndpointOptions> = {}): DtlsEndpoint {
    const own = options.socket === undefined ? { datagramSocket: () => this.socket(address) } : {};
    return new DtlsEndpoint({ credentials: this.pool(), tags: [TAG], ...own, ...options }, this.environment);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.time.run(promise);
  }
}

/** What was received, as text. */
export function textOf(received: Received): string {
  if (received.kind !== 'data') return received.kind;
  return received.segments.map((segment) => new TextDecoder().decode(segment)).join('');
}

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}
