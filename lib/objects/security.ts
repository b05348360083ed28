// LwM2M Security (object 0, version 1.2): what the client needs to reach and trust each server.

import { checkSecurityValues } from './security-values.ts';
import { utf8Encode } from '../bytes/index.ts';
import { type InstanceInit, type ObjectHooks, type TypedObject, defineObject } from '../model/index.ts';

/** Security Mode, /0/x/2 (LwM2M Core 1.2 Appendix E.1). */
export const SECURITY_MODES = { psk: 0, rawPublicKey: 1, certificate: 2, noSec: 3, est: 4 } as const;

/** Nothing here is for servers: every resource has the operations ''. */
export const Security = defineObject({
  id: 0,
  name: 'LWM2M Security',
  version: '1.2',
  multiple: true,
  mandatory: true,
  resources: {
    serverUri: { id: 0, name: 'LWM2M Server URI', operations: '', type: 'string', mandatory: true, range: [0, 255] },
    bootstrapServer: { id: 1, name: 'Bootstrap-Server', operations: '', type: 'boolean', mandatory: true },
    securityMode: { id: 2, name: 'Security Mode', operations: '', type: 'integer', mandatory: true, range: [0, 4] },
    publicKeyOrIdentity: { id: 3, name: 'Public Key or Identity', operations: '', type: 'opaque', mandatory: true },
    serverPublicKey: { id: 4, name: 'Server Public Key', operations: '', type: 'opaque', mandatory: true },
    secretKey: { id: 5, name: 'Secret Key', operations: '', type: 'opaque', mandatory: true },
    smsSecurityMode: { id: 6, name: 'SMS Security Mode', operations: '', type: 'integer', range: [0, 255] },
    smsBindingKeyParameters: {
      id: 7,
      name: 'SMS Binding Key Parameters',
      operations: '',
      type: 'opaque',
      range: [6, 6],
    },
    smsBindingSecretKeys: { id: 8, name: 'SMS Binding Secret Key(s)', operations: '', type: 'opaque' },
    serverSmsNumber: { id: 9, name: 'LwM2M Server SMS Number', operations: '', type: 'string' },
    shortServerId: { id: 10, name: 'Short Server ID', operations: '', type: 'integer', range: [1, 65534] },
    clientHoldOffTime: { id: 11, name: 'Client Hold Off Time', operations: '', type: 'integer', units: 's' },
    bootstrapServerAccountTimeout: {
      id: 12,
      name: 'Bootstrap-Server Account Timeout',
      operations: '',
      type: 'integer',
      units: 's',
    },
    matchingType: { id: 13, name: 'Matching Type', operations: '', type: 'unsignedInteger', range: [0, 3] },
    sni: { id: 14, name: 'SNI', operations: '', type: 'string' },
    certificateUsage: { id: 15, name: 'Certificate Usage', operations: '', type: 'unsignedInteger', range: [0, 3] },
    ciphersuites: { id: 16, name: 'DTLS/TLS Ciphersuite', operations: '', type: 'unsignedInteger', multiple: true },
    oscoreSecurityMode: { id: 17, name: 'OSCORE Security Mode', operations: '', type: 'objectLink' },
    groupsToUseByClient: {
      id: 18,
      name: 'Groups To Use by Client',
      operations: '',
      type: 'unsignedInteger',
      multiple: true,
      range: [0, 65535],
    },
    signatureAlgorithmsSupportedByServer: {
      id: 19,
      name: 'Signature Algorithms Supported by Server',
      operations: '',
      type: 'unsignedInteger',
      multiple: true,
      range: [0, 65535],
    },
    signatureAlgorithmsToUseByClient: {
      id: 20,
      name: 'Signature Algorithms To Use by Client',
      operations: '',
      type: 'unsignedInteger',
      multiple: true,
      range: [0, 65535],
    },
    signatureAlgorithmCertsSupportedByServer: {
      id: 21,
      name: 'Signature Algorithm Certs Supported by Server',
      operations: '',
      type: 'unsignedInteger',
      multiple: true,
      range: [0, 65535],
    },
    tls13FeaturesToUseByClient: {
      id: 22,
      name: 'TLS 1.3 Features To Use by Client',
      operations: '',
      type: 'unsignedInteger',
      range: [0, 65535],
    },
    tlsExtensionsSupportedByServer: {
      id: 23,
      name: 'TLS Extensions Supported by Server',
      operations: '',
      type: 'unsignedInteger',
      range: [0, 65535],
    },
    tlsExtensionsToUseByClient: {
      id: 24,
      name: 'TLS Extensions To Use by Client',
      operations: '',
      type: 'unsignedInteger',
      range: [0, 65535],
    },
    secondaryServerUri: {
      id: 25,
      name: 'Secondary LwM2M Server URI',
      operations: '',
      type: 'string',
      multiple: true,
      range: [0, 255],
    },
    mqttServer: { id: 26, name: 'MQTT Server', operations: '', type: 'objectLink' },
    coseSecurity: { id: 27, name: 'LwM2M COSE Security', operations: '', type: 'objectLink', multiple: true },
    rdsDestinationPort: { id: 28, name: 'RDS Destination Port', operations: '', type: 'integer', range: [0, 15] },
    rdsSourcePort: { id: 29, name: 'RDS Source Port', operations: '', type: 'integer', range: [0, 15] },
    rdsApplicationId: { id: 30, name: 'RDS Application ID', operations: '', type: 'string' },
  },
});

export type SecurityDefinition = (typeof Security)['definition'];
export type SecurityInit = InstanceInit<SecurityDefinition>;

/**
 * Makes the Security object; bootstrap servers may create and delete its instances, servers may not. What this client has not
 * (SMS, OSCORE, MQTT …) is refused by name when it is written.
 */
export function createSecurity<const I extends Readonly<Record<number, SecurityInit>>>(
  instances: I,
  hooks: ObjectHooks<SecurityDefinition> = {},
): TypedObject<SecurityDefinition, keyof I & number> {
  return Security.create(instances, {
    ...hooks,
    willWrite: (event) => {
      checkSecurityValues(event.values);
      return hooks.willWrite?.(event);
    },
    instanceTemplate: (_id, by) => (by === 'server' ? undefined : EMPTY),
  });
}

const NONE = new Uint8Array(0);
// A bootstrap server may leave out what its mode does not use (Core 1.2 Appendix E.1.1), yet the registry says mandatory.
const EMPTY = Object.freeze({ publicKeyOrIdentity: NONE, serverPublicKey: NONE, secretKey: NONE });

/** An account with a pre-shared key. */
export interface PskAccount {
  /** `coaps://host:port` or `coaps+tcp://…`. */
  readonly serverUri: string;
  /** The PSK identity; text is sent as UTF-8. */
  readonly identity: string | Uint8Array;
  readonly key: Uint8Array;
  /** 1 to 65534; absent for a bootstrap server. */
  readonly shortServerId?: number;
}

/** The Security instance of a server reached with a pre-shared key. */
export function pskSecurity({ serverUri, identity, key, shortServerId }: PskAccount): SecurityInit {
  return {
    ...account(serverUri, shortServerId),
    securityMode: SECURITY_MODES.psk,
    publicKeyOrIdentity: typeof identity === 'string' ? utf8Encode(identity) : identity.slice(),
    serverPublicKey: NONE,
    secretKey: key.slice(),
  };
}

/** The Security instance of a server reached without security. */
export function noSecSecurity(options: { readonly serverUri: string; readonly shortServerId?: number }): SecurityInit {
  return { ...account(options.serverUri, options.shortServerId), securityMode: SECURITY_MODES.noSec, ...EMPTY };
}

function account(
  serverUri: string,
  shortServerId: number | undefined,
): Pick<SecurityInit, 'serverUri' | 'bootstrapServer' | 'shortServerId'> {
  return { serverUri, bootstrapServer: shortServerId === undefined, shortServerId };
}
