// A DTLS 1.2 PSK peer that does exactly what a test tells it, right or wrong. Written from the RFCs on node:crypto alone,
// so that it is an oracle for the backend: it shares no code with it.

import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';

export const TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
export const MESSAGE = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

export const CCM_8 = 0xc0a8;
export const GCM = 0x00a8;
const SCSV = 0x00ff;
const EXTENDED_MASTER_SECRET = 23;
const RENEGOTIATION_INFO = 0xff01;

/** A record as read; `payload` is undefined if it does not authenticate. */
export interface ReadRecord {
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly length: number;
  readonly payload: Uint8Array | undefined;
}

export interface ReadMessage {
  readonly type: number;
  readonly length: number;
  readonly messageSeq: number;
  readonly offset: number;
  readonly body: Uint8Array;
  readonly epoch: number;
}

export interface RecordOverrides {
  readonly sequence?: number;
  readonly version?: number;
}

interface Keys {
  readonly write: Uint8Array;
  readonly read: Uint8Array;
  readonly writeIv: Uint8Array;
  readonly readIv: Uint8Array;
}

export class ScriptedPeer {
  readonly role: 'client' | 'server';
  readonly key: Uint8Array;
  suite = CCM_8;
  /** Whether its hellos show that it knows RFC 5746. */
  renegotiationInfo = true;
  /** The raw messages hashed so far, each as if never fragmented. */
  transcript: Uint8Array[] = [];
  messageSeq = 0;
  readonly sequences: [number, number] = [0, 0];
  clientRandom: Uint8Array = new Uint8Array(32).fill(0xc1);
  serverRandom: Uint8Array = new Uint8Array(32).fill(0x5e);
  master: Uint8Array = new Uint8Array(0);
  #keys: Keys | undefined;

  constructor(role: 'client' | 'server', key: Uint8Array) {
    this.role = role;
    this.key = key;
  }

  // Writing.

  /** A record; epoch 1 is sealed. */
  record(type: number, epoch: number, payload: Uint8Array, overrides: RecordOverrides = {}): Uint8Array {
    const sequence = overrides.sequence ?? this.sequences[epoch === 0 ? 0 : 1]++;
    const header = join([type], u16(overrides.version ?? 0xfefd), u16(epoch), u48(sequence));
    const body = epoch === 0 ? payload : this.#seal(header, payload);
    return join(header, u16(body.length), body);
  }

  /** A whole message in one record of epoch 0 (or as told), added to the transcript. */
  message(
    type: number,
    body: Uint8Array,
    options: { epoch?: number; messageSeq?: number; hash?: boolean } = {},
  ): Uint8Array {
    const messageSeq = options.messageSeq ?? this.messageSeq++;
    const raw = rawMessage(type, messageSeq, body);
    if (options.hash !== false) this.transcript.push(raw);
    return this.record(TYPE.handshake, options.epoch ?? 0, raw);
  }

  /** A record with one fragment of a message; not added to the transcript. */
  fragment(
    type: number,
    messageSeq: number,
    body: Uint8Array,
    offset: number,
    length: number,
    total = body.length,
  ): Uint8Array {
    const header = join([type], u24(total), u16(messageSeq), u24(offset), u24(length));
    return this.record(TYPE.handshake, 0, join(header, body.subarray(offset, offset + length)));
  }

  clientHello(
    options: {
      cookie?: Uint8Array;
      extendedMasterSecret?: boolean;
      suites?: readonly number[];
      hash?: boolean;
      extensions?: Uint8Array;
    } = {},
  ): Uint8Array {
    const scsv = this.renegotiationInfo ? [SCSV] : [];
    const suites = [...(options.suites ?? [this.suite]), ...scsv].map(u16);
    const cookie = options.cookie ?? new Uint8Array(0);
    const extensions = options.extendedMasterSecret === false ? new Uint8Array(0) : extension(EXTENDED_MASTER_SECRET);
    const body = join(
      u16(0xfefd),
      this.clientRandom,
      [0],
      vector8(cookie),
      vector16(join(...suites)),
      [1, 0],
      vector16(join(extensions, options.extensions ?? [])),
    );
    return this.message(MESSAGE.clientHello, body, options.hash === undefined ? {} : { hash: options.hash });
  }

  helloVerifyRequest(cookie: Uint8Array, options: { messageSeq?: number } = {}): Uint8Array {
    return this.message(MESSAGE.helloVerifyRequest, join(u16(0xfeff), vector8(cookie)), { hash: false, ...options });
  }

  serverHello(
    options: {
      extendedMasterSecret?: boolean;
      suite?: number;
      messageSeq?: number;
      version?: number;
      extensions?: Uint8Array;
    } = {},
  ): Uint8Array {
    const renegotiation = this.renegotiationInfo ? extension(RENEGOTIATION_INFO, Uint8Array.of(0)) : new Uint8Array(0);
    const extensions =
      options.extendedMasterSecret === false ? renegotiation : join(extension(EXTENDED_MASTER_SECRET), renegotiation);
    const body = join(
      u16(options.version ?? 0xfefd),
      this.serverRandom,
      [0],
      u16(options.suite ?? this.suite),
      [0],
      vector16(join(extensions, options.extensions ?? [])),
    );
    return this.message(
      MESSAGE.serverHello,
      body,
      options.messageSeq === undefined ? {} : { messageSeq: options.messageSeq },
    );
  }

  serverKeyExchange(hint: Uint8Array): Uint8Array {
    return this.message(MESSAGE.serverKeyExchange, vector16(hint));
  }

  serverHelloDone(): Uint8Array {
    return this.message(MESSAGE.serverHelloDone, new Uint8Array(0));
  }

  clientKeyExchange(identity: Uint8Array): Uint8Array {
    return this.message(MESSAGE.clientKeyExchange, vector16(identity));
  }

  changeCipherSpec(): Uint8Array {
    return this.record(TYPE.changeCipherSpec, 0, Uint8Array.of(1));
  }

  finished(options: { epoch?: number; verifyData?: Uint8Array; messageSeq?: number } = {}): Uint8Array {
    const body = options.verifyData ?? this.verifyData(this.role);
    return this.message(MESSAGE.finished, body, {
      epoch: options.epoch ?? 1,
      ...(options.messageSeq === undefined ? {} : { messageSeq: options.messageSeq }),
    });
  }

  alert(level: number, description: number, epoch = 0): Uint8Array {
    return this.record(TYPE.alert, epoch, Uint8Array.of(level, description));
  }

  data(payload: Uint8Array, overrides: RecordOverrides = {}): Uint8Array {
    return this.record(TYPE.applicationData, 1, payload, overrides);
  }

  // Reading.

  records(datagram: Uint8Array): ReadRecord[] {
    const records: ReadRecord[] = [];
    for (let at = 0; at + 13 <= datagram.length;) {
      const length = number(datagram.subarray(at + 11, at + 13));
      const body = datagram.subarray(at + 13, at + 13 + length);
      const header = datagram.subarray(at, at + 11);
      const epoch = number(header.subarray(3, 5));
      const payload = epoch === 0 ? body : this.#open(header, body);
      records.push({ type: header[0]!, epoch, sequence: number(header.subarray(5, 11)), length, payload });
      at += 13 + length;
    }
    return records;
  }

  /** The handshake fragments of a datagram that authenticate. */
  messages(datagram: Uint8Array): ReadMessage[] {
    return this.records(datagram).flatMap((record) => {
      if (record.type !== TYPE.handshake || record.payload === undefined) return [];
      const found: ReadMessage[] = [];
      for (let rest = record.payload; rest.length >= 12;) {
        const length = number(rest.subarray(9, 12));
        found.push({
          type: rest[0]!,
          length: number(rest.subarray(1, 4)),
          messageSeq: number(rest.subarray(4, 6)),
          offset: number(rest.subarray(6, 9)),
          body: rest.slice(12, 12 + length),
          epoch: record.epoch,
        });
        rest = rest.subarray(12 + length);
      }
      return found;
    });
  }

  /** Adds messages of the peer to the transcript, takes its random, and goes on with its message_seq where due. */
  take(messages: readonly ReadMessage[]): void {
    for (const message of messages) {
      if (message.length !== message.body.length) throw new Error('a script takes whole messages');
      if (message.type === MESSAGE.clientHello) this.clientRandom = message.body.slice(2, 34);
      if (message.type === MESSAGE.serverHello) {
        this.serverRandom = message.body.slice(2, 34);
        const session = message.body[34]!;
        this.suite = number(message.body.subarray(35 + session, 37 + session));
      }
      this.transcript.push(rawMessage(message.type, message.messageSeq, message.body));
    }
  }

  // Keys: RFC 4279 §2, RFC 5246 §5, §6.3 and §7.4.9, RFC 7627 §4.

  /** To be called when the transcript ends with ClientKeyExchange. */
  deriveKeys(options: { extendedMasterSecret?: boolean; premaster?: Uint8Array } = {}): void {
    const { key } = this;
    const premaster = options.premaster ?? join(u16(key.length), new Uint8Array(key.length), u16(key.length), key);
    this.master =
      options.extendedMasterSecret === false
        ? prf(premaster, 'master secret', join(this.clientRandom, this.serverRandom), 48)
        : prf(premaster, 'extended master secret', this.transcriptHash(), 48);
    const block = prf(this.master, 'key expansion', join(this.serverRandom, this.clientRandom), 40);
    const client = { key: block.subarray(0, 16), iv: block.subarray(32, 36) };
    const server = { key: block.subarray(16, 32), iv: block.subarray(36, 40) };
    const [mine, theirs] = this.role === 'client' ? [client, server] : [server, client];
    this.#keys = { write: mine.key, writeIv: mine.iv, read: theirs.key, readIv: theirs.iv };
  }

  transcriptHash(): Uint8Array {
    const hash = createHash('sha256');
    for (const message of this.transcript) hash.update(message);
    return new Uint8Array(hash.digest());
  }

  verifyData(sender: 'client' | 'server'): Uint8Array {
    return prf(this.master, `${sender} finished`, this.transcriptHash(), 12);
  }

  #seal(header: Uint8Array, payload: Uint8Array): Uint8Array {
    if (this.#keys === undefined) throw new Error('the script has no keys yet');
    const explicit = header.subarray(3, 11);
    const aad = join(explicit, header.subarray(0, 3), u16(payload.length));
    const nonce = join(this.#keys.writeIv, explicit);
    if (this.suite === GCM) {
      const cipher = createCipheriv('aes-128-gcm', this.#keys.write, nonce);
      cipher.setAAD(aad);
      return join(explicit, cipher.update(payload), cipher.final(), cipher.getAuthTag());
    }
    const cipher = createCipheriv('aes-128-ccm', this.#keys.write, nonce, { authTagLength: 8 });
    cipher.setAAD(aad, { plaintextLength: payload.length });
    return join(explicit, cipher.update(payload), cipher.final(), cipher.getAuthTag());
  }

  #open(header: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    const tag = this.suite === GCM ? 16 : 8;
    if (this.#keys === undefined || body.length < 8 + tag) return undefined;
    const sealed = body.subarray(8, body.length - tag);
    const aad = join(header.subarray(3, 11), header.subarray(0, 3), u16(sealed.length));
    const nonce = join(this.#keys.readIv, body.subarray(0, 8));
    try {
      if (this.suite === GCM) {
        const cipher = createDecipheriv('aes-128-gcm', this.#keys.read, nonce);
        cipher.setAAD(aad).setAuthTag(body.subarray(body.length - tag));
        return join(cipher.update(sealed), cipher.final());
      }
      const cipher = createDecipheriv('aes-128-ccm', this.#keys.read, nonce, { authTagLength: 8 });
      cipher.setAuthTag(body.subarray(body.length - tag));
      cipher.setAAD(aad, { plaintextLength: sealed.length });
      const plaintext = cipher.update(sealed);
      cipher.final();
      return new Uint8Array(plaintext);
    } catch {
      return undefined;
    }
  }
}

/** A message as transcripts hash it: header for the whole body, offset 0 (RFC 6347 §4.2.6). */
export function rawMessage(type: number, messageSeq: number, body: Uint8Array): Uint8Array {
  return join([type], u24(body.length), u16(messageSeq), u24(0), u24(body.length), body);
}

export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function prf(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const labelled = join(new TextEncoder().encode(label), seed);
  let a = labelled;
  let output = new Uint8Array(0);
  while (output.length < length) {
    a = hmac(secret, a);
    output = Uint8Array.from(join(output, hmac(secret, join(a, labelled))));
  }
  return output.slice(0, length);
}

function hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
}

export function extension(type: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return join(u16(type), vector16(body));
}

export function vector8(body: Uint8Array): Uint8Array {
  return join([body.length], body);
}

export function vector16(body: Uint8Array): Uint8Array {
  return join(u16(body.length), body);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u24(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
}

function u48(value: number): Uint8Array {
  const high = Math.floor(value / 2 ** 32);
  return Uint8Array.of(high >> 8, high & 0xff, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function number(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}
