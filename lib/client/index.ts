export { LwM2mClient, type ClientOptions } from './client.ts';
export { type ServerAccount, accountFromSecurity } from './accounts.ts';
export type { DeviceTrust, SecurityResources } from './account-security.ts';
export type { Backends } from './connection.ts';
export type { ClientEvents, ServerReference } from './events.ts';
export { LwM2mError, type LwM2mErrorCode, formatResponseCode } from './lwm2m-error.ts';
export { type CommunicationRetry, DEFAULT_COMMUNICATION_RETRY } from './retry.ts';
export { type LwM2mVersion, REGISTRATION_TRANSITIONS, type RegistrationState } from './registration.ts';
