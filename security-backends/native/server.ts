// A DTLS 1.2 server connection, sans-IO: one client, from its verified ClientHello on.

import type { DtlsOptions } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import { DtlsMachine } from './machine.ts';
import { resolveOptions } from './options.ts';
import { answerClientHello } from './server-hello.ts';
import type { ServerResumption } from './server-offer.ts';

export interface DtlsServerOptions extends DtlsOptions {
  /** What the CookieGate let through. */
  readonly verified: VerifiedHello;
  /** Sent to the client if given (RFC 4279 §5.2). */
  readonly identityHint?: Uint8Array | undefined;
  /** Whether a certificate or raw public key of the client is required. Default `require`; without meaning for PSK. */
  readonly clientCertificate?: 'require' | 'none' | undefined;
  /** Distinguished names (DER) of the CAs that client certificates should lead to. Default none: any. */
  readonly authorities?: readonly Uint8Array[] | undefined;
  /** Makes sessions resumable; then `resumeSession` is asked. Default: none is. */
  readonly resumption?: ServerResumption | undefined;
}

/**
 * Shakes hands with one client. Asks `lookupPsk` for the identity it names; with certificates `chooseCertificate` and
 * `sign`, and `verifyChain` if the client must show one.
 */
export class DtlsServer extends DtlsMachine {
  /** @throws SocketError EINVAL or ENOTSUP for options that cannot be met */
  constructor(options: DtlsServerOptions) {
    const { verified, identityHint, clientCertificate = 'require', authorities = [], resumption } = options;
    const server = { identityHint, clientCertificate, authorities, resumption };
    super(resolveOptions(options), {
      role: 'server',
      peerMessageSeq: verified.message.messageSeq + 1,
      ownMessageSeq: verified.message.messageSeq,
      recordSequence: verified.recordSequence,
      begin: (handshake) => answerClientHello(verified, server, handshake),
    });
  }
}
