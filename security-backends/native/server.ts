// A DTLS 1.2 server connection, sans-IO: one client, from its verified ClientHello on.

import type { DtlsOptions } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import { DtlsMachine } from './machine.ts';
import { resolveOptions } from './options.ts';
import { answerClientHello } from './server-hello.ts';

export interface DtlsServerOptions extends DtlsOptions {
  /** What the CookieGate let through. */
  readonly verified: VerifiedHello;
  /** Sent to the client if given (RFC 4279 §5.2). */
  readonly identityHint?: Uint8Array | undefined;
}

/** Shakes hands with one client. Asks `lookupPsk` for the identity it names. */
export class DtlsServer extends DtlsMachine {
  /** @throws SocketError EINVAL or ENOTSUP for options that cannot be met */
  constructor(options: DtlsServerOptions) {
    const { verified, identityHint } = options;
    super(resolveOptions(options), {
      role: 'server',
      peerMessageSeq: verified.message.messageSeq + 1,
      ownMessageSeq: verified.message.messageSeq,
      recordSequence: verified.recordSequence,
      begin: (handshake) => answerClientHello(verified, identityHint, handshake),
    });
  }
}
