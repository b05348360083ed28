// What a Security instance (/0/x) may ask for beyond the registry's types: what this client has not is refused by name.

import { ModelError, isObjectLink } from '../model/index.ts';

interface Refusal {
  readonly resource: string;
  readonly why: string;
  /** Values that ask for nothing. */
  readonly harmless?: readonly unknown[];
}

const NO_SMS_SECURITY = 3; // /0/x/6: NoSec mode, which bootstrap servers write where there is no SMS
const NO_SMS = 'there is no SMS binding';
const NO_TLS_CHOICE = 'it is the security backend that chooses';
const NO_RDS = 'there is no non-IP transport';

/** By property name. What only tells what a server supports (/0/x/19, 21, 23) asks for nothing. */
const REFUSED: Readonly<Record<string, Refusal>> = {
  smsSecurityMode: { resource: '/0/x/6 SMS Security Mode', why: NO_SMS, harmless: [NO_SMS_SECURITY] },
  smsBindingKeyParameters: { resource: '/0/x/7 SMS Binding Key Parameters', why: NO_SMS },
  smsBindingSecretKeys: { resource: '/0/x/8 SMS Binding Secret Key(s)', why: NO_SMS },
  serverSmsNumber: { resource: '/0/x/9 LwM2M Server SMS Number', why: NO_SMS },
  oscoreSecurityMode: { resource: '/0/x/17 OSCORE Security Mode', why: 'there is no OSCORE' },
  groupsToUseByClient: { resource: '/0/x/18 Groups To Use by Client', why: NO_TLS_CHOICE },
  signatureAlgorithmsToUseByClient: {
    resource: '/0/x/20 Signature Algorithms To Use by Client',
    why: NO_TLS_CHOICE,
  },
  tls13FeaturesToUseByClient: { resource: '/0/x/22 TLS 1.3 Features To Use by Client', why: 'there is no DTLS 1.3' },
  tlsExtensionsToUseByClient: { resource: '/0/x/24 TLS Extensions To Use by Client', why: NO_TLS_CHOICE },
  secondaryServerUri: { resource: '/0/x/25 Secondary LwM2M Server URI', why: 'an account has one URI' },
  mqttServer: { resource: '/0/x/26 MQTT Server', why: 'there is no MQTT' },
  coseSecurity: { resource: '/0/x/27 LwM2M COSE Security', why: 'there is no COSE' },
  rdsDestinationPort: { resource: '/0/x/28 RDS Destination Port', why: NO_RDS },
  rdsSourcePort: { resource: '/0/x/29 RDS Source Port', why: NO_RDS },
  rdsApplicationId: { resource: '/0/x/30 RDS Application ID', why: NO_RDS },
};

/** @param values by property name. @throws ModelError badRequest naming the resource and why it is refused */
export function checkSecurityValues(values: Readonly<Record<string, unknown>>): void {
  for (const [name, { resource, why, harmless = [] }] of Object.entries(REFUSED)) {
    const value = values[name];
    if (asksForNothing(value) || harmless.includes(value)) continue;
    throw new ModelError('badRequest', `${resource}: expected nothing, found a value: ${why}`);
  }
}

const NULL_ID = 0xffff; // of a link to nothing (LwM2M Core 1.2 Appendix C)

/** Absent, empty, or the null link. */
export function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === '') return true;
  if (value instanceof Uint8Array) return value.length === 0;
  if (isObjectLink(value)) return value.object === NULL_ID && value.instance === NULL_ID;
  return typeof value === 'object' && value !== null && Object.values(value).every(asksForNothing);
}
