export * from './errors.ts';
export * from './negotiated.ts';
export * from './security-backend.ts';
export * from './socket.ts';
export * from './socket-configuration.ts';
export * from './ssl-configuration.ts';
export * from './tlsa.ts';
