export { fromNodeError } from './node-errors.ts';
export { systemResolver } from './resolve.ts';
export { type NodeSocketOptions, udpSocket } from './udp.ts';
