export { DEFAULT_NODE_FILE_SOURCE_OPTIONS, type NodeFileSourceOptions, nodeFileSource } from './file-source.ts';
export { nodeKeyDecryption } from './key-decryption.ts';
