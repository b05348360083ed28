// Handshake messages of DTLS 1.2 with PSK (RFC 6347 §4.2, RFC 5246 §7.4, RFC 4279 §2): types and codecs.

import { DecodeError, Reader, Writer } from '../../lib/bytes/index.ts';
import type { Extension } from './extensions.ts';
import { decodeExtensions, encodeExtensions } from './extensions.ts';

export const HANDSHAKE_TYPE = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

const NAMES = new Map(Object.entries(HANDSHAKE_TYPE).map(([name, type]) => [type as number, name]));

/** The RFC's name of a handshake type, or its number. */
export function handshakeTypeName(type: number): string {
  const name = NAMES.get(type);
  return name === undefined ? `handshake type ${type}` : name[0]!.toUpperCase() + name.slice(1);
}

export const HANDSHAKE_HEADER_BYTES = 12;

/** One fragment of a message, or all of it. */
export interface HandshakeFragment {
  readonly type: number;
  /** Of the whole body. */
  readonly length: number;
  readonly messageSeq: number;
  readonly offset: number;
  /** A view. */
  readonly bytes: Uint8Array;
}

/** A whole message. `raw` is its header as if never fragmented, and its body: what transcripts hash. */
export interface HandshakeMessage {
  readonly type: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
  readonly raw: Uint8Array;
}

/** Reads the next fragment of a record. @throws DecodeError if it is short or reaches beyond its message */
export function decodeHandshakeFragment(reader: Reader): HandshakeFragment {
  const type = reader.uint8('msg_type');
  const length = reader.uint24('handshake length');
  const messageSeq = reader.uint16('message_seq');
  const offset = reader.uint24('fragment_offset');
  const fragmentLength = reader.uint24('fragment_length');
  if (offset + fragmentLength > length) {
    throw new DecodeError('fragment_length', `at most ${length - offset}`, `${fragmentLength}`, reader.offset);
  }
  return { type, length, messageSeq, offset, bytes: reader.bytes(fragmentLength, 'handshake fragment') };
}

/** Writes a handshake header for a fragment at `at`. */
export function writeHandshakeHeader(
  target: Uint8Array,
  at: number,
  header: { readonly type: number; readonly length: number; readonly messageSeq: number },
  offset: number,
  fragmentLength: number,
): void {
  target[at] = header.type;
  writeUint24(target, at + 1, header.length);
  target[at + 4] = header.messageSeq >> 8;
  target[at + 5] = header.messageSeq;
  writeUint24(target, at + 6, offset);
  writeUint24(target, at + 9, fragmentLength);
}

function writeUint24(target: Uint8Array, at: number, value: number): void {
  target[at] = value >> 16;
  target[at + 1] = value >> 8;
  target[at + 2] = value;
}

/** A whole message of ours. */
export function handshakeMessage(type: number, messageSeq: number, body: Uint8Array): HandshakeMessage {
  const raw = new Uint8Array(HANDSHAKE_HEADER_BYTES + body.length);
  writeHandshakeHeader(raw, 0, { type, length: body.length, messageSeq }, 0, body.length);
  raw.set(body, HANDSHAKE_HEADER_BYTES);
  return { type, messageSeq, body: raw.subarray(HANDSHAKE_HEADER_BYTES), raw };
}

export interface ClientHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  readonly ciphersuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: readonly Extension[];
}

export interface ServerHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly ciphersuite: number;
  readonly compressionMethod: number;
  readonly extensions: readonly Extension[];
}

export interface HelloVerifyRequest {
  readonly version: number;
  readonly cookie: Uint8Array;
}

const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32; // RFC 5246 §7.4.1.2

/** @throws DecodeError */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new Reader(body);
  const version = reader.uint16('client_version');
  const random = reader.bytes(RANDOM_BYTES, 'client random');
  const sessionId = decodeSessionId(reader);
  const cookie = reader.vector8('cookie');
  const ciphersuites = decodeCiphersuites(reader.vector16('cipher_suites'));
  const compressionMethods = reader.vector8('compression_methods');
  if (compressionMethods.length === 0) throw new DecodeError('compression_methods', 'at least one', 'none');
  const extensions = decodeExtensions(reader);
  reader.end('ClientHello');
  return { version, random, sessionId, cookie, ciphersuites, compressionMethods, extensions };
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  const writer = new Writer(160);
  writer.uint16(hello.version).bytes(hello.random).vector8(hello.sessionId).vector8(hello.cookie);
  writer.vector16((list) => {
    for (const id of hello.ciphersuites) list.uint16(id);
  });
  writer.vector8(hello.compressionMethods);
  encodeExtensions(hello.extensions, writer);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new Reader(body);
  const version = reader.uint16('server_version');
  const random = reader.bytes(RANDOM_BYTES, 'server random');
  const sessionId = decodeSessionId(reader);
  const ciphersuite = reader.uint16('cipher_suite');
  const compressionMethod = reader.uint8('compression_method');
  const extensions = decodeExtensions(reader);
  reader.end('ServerHello');
  return { version, random, sessionId, ciphersuite, compressionMethod, extensions };
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  const writer = new Writer(96);
  writer.uint16(hello.version).bytes(hello.random).vector8(hello.sessionId);
  writer.uint16(hello.ciphersuite).uint8(hello.compressionMethod);
  encodeExtensions(hello.extensions, writer);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest {
  const reader = new Reader(body);
  const version = reader.uint16('server_version');
  const cookie = reader.vector8('cookie');
  reader.end('HelloVerifyRequest');
  return { version, cookie };
}

export function encodeHelloVerifyRequest(request: HelloVerifyRequest): Uint8Array {
  return new Writer(3 + request.cookie.length).uint16(request.version).vector8(request.cookie).finish();
}

/** The PSK identity hint (RFC 4279 §2). @throws DecodeError */
export function decodePskServerKeyExchange(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  const hint = reader.vector16('psk_identity_hint');
  reader.end('ServerKeyExchange');
  return hint;
}

export function encodePskServerKeyExchange(hint: Uint8Array): Uint8Array {
  return new Writer(2 + hint.length).vector16(hint).finish();
}

/** The PSK identity (RFC 4279 §2). @throws DecodeError */
export function decodePskClientKeyExchange(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  const identity = reader.vector16('psk_identity');
  reader.end('ClientKeyExchange');
  return identity;
}

export function encodePskClientKeyExchange(identity: Uint8Array): Uint8Array {
  return new Writer(2 + identity.length).vector16(identity).finish();
}

/** @throws DecodeError if there is a body */
export function decodeServerHelloDone(body: Uint8Array): void {
  new Reader(body).end('ServerHelloDone');
}

function decodeSessionId(reader: Reader): Uint8Array {
  const sessionId = reader.vector8('session_id');
  if (sessionId.length > MAX_SESSION_ID_BYTES) {
    throw new DecodeError('session_id', `at most ${MAX_SESSION_ID_BYTES} bytes`, `${sessionId.length} bytes`);
  }
  return sessionId;
}

function decodeCiphersuites(list: Uint8Array): readonly number[] {
  const reader = new Reader(list);
  const ids: number[] = [];
  while (reader.remaining > 0) ids.push(reader.uint16('cipher_suites'));
  if (ids.length === 0) throw new DecodeError('cipher_suites', 'at least one', 'none');
  return ids;
}
