export * from './security-info.ts';
export * from './provider/provider.ts';
export { CryptoProviderError, verifyProvider } from './provider/known-answers.ts';
export { type DefaultProviderOptions, defaultProvider } from './provider/default.ts';
export { nobleProvider } from './provider/noble/index.ts';
export { nodeProvider } from './provider/node/index.ts';
export { prf } from './prf.ts';
