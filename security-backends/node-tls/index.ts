export { type NodeTls, type NodeTlsOptions, nodeTls } from './backend.ts';
