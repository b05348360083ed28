// A DTLS 1.2 client connection, sans-IO.

import { sendClientHello } from './client-hello.ts';
import { SocketError } from '../../lib/net/index.ts';
import type { DtlsOptions } from './connection.ts';
import { FRAGMENT_LENGTHS } from './extension-bodies.ts';
import { DtlsMachine } from './machine.ts';
import { resolveOptions } from './options.ts';
import type { OfferedSession } from './resumable-session.ts';

export interface DtlsClientOptions extends DtlsOptions {
  /** Sent as server_name (RFC 6066 §3), if given; a host name, never an address. */
  readonly serverName?: string | undefined;
  /** Asks the server for short records: 512, 1,024, 2,048 or 4,096 bytes of plaintext (RFC 6066 §4). Default: does not. */
  readonly maxFragmentLength?: number | undefined;
  /** Whether there is a raw public key of ours to show (RFC 7250 §4.1). Default false. */
  readonly hasCertificate?: boolean | undefined;
  /** Sessions are to be resumable: `resumable` outputs tell them. `offered` is tried; its master secret stays the caller's. Default: they are not. */
  readonly resumption?: { readonly offered: OfferedSession | undefined } | undefined;
}

/**
 * Shakes hands with one server. Asks `choosePsk` once the server's hint is known; with certificates `verifyChain`, and
 * `chooseCertificate` and `sign` if the server wants ours.
 */
export class DtlsClient extends DtlsMachine {
  /** @throws SocketError EINVAL or ENOTSUP for options that cannot be met */
  constructor(options: DtlsClientOptions) {
    const { serverName, maxFragmentLength, hasCertificate = false, resumption } = options;
    if (maxFragmentLength !== undefined && FRAGMENT_LENGTHS.indexOf(maxFragmentLength) < 1) {
      const expected = FRAGMENT_LENGTHS.slice(1).join(', ');
      throw new SocketError('EINVAL', `maxFragmentLength: expected one of ${expected}, found ${maxFragmentLength}`);
    }
    const client = { serverName, maxFragmentLength, hasCertificate, resumption };
    super(resolveOptions(options), {
      role: 'client',
      peerMessageSeq: 0,
      ownMessageSeq: 0,
      recordSequence: 0,
      begin: (handshake) => sendClientHello(handshake, client),
    });
  }
}
