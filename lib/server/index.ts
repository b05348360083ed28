export { LwM2mServer, type LwM2mServerOptions, type Peer, type ServerEvents } from './server.ts';
export {
  type NotificationAttributes,
  type OperationOptions,
  type ReadResult,
  RegisteredDevice,
  type ServerObservation,
} from './registered-device.ts';
export { OperationError, formatCode } from './operation-error.ts';
export { PskStore, type PskEntry } from './psk-store.ts';
export { type Registration, Registry, type RegistryLimits } from './registry.ts';
export { type LwM2mVersion, type RegisteredObject, parseRegistration } from './registration-request.ts';
