// What no stack of today sends: HelloRequests one after the other, within a session of TLS 1.2 that another stack has made.

import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket, createSecureContext } from 'node:tls';

const MASTER_BYTES = 48;

/** The master secret and the client's random, from a line of a key log. */
export function secretsOf(line: string): { readonly master: Buffer; readonly clientRandom: Buffer } | undefined {
  const [label, clientRandom = '', master = ''] = line.split(' ');
  if (label !== 'CLIENT_RANDOM' || master.length !== 2 * MASTER_BYTES) return undefined;
  return { master: Buffer.from(master, 'hex'), clientRandom: Buffer.from(clientRandom, 'hex') };
}

/** The server's random, from the first bytes that it sends: a record with its ServerHello. */
export function serverRandomOf(record: Uint8Array): Buffer {
  return Buffer.from(record.subarray(11, 43));
}

/**
 * Records of a server with TLS_PSK_WITH_AES_128_GCM_SHA256, each a HelloRequest.
 * @param sequence of the first: 1 where the server has sent nothing since its Finished
 */
export function helloRequests(
  secrets: NonNullable<ReturnType<typeof secretsOf>>,
  serverRandom: Buffer,
  { sequence, count }: { readonly sequence: number; readonly count: number },
): Buffer {
  const block = prf(secrets.master, 'key expansion', Buffer.concat([serverRandom, secrets.clientRandom]), 40);
  const [key, salt] = [block.subarray(16, 32), block.subarray(36, 40)];
  return Buffer.concat(Array.from({ length: count }, (_, at) => sealed(key, salt, BigInt(sequence + at))));
}

function sealed(key: Buffer, salt: Buffer, sequence: bigint): Buffer {
  const explicit = Buffer.alloc(8);
  explicit.writeBigUInt64BE(sequence);
  const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, explicit]));
  const helloRequest = Buffer.alloc(4);
  cipher.setAAD(Buffer.concat([explicit, Buffer.from([22, 3, 3, 0, helloRequest.length])]));
  const body = Buffer.concat([explicit, cipher.update(helloRequest), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([Buffer.from([22, 3, 3, 0, body.length]), body]);
}

/** P_SHA256 (RFC 5246 §5). */
function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const hmac = (bytes: Buffer): Buffer => createHmac('sha256', secret).update(bytes).digest();
  const input = Buffer.concat([Buffer.from(label), seed]);
  const parts: Buffer[] = [];
  for (let a = hmac(input); Buffer.concat(parts).length < length; a = hmac(a))
    parts.push(hmac(Buffer.concat([a, input])));
  return Buffer.concat(parts).subarray(0, length);
}

/** A server with the key, for one connection; then its side of the stream is left to whoever floods it. */
export class FloodingServer {
  readonly #server: Server = createServer();
  readonly #key: Uint8Array;
  #random: Buffer | undefined;
  #raw: Socket | undefined;
  #sequence = 1;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  async listen(): Promise<number> {
    this.#server.once('connection', (raw: Socket) => this.#serve(raw));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const local = this.#server.address();
    return local !== null && typeof local === 'object' ? local.port : 0;
  }

  /** From here on it reads nothing, and asks for renegotiations. */
  flood(secrets: ReturnType<typeof secretsOf>, count: number): void {
    if (secrets === undefined || this.#random === undefined) throw new Error('no handshake yet');
    this.#raw?.removeAllListeners('data').pause();
    this.#raw?.write(helloRequests(secrets, this.#random, { sequence: this.#sequence, count }));
    this.#sequence += count;
  }

  close(): void {
    this.#raw?.destroy();
    this.#server.close();
  }

  #serve(raw: Socket): void {
    this.#raw = raw.on('error', () => undefined);
    const duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        this.#random ??= serverRandomOf(chunk);
        raw.write(chunk);
        done();
      },
    });
    raw.on('data', (bytes) => duplex.push(bytes));
    const secureContext = createSecureContext({ ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' });
    const pskCallback = (): Uint8Array => this.#key;
    new TLSSocket(duplex, { isServer: true, secureContext, ...{ pskCallback } }).on('error', () => undefined);
  }
}
