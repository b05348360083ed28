// Options of a raw socket (UDP, TCP), after avs_net_socket_configuration_t.

import type { Duration } from '../runtime/index.ts';
import type { Endpoint, Family } from './socket.ts';

/** Copied when the socket is made. What Node cannot do is ENOTSUP at connect or bind, unless `configureHandle` is given. */
export interface SocketConfiguration {
  /** Bind to this device (SO_BINDTODEVICE). Needs `configureHandle`; or choose an interface by binding its address. */
  readonly interfaceName?: string | undefined;
  readonly reuseAddress?: boolean | undefined;
  /** IP_TRANSPARENT. Needs `configureHandle`. */
  readonly transparent?: boolean | undefined;
  /** Differentiated services code point, 0 to 63. Needs `configureHandle`. */
  readonly dscp?: number | undefined;
  /** SO_PRIORITY, 0 to 7. Needs `configureHandle`. */
  readonly priority?: number | undefined;
  readonly forcedAddressFamily?: Family | undefined;
  readonly preferredAddressFamily?: Family | undefined;
  /** Tried first if the name still resolves to it. */
  readonly preferredEndpoint?: Endpoint | undefined;
  /** Path MTU assumed, in bytes with IP and UDP headers. Default 1280 (RFC 8200 §5). */
  readonly mtu?: number | undefined;
  /** Overrides whatever is known of the path, in bytes. */
  readonly forcedMtu?: number | undefined;
  /** Local address and port to bind before connect. */
  readonly localEndpoint?: Partial<Endpoint> | undefined;
  /** Default 30 s. */
  readonly receiveTimeout?: Duration | undefined;
  /** Bytes that may wait to be received before arrivals are dropped and counted; for streams, also to be sent. Default 1 MiB. */
  readonly maxBufferedBytes?: number | undefined;
  /** Sessions that a listener has at once: a new one takes the place of the longest idle, of its own address where streams come from. Default 10,000. */
  readonly maxSessions?: number | undefined;
  /** Streams: the host asks a silent peer for a sign of life after so long (SO_KEEPALIVE), whole seconds. Default: never. */
  readonly keepAlive?: Duration | undefined;
  /** Called with the host's own socket before it is used: for what Node has no option for. */
  readonly configureHandle?: ((handle: unknown) => void) | undefined;
}
