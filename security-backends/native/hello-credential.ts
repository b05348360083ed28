// Which kind of credential a ClientHello is to be answered with, where a server has several.

import type { Credential } from './ciphersuites.ts';
import { CERTIFICATE_TYPE, decodeCertificateTypes } from './extension-bodies.ts';
import { EXTENSION_TYPE, findExtension } from './extensions.ts';
import type { ClientHello } from './handshake-messages.ts';

/**
 * The client's choice: the first of its cipher suites that one of our kinds can serve decides, and between certificates
 * and raw public keys the first in its list of server_certificate_type (RFC 7250 §4.1; X.509 alone if it sends none).
 * From then on the handshake has this one kind. Undefined if nothing goes together.
 *
 * @param served cipher suites (IANA ids) by kind
 * @throws DecodeError
 */
export function credentialFor(
  hello: ClientHello,
  served: ReadonlyMap<Credential, readonly number[]>,
): Credential | undefined {
  const kinds = [...certificateKinds(hello), 'psk' as const];
  for (const suite of hello.ciphersuites) {
    const kind = kinds.find((each) => served.get(each)?.includes(suite) === true);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

function certificateKinds({ extensions }: ClientHello): readonly Credential[] {
  const offered = findExtension(extensions, EXTENSION_TYPE.serverCertificateType);
  if (offered === undefined) return ['certificate'];
  const kinds: Credential[] = [];
  for (const type of decodeCertificateTypes(offered)) {
    if (type === CERTIFICATE_TYPE.x509) kinds.push('certificate');
    if (type === CERTIFICATE_TYPE.rawPublicKey) kinds.push('rawPublicKey');
  }
  return kinds;
}
