// Limits of a connection over a stream, with their defaults and where those come from.

import { type Duration, hours, seconds } from '../runtime/index.ts';
import type { ExchangeConnectionOptions } from './exchange-connection.ts';
import type { ReleaseReasons } from './signalling.ts';
import type { StreamPatience } from './stream-deadlines.ts';

export interface TcpCoapOptions extends ExchangeConnectionOptions {
  /** Largest message we take, header included, in bytes; 1,152 (RFC 8323 §5.3.1) at least. Default 64 KiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Bytes that may wait because the stream takes no more: then requests are refused, and the peer's are not read. Default 256 KiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** How long the peer's first message, its CSM, may take. Default 30 s. */
  readonly csmTimeout?: Duration | undefined;
  /** How long a message may take once it has begun, and how long the peer may take nothing of ours. Default 60 s. */
  readonly messageTimeout?: Duration | undefined;
  /** A ping goes out when nothing was heard for so long. Default 2 h. */
  readonly pingInterval?: Duration | undefined;
  /** How long nothing may come after a ping. Default 60 s. */
  readonly pingTimeout?: Duration | undefined;
  /** The peer wants the connection to end; it does when what is under way is done. */
  readonly onReleased?: ((reasons: ReleaseReasons) => void) | undefined;
}

/** What `TcpCoapOptions` says where nothing is given. */
export const TCP_DEFAULTS = Object.freeze({
  maxMessageBytes: 65_536, // ours: 63 blocks of BERT in one message, and no more memory than that for half of one
  maxQueuedBytes: 262_144, // ours: four of the largest messages
  csmTimeout: seconds(30), // ours: it is the first message, and waits for nothing
  messageTimeout: seconds(60), // ours: 64 KiB at 9 kbit/s
  pingInterval: hours(2), // RFC 1122 §4.2.3.6: no keep-alive of TCP is sent more often by default
  pingTimeout: seconds(60), // ours
});

/** The times in `options`. */
export function patienceOf(options: TcpCoapOptions): StreamPatience {
  return {
    csmTimeout: options.csmTimeout ?? TCP_DEFAULTS.csmTimeout,
    messageTimeout: options.messageTimeout ?? TCP_DEFAULTS.messageTimeout,
    pingInterval: options.pingInterval ?? TCP_DEFAULTS.pingInterval,
    pingTimeout: options.pingTimeout ?? TCP_DEFAULTS.pingTimeout,
  };
}
