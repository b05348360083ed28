// CoAP for its users: the connection, the server's accept loop, and the pieces to build other tools from.

export * from './exchange.ts';
export * from './message.ts';
export { decodeMessage, encodeMessage, encodedLength } from './codec.ts';
export * from './options.ts';
export * from './transmission.ts';
export { CoapError, type CoapErrorCode, ResponseError } from './coap-error.ts';
export { type Block, blockBytes, blockOption, findBlock } from './block-option.ts';
export { MessageLayer } from './message-layer.ts';
export type * from './message-layer-contract.ts';
export { checkPreconditions } from './preconditions.ts';
export type { FreshnessOptions } from './freshness.ts';
export { TokenLayer, type TokenLayerOptions, tokenKey } from './token-layer.ts';
export { ExchangeConnection, type ExchangeConnectionOptions } from './exchange-connection.ts';
export { TcpCoapConnection, type StreamCounters } from './tcp-connection.ts';
export { TCP_DEFAULTS, type TcpCoapOptions } from './tcp-options.ts';
export type { Capabilities, ReleaseReasons } from './signalling.ts';
export { UdpCoapConnection, type UdpCoapOptions } from './udp-connection.ts';
export { type CoapServing, serveCoap, serveCoapStreams } from './serve.ts';
export { CoapClient, type CoapClientBase, type CoapClientOptions, type RequestFields, coapClient } from './client.ts';
export {
  type CoapBackends,
  type ClientSocketOptions,
  type PlainSockets,
  type SocketsFor,
  clientSocket,
  datagramsOf,
  serverSocket,
  streamsOf,
} from './sockets.ts';
export { type CoapHandler, type CoapServer, type CoapServerOptions, coapServer } from './server.ts';
export { Notifications, type NotificationsOptions } from './notifications.ts';
