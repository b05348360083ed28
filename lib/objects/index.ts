export {
  type PskAccount,
  SECURITY_MODES,
  Security,
  type SecurityDefinition,
  type SecurityInit,
  createSecurity,
  noSecSecurity,
  pskSecurity,
} from './security.ts';
export { Server, type ServerActions, type ServerDefinition, type ServerInit, createServer } from './server.ts';
export { checkSecurityValues } from './security-values.ts';
export { isServerBinding, isServerTime, checkServerValues } from './server-values.ts';
export { Device, type DeviceDefinition, type DeviceInit, type DeviceOptions, createDevice } from './device.ts';
export { Temperature, type TemperatureDefinition, type TemperatureInit, createTemperature } from './temperature.ts';
