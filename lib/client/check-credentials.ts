// An account's credentials, checked as far as that goes without reading any: which are there, and whether they go together.

import type { SecurityInfo, SecurityInfoType } from '../crypto/index.ts';
import type { CertificateSecurity, PskSecurity, RawPublicKeySecurity, Security } from '../net/index.ts';
import { LwM2mError } from './lwm2m-error.ts';
import { wrong } from './check-options.ts';

/** Constructor names for messages. */
const MAKERS: Readonly<Record<SecurityInfoType, string>> = {
  certificateChain: 'certificateChainFromFile',
  privateKey: 'privateKeyFromFile',
  certificateRevocationList: 'certificateRevocationListFromFile',
  pskIdentity: 'pskIdentityFromBuffer',
  pskKey: 'pskKeyFromBuffer',
  rawPublicKey: 'rawPublicKeyFromFile',
};

/**
 * @param field what to call the account's security in messages
 * @throws LwM2mError ECONFIG
 */
export function checkCredentials(security: Security, field: string): void {
  const { mode }: { readonly mode?: unknown } = security;
  if (security.mode === 'psk') return checkPsk(security, field);
  if (security.mode === 'certificate') return checkCertificates(security, field);
  if (security.mode === 'rawPublicKey') return checkRawKeys(security, field);
  throw wrong(`${field}.mode`, "'psk', 'certificate' or 'rawPublicKey'", mode);
}

function checkPsk({ identity, key }: PskSecurity, field: string): void {
  checkInfo(identity, 'pskIdentity', `${field}.identity`);
  checkInfo(key, 'pskKey', `${field}.key`);
}

function checkCertificates(security: CertificateSecurity, field: string): void {
  const { clientChain, clientKey, trustAnchors } = security;
  if (trustAnchors !== undefined) checkInfo(trustAnchors, 'certificateChain', `${field}.trustAnchors`);
  if (clientChain !== undefined) checkInfo(clientChain, 'certificateChain', `${field}.clientChain`);
  if (clientKey !== undefined) checkInfo(clientKey, 'privateKey', `${field}.clientKey`);
  checkPair(clientChain, clientKey, field, ['clientChain', 'clientKey']);
  for (const [i, { chain, key }] of (security.clientCredentials ?? []).entries()) {
    const place = `${field}.clientCredentials[${i}]`;
    checkInfo(chain, 'certificateChain', `${place}.chain`);
    checkInfo(key, 'privateKey', `${place}.key`);
    checkPair(chain, key, place, ['chain', 'key']);
  }
  if (security.dangerSkipPeerValidation === true) return;
  if (security.serverCertificate === undefined) checkTrust(security, field);
  else checkServerCertificate(security, field);
}

/** Nothing that says which server is ours would mean any server, or none: the first is never meant. */
function checkTrust(security: CertificateSecurity, field: string): void {
  if (isGiven(security.trustAnchors) || security.systemTrustStore === true || security.dane === true) return;
  throw new LwM2mError(
    'ECONFIG',
    `${field}: no server would be trusted; give serverCertificate: { certificate: certificateChainFromFile('server.pem') } or trustAnchors`,
  );
}

function checkServerCertificate(security: CertificateSecurity, field: string): void {
  const { serverCertificate: server } = security;
  const name = `${field}.serverCertificate`;
  if (typeof server !== 'object' || server === null) {
    throw wrong(name, "such as { certificate: certificateChainFromFile('server.pem') }", server);
  }
  const usage: number = server.usage ?? 3;
  if (![0, 1, 2, 3].includes(usage)) throw wrong(`${name}.usage`, 'an integer from 0 to 3', usage);
  if (!('data' in server)) checkInfo(server.certificate, 'certificateChain', `${name}.certificate`);
  if ('data' in server ? !(server.data.length > 0) : !isGiven(server.certificate)) {
    throw new LwM2mError(
      'ECONFIG',
      `${name}: certificate usage ${usage} has nothing to compare with; give a certificate`,
    );
  }
  if (usage > 1 || isGiven(security.trustAnchors) || security.systemTrustStore === true) return;
  throw new LwM2mError(
    'ECONFIG',
    `${field}.trustAnchors: certificate usage ${usage} needs the trust anchors that the path may lead to`,
  );
}

function checkRawKeys({ serverKeys, serverKeyHash, publicKey, privateKey }: RawPublicKeySecurity, field: string): void {
  checkInfo(serverKeys, 'rawPublicKey', `${field}.serverKeys`);
  if (publicKey !== undefined) checkInfo(publicKey, 'rawPublicKey', `${field}.publicKey`);
  if (privateKey !== undefined) checkInfo(privateKey, 'privateKey', `${field}.privateKey`);
  if (isGiven(publicKey)) checkPair(publicKey, privateKey, field, ['publicKey', 'privateKey']);
  if (isGiven(serverKeys) || serverKeyHash !== undefined) return;
  throw new LwM2mError(
    'ECONFIG',
    `${field}.serverKeys: no server would be trusted; give rawPublicKeyFromFile('server.pub')`,
  );
}

function checkPair(
  shown: SecurityInfo | undefined,
  key: SecurityInfo | undefined,
  field: string,
  names: readonly [shown: string, key: string],
): void {
  if (isGiven(shown) === isGiven(key)) return;
  const [missing, there] = isGiven(shown) ? [names[1], names[0]] : names;
  throw new LwM2mError('ECONFIG', `${field}.${missing}: expected it beside ${there}, found none`);
}

/** Whoever has no types to help: the key itself given where its security info belongs is the likely mistake. */
function checkInfo(info: unknown, type: SecurityInfoType, field: string): void {
  const expected = `what ${MAKERS[type]}(…) gives`;
  if (typeof info !== 'object' || info === null || !('source' in info) || typeof info.source !== 'object') {
    throw wrong(field, expected, info);
  }
  if ('type' in info && info.type === type) return;
  throw new LwM2mError('ECONFIG', `${field}: expected ${expected}, found another kind of credential`);
}

function isGiven(info: SecurityInfo | undefined): boolean {
  return info !== undefined && info.source.kind !== 'empty';
}
