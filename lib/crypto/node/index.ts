export { DEFAULT_NODE_FILE_SOURCE_OPTIONS, type NodeFileSourceOptions, nodeFileSource } from './file-source.ts';
export { nodeKeyDecryption } from './key-decryption.ts';
export { type NodeSystemTrustStoreOptions, SYSTEM_BUNDLES, nodeSystemTrustStore } from './system-trust-store.ts';
