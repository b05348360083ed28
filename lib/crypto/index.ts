export * from './security-info.ts';
