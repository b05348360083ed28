// LwM2M Server (object 1, version 1.2): how the client registers with each server.

import { type InstanceInit, type ObjectHooks, type TypedObject, defineObject } from '../model/index.ts';
import { checkServerValues } from './server-values.ts';

export const Server = defineObject({
  id: 1,
  name: 'LwM2M Server',
  version: '1.2',
  multiple: true,
  mandatory: true,
  resources: {
    shortServerId: {
      id: 0,
      name: 'Short Server ID',
      operations: 'R',
      type: 'integer',
      mandatory: true,
      range: [1, 65534],
    },
    lifetime: { id: 1, name: 'Lifetime', operations: 'RW', type: 'integer', mandatory: true, units: 's' },
    defaultMinimumPeriod: { id: 2, name: 'Default Minimum Period', operations: 'RW', type: 'integer', units: 's' },
    defaultMaximumPeriod: { id: 3, name: 'Default Maximum Period', operations: 'RW', type: 'integer', units: 's' },
    disable: { id: 4, name: 'Disable', operations: 'E', type: 'none' },
    disableTimeout: { id: 5, name: 'Disable Timeout', operations: 'RW', type: 'integer', units: 's' },
    notificationStoringWhenDisabledOrOffline: {
      id: 6,
      name: 'Notification Storing When Disabled or Offline',
      operations: 'RW',
      type: 'boolean',
      mandatory: true,
    },
    binding: { id: 7, name: 'Binding', operations: 'RW', type: 'string', mandatory: true },
    registrationUpdateTrigger: {
      id: 8,
      name: 'Registration Update Trigger',
      operations: 'E',
      type: 'none',
      mandatory: true,
    },
    bootstrapRequestTrigger: { id: 9, name: 'Bootstrap-Request Trigger', operations: 'E', type: 'none' },
    apnLink: { id: 10, name: 'APN Link', operations: 'RW', type: 'objectLink' },
    tlsDtlsAlertCode: {
      id: 11,
      name: 'TLS-DTLS Alert Code',
      operations: 'R',
      type: 'unsignedInteger',
      range: [0, 255],
    },
    lastBootstrapped: { id: 12, name: 'Last Bootstrapped', operations: 'R', type: 'time' },
    registrationPriorityOrder: {
      id: 13,
      name: 'Registration Priority Order',
      operations: 'R',
      type: 'unsignedInteger',
    },
    initialRegistrationDelayTimer: {
      id: 14,
      name: 'Initial Registration Delay Timer',
      operations: 'RW',
      type: 'unsignedInteger',
      units: 's',
    },
    registrationFailureBlock: { id: 15, name: 'Registration Failure Block', operations: 'R', type: 'boolean' },
    bootstrapOnRegistrationFailure: {
      id: 16,
      name: 'Bootstrap on Registration Failure',
      operations: 'R',
      type: 'boolean',
    },
    communicationRetryCount: { id: 17, name: 'Communication Retry Count', operations: 'RW', type: 'unsignedInteger' },
    communicationRetryTimer: {
      id: 18,
      name: 'Communication Retry Timer',
      operations: 'RW',
      type: 'unsignedInteger',
      units: 's',
    },
    communicationSequenceDelayTimer: {
      id: 19,
      name: 'Communication Sequence Delay Timer',
      operations: 'RW',
      type: 'unsignedInteger',
      units: 's',
    },
    communicationSequenceRetryCount: {
      id: 20,
      name: 'Communication Sequence Retry Count',
      operations: 'RW',
      type: 'unsignedInteger',
    },
    trigger: { id: 21, name: 'Trigger', operations: 'RW', type: 'boolean' },
    preferredTransport: { id: 22, name: 'Preferred Transport', operations: 'RW', type: 'string' },
    muteSend: { id: 23, name: 'Mute Send', operations: 'RW', type: 'boolean' },
    alternateApnLinks: { id: 24, name: 'Alternate APN Links', operations: 'RW', type: 'objectLink', multiple: true },
    supportedServerVersions: {
      id: 25,
      name: 'Supported Server Versions',
      operations: 'RW',
      type: 'string',
      multiple: true,
    },
    defaultNotificationMode: {
      id: 26,
      name: 'Default Notification Mode',
      operations: 'RW',
      type: 'integer',
      range: [0, 1],
    },
    profileIdHashAlgorithm: {
      id: 27,
      name: 'Profile ID Hash Algorithm',
      operations: 'RW',
      type: 'unsignedInteger',
      range: [0, 255],
    },
  },
});

export type ServerDefinition = (typeof Server)['definition'];

/** What a server may ask of the client, by the Server instance it asks at; the client engine answers. */
export interface ServerActions {
  /** /1/x/8: update the registration now. */
  registrationUpdateTrigger(instance: number, args: ReadonlyMap<number, string | undefined>): void | Promise<void>;
  /** /1/x/4: de-register, and come back after the disable timeout. */
  disable?(instance: number, args: ReadonlyMap<number, string | undefined>): void | Promise<void>;
  /** /1/x/9: bootstrap again. */
  bootstrapRequestTrigger?(instance: number, args: ReadonlyMap<number, string | undefined>): void | Promise<void>;
}

type Given = 'registrationUpdateTrigger' | 'disable' | 'bootstrapRequestTrigger';
/** A Server instance without its executables, which `ServerActions` supply. */
export type ServerInit = Omit<InstanceInit<ServerDefinition>, Given | Defaulted> &
  Partial<Pick<InstanceInit<ServerDefinition>, Defaulted>>;
type Defaulted = keyof typeof DEFAULTS;

const DEFAULTS = Object.freeze({
  notificationStoringWhenDisabledOrOffline: true, // LwM2M Core 1.2 Appendix E.2: "If true … stored", the safe one
  binding: 'U', // LwM2M Core 1.2 §6.2.1.2: the client assumes that servers support UDP
});

/**
 * Makes the Server object. Bootstrap servers may create and delete its instances, servers may not. Writes of values that
 * nothing can be done with (a lifetime of -1, a binding that is none) are refused.
 */
export function createServer<const I extends Readonly<Record<number, ServerInit>>>(
  instances: I,
  actions: ServerActions,
  hooks: ObjectHooks<ServerDefinition> = {},
): TypedObject<ServerDefinition, keyof I & number> {
  const template = (id: number): typeof DEFAULTS & Pick<InstanceInit<ServerDefinition>, Given> => ({
    ...DEFAULTS,
    registrationUpdateTrigger: (args) => actions.registrationUpdateTrigger(id, args),
    disable: actions.disable && ((args) => actions.disable?.(id, args)),
    bootstrapRequestTrigger: actions.bootstrapRequestTrigger && ((args) => actions.bootstrapRequestTrigger?.(id, args)),
  });
  const complete = Object.entries(instances).map(([id, init]) => [id, { ...template(Number(id)), ...init }] as const);
  return Server.create(Object.fromEntries(complete), {
    ...hooks,
    willWrite: (event) => {
      checkServerValues(event.values);
      return hooks.willWrite?.(event);
    },
    instanceTemplate: (id, by) => (by === 'server' ? undefined : template(id)),
  });
}
