// A connected session as bytes, so that another process can go on with it: what is in them, and why that is safe.
//
// No nonce is used twice: an explicit nonce is epoch and sequence number, and the state says not which number comes next but
// which has never been reserved. A block of numbers is reserved, durably, before its first record is sealed; whoever goes
// on from a state begins at its end of the reservation. A state that is older than that, a copy or a restored backup, is
// told by its generation, where the store can keep a counter apart from it (`LiveSessionStore`); else nothing tells it, and
// the store must not be copied.
//
// No record is delivered twice: the replay window is part of the state, which is written before what the records held is
// given out.

import { DecodeError, Reader, Writer } from '../../lib/bytes/index.ts';
import { MAX_CONNECTION_ID_BYTES, MAX_PADDING } from './connection.ts';
import type { HelloRandoms } from './key-schedule.ts';
import type { ConnectionIds, RecordLimits } from './record-layer.ts';
import { MAX_PLAINTEXT_BYTES } from './record.ts';
import type { WindowState } from './replay-window.ts';
import { type ResumableSession, decodeSession, encodeSession } from './resumable-session.ts';

/** Holds the master secret: whoever holds it last zeroes that. */
export interface LiveState {
  readonly role: 'client' | 'server';
  readonly session: ResumableSession;
  /** 32 bytes each. */
  readonly randoms: HelloRandoms;
  readonly connectionIds: ConnectionIds | undefined;
  readonly limits: RecordLimits;
  readonly alpn: string | undefined;
  /** The first sequence number of ours that is not reserved. */
  readonly unreserved: number;
  readonly window: WindowState;
}

const FORMAT = 1;
const RANDOM_BYTES = 32;

/** As a new array, which holds the secret. */
export function encodeLiveState(state: LiveState): Uint8Array {
  const { randoms, connectionIds: ids, limits, alpn, window } = state;
  const session = encodeSession(state.session);
  const writer = new Writer(192 + session.length);
  writer.uint8(FORMAT).uint8(state.role === 'client' ? 0 : 1);
  writer.bytes(randoms.client).bytes(randoms.server);
  writer.uint8(ids === undefined ? 0 : 1);
  if (ids !== undefined) writer.vector8(ids.own).vector8(ids.peer).uint16(ids.padding);
  writer.uint16(limits.clear).uint16(limits.send).uint16(limits.receive);
  writer.vector8(new TextEncoder().encode(alpn ?? ''));
  writer
    .uint48(state.unreserved)
    .uint48(window.newest + 1)
    .uint32(window.high)
    .uint32(window.low);
  const whole = writer.bytes(session).finish();
  session.fill(0);
  return whole;
}

/** Everything copied. @throws DecodeError */
export function decodeLiveState(bytes: Uint8Array): LiveState {
  const reader = new Reader(bytes);
  const format = reader.uint8('live state format');
  if (format !== FORMAT) throw new DecodeError('live state format', `${FORMAT}`, `${format}`);
  const role = reader.uint8('live state role');
  if (role > 1) throw new DecodeError('live state role', '0 or 1', `${role}`);
  const client = reader.bytes(RANDOM_BYTES, 'live state client random').slice();
  const server = reader.bytes(RANDOM_BYTES, 'live state server random').slice();
  const connectionIds = readIds(reader);
  const limits = { clear: readLimit(reader), send: readLimit(reader), receive: readLimit(reader) };
  const alpn = new TextDecoder().decode(reader.vector8('live state alpn'));
  const unreserved = reader.uint48('live state reservation');
  const window = {
    newest: reader.uint48('live state window') - 1,
    high: reader.uint32('live state window'),
    low: reader.uint32('live state window'),
  };
  const session = decodeSession(reader.bytes(reader.remaining, 'live state session'));
  return {
    role: role === 0 ? 'client' : 'server',
    session,
    randoms: { client, server },
    connectionIds,
    limits,
    alpn: alpn === '' ? undefined : alpn,
    unreserved,
    window,
  };
}

function readLimit(reader: Reader): number {
  const limit = reader.uint16('live state record limit');
  if (limit < 1 || limit > MAX_PLAINTEXT_BYTES) {
    throw new DecodeError('live state record limit', `1 to ${MAX_PLAINTEXT_BYTES}`, `${limit}`);
  }
  return limit;
}

function readIds(reader: Reader): ConnectionIds | undefined {
  const flag = reader.uint8('live state connection ids');
  if (flag > 1) throw new DecodeError('live state connection ids', '0 or 1', `${flag}`);
  if (flag === 0) return undefined;
  const own = reader.vector8('live state connection id').slice();
  const peer = reader.vector8('live state connection id').slice();
  const padding = reader.uint16('live state padding');
  if (own.length > MAX_CONNECTION_ID_BYTES) {
    throw new DecodeError('live state connection id', `at most ${MAX_CONNECTION_ID_BYTES} bytes`, `${own.length}`);
  }
  if (padding < 1 || padding > MAX_PADDING) {
    throw new DecodeError('live state padding', `1 to ${MAX_PADDING}`, `${padding}`);
  }
  return { own, peer, padding };
}
