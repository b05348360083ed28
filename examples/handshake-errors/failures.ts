// Every failure of the guide, in its order.

import { clientCertificateFailures, rawKeyFailures, serverCertificateFailures } from './certificates.ts';
import { networkFailures, offerFailures, pskFailures } from './psk-failures.ts';
import type { Failure } from './stage.ts';

export const failures: readonly Failure[] = [
  ...networkFailures,
  ...pskFailures,
  ...offerFailures,
  ...serverCertificateFailures,
  ...clientCertificateFailures,
  ...rawKeyFailures,
];
