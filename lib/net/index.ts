export { AcceptQueue, DEFAULT_BACKLOG } from './accept-queue.ts';
export { type Resolver, formatEndpoint, literalFamily, orderAddresses, sameEndpoint, udpOverhead } from './address.ts';
export {
  type CheckedSocketConfiguration,
  checkedFamily,
  checkedPort,
  checkedSocketConfiguration,
  checkedTimeout,
} from './checked-configuration.ts';
export { Capture, type CaptureOptions, type Tap, captured, tapped } from './capture/index.ts';
export { closeInOrder } from './close-in-order.ts';
export { type Arrival, DatagramCore } from './datagram-core.ts';
export { DatagramListener, type DatagramListenerOptions } from './datagram-listener.ts';
export * from './errors.ts';
export { type BackendChoice, firstFitting, lacking, oneBackend, refuseSimulatedTime } from './first-fitting.ts';
export { applyHostOptions } from './host-options.ts';
export { ListeningDatagramCore } from './listening-datagram-core.ts';
export type * from './live-session.ts';
export * from './negotiated.ts';
export type { DatagramOutlet } from './peer-socket.ts';
export * from './security-backend.ts';
export { type SessionPlace, StoredSession, hashOfPlace, serverNameOf } from './session-place.ts';
export * from './socket.ts';
export { SocketCore } from './socket-core.ts';
export * from './socket-configuration.ts';
export * from './ssl-configuration.ts';
export { ReceiveQueue } from './receive-queue.ts';
export { StreamCore } from './stream-core.ts';
export * from './tlsa.ts';
export { untilAborted } from './until-aborted.ts';
export { COAP_SCHEMES, type CoapScheme, type CoapUri, type UriOptions, formatCoapUri, parseCoapUri } from './uri.ts';
export { type WaitOptions, Waiters } from './waiters.ts';
