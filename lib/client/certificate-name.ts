// A device's certificate and its name: servers such as Leshan want the subject's commonName to be the endpoint name.

import { parseCertificate } from '../crypto/index.ts';

/**
 * The common names of our certificate if none of them is the endpoint's name; undefined if one is.
 * @throws DecodeError
 */
export function differingNames(certificate: Uint8Array, endpoint: string): readonly string[] | undefined {
  const { commonNames } = parseCertificate(certificate).subject;
  return commonNames.includes(endpoint) ? undefined : commonNames;
}
