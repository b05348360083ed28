export { CaptureFile, type CaptureFileOptions } from './capture-file.ts';
export { fromNodeError } from './node-errors.ts';
export { NodeStreamCore } from './node-stream.ts';
export { PrivateFileError, nodeErrorCode, openPrivateFile } from './private-file.ts';
export { systemResolver } from './resolve.ts';
export { tcpSocket } from './tcp.ts';
export { type NodeSocketOptions, udpSocket } from './udp.ts';
