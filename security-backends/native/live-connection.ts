// A connection that goes on with a session of another process, from its state (`live-state.ts`).

import { type Agreed, protections } from './agreed.ts';
import type { DtlsOptions } from './connection.ts';
import { Established, type Handshake } from './handshake-state.ts';
import type { LiveState } from './live-state.ts';
import { DtlsMachine } from './machine.ts';
import { SocketError } from '../../lib/net/index.ts';
import { resolveOptions } from './options.ts';
import { Transcript } from './transcript.ts';

/** Connected as soon as it is started: nothing is sent. Needs a `live` keeper, which is given the state anew first. */
export class LiveConnection extends DtlsMachine {
  /**
   * @param state its secret is copied
   * @throws SocketError EINVAL without a keeper; ENOTSUP if the session's suite, or its credential, is not that of the options
   */
  constructor(options: DtlsOptions, state: LiveState) {
    const resolved = resolveOptions(options);
    if (resolved.live === undefined) throw new SocketError('EINVAL', 'live: expected a keeper, found none');
    const suite = resolved.ciphersuites.find(({ id }) => id === state.session.ciphersuite);
    if (suite === undefined || state.session.credential !== resolved.credential) {
      throw new SocketError('ENOTSUP', "the session's cipher suite or credential is not that of this configuration");
    }
    super(resolved, {
      role: state.role,
      peerMessageSeq: 0xffff,
      ownMessageSeq: 0,
      recordSequence: 0,
      begin: (handshake) => goOn(handshake, state, suite),
    });
  }
}

function goOn(handshake: Handshake, state: LiveState, suite: Agreed['suite']): Established {
  const { session, randoms, connectionIds, limits, alpn } = state;
  const agreed: Agreed = {
    suite,
    randoms,
    connectionIds,
    alpn,
    extendedMasterSecret: session.extendedMasterSecret,
    transcript: new Transcript(handshake.options.provider, suite.prf, false),
    certificateTypes: { client: 'x509', server: 'x509' },
    sessionId: new Uint8Array(0),
    ticket: false,
    resumable: false,
    serverName: session.serverName,
  };
  handshake.limitRecords(limits);
  if (connectionIds !== undefined) handshake.identifyRecords(connectionIds);
  handshake.restoreRecords(state.unreserved, state.window);
  handshake.keyed({ agreed, master: session.master.slice() });
  const { client, server } = protections(handshake, agreed, session.master);
  const [own, peers] = state.role === 'client' ? [client, server] : [server, client];
  handshake.protectWrites(own);
  handshake.protectReads(peers);
  return new Established({
    version: 'DTLS1.2',
    ciphersuite: suite.id,
    extendedMasterSecret: session.extendedMasterSecret,
    resumed: true,
    ...(alpn !== undefined && { alpn }),
    ...(connectionIds && { connectionId: { own: connectionIds.own.slice(), peer: connectionIds.peer.slice() } }),
    ...session.identification,
  });
}
