export { fromNodeError } from './node-errors.ts';
export { NodeStreamCore } from './node-stream.ts';
export { systemResolver } from './resolve.ts';
export { tcpSocket } from './tcp.ts';
export { type NodeSocketOptions, udpSocket } from './udp.ts';
