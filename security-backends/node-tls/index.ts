export { type NodeTlsOptions, nodeTls } from './backend.ts';
