// A DTLS 1.2 client connection, sans-IO.

import { sendClientHello } from './client-hello.ts';
import type { DtlsOptions } from './connection.ts';
import { DtlsMachine } from './machine.ts';
import { resolveOptions } from './options.ts';

export interface DtlsClientOptions extends DtlsOptions {
  /** Sent as server_name (RFC 6066 §3), if given; a host name, never an address. */
  readonly serverName?: string | undefined;
}

/** Shakes hands with one server. Asks `choosePsk` once the server's hint is known. */
export class DtlsClient extends DtlsMachine {
  /** @throws SocketError EINVAL or ENOTSUP for options that cannot be met */
  constructor(options: DtlsClientOptions) {
    super(resolveOptions(options), {
      role: 'client',
      peerMessageSeq: 0,
      ownMessageSeq: 0,
      recordSequence: 0,
      begin: (handshake) => sendClientHello(handshake, options.serverName),
    });
  }
}
