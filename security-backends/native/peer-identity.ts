// Who a peer has shown to be, for comparison.

import { equalBytes } from '../../lib/bytes/index.ts';
import type { Negotiated } from '../../lib/net/index.ts';

/** Whether both showed the same pre-shared key identity or public key. Who shows neither is nobody. */
export function isSameIdentity(a: Negotiated | undefined, b: Negotiated | undefined): boolean {
  const [one, other] = [identityOf(a), identityOf(b)];
  return one !== undefined && other !== undefined && equalBytes(one, other);
}

function identityOf(negotiated: Negotiated | undefined): Uint8Array | undefined {
  return negotiated?.pskIdentity ?? negotiated?.peerPublicKey;
}
