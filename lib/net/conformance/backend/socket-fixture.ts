// A backend's sockets as what the cases of any socket are tried with: `socketCases(socketFixtureOf(fixture))`.

import type { Feature, SocketFixture } from '../fixture.ts';
import { KINDS, clientSecurity, serverSecurity } from './credentials.ts';
import type { BackendFixture, Kind } from './fixture.ts';

/**
 * With the first kind of credentials that backend and peer have.
 * @param features beside those that follow from the fixture, for instance `sessions` if the peer's sessions keep all rules too
 */
export function socketFixtureOf<S extends Kind<S>>(
  fixture: BackendFixture<S>,
  features: readonly Feature[] = [],
): SocketFixture {
  const { peer, configuration } = fixture;
  const { environment, address, host } = peer;
  const backend = fixture.backend(peer.rawSocket);
  const kind = KINDS.find((each) =>
    [backend, peer].every(({ capabilities }) => capabilities.credentials.includes(each)),
  );
  const credentials = kind ?? 'psk';
  const lower = async (port: number): Promise<S> => {
    const socket = peer.rawSocket({}, environment);
    await socket.connect(address, port);
    return socket;
  };
  return {
    name: `${fixture.name}, as any socket`,
    transport: peer.transport,
    secure: true,
    features: new Set<Feature>([
      'decorate',
      ...(peer.abort === undefined ? [] : (['reset'] as const)),
      ...(peer.virtualTime ? (['virtualTime'] as const) : []),
      ...(peer.virtualTime || peer.transport === 'stream' ? (['connectFails'] as const) : []),
      ...(peer.transport === 'datagram' ? (['handshakeTimeouts'] as const) : []),
      ...features,
    ]),
    environment,
    address,
    host,
    socket: (socket) =>
      backend.createSocket({ security: clientSecurity(credentials), ...configuration, socket }, environment),
    listener: (socket) => peer.server({ security: serverSecurity(credentials), socket }),
    run: (promise) => peer.run(promise),
    lower,
    failingLower: async () => lower(await peer.deadPort()),
    reset: (session) => peer.abort?.(session as S, INTERNAL_ERROR),
    deadPort: () => peer.deadPort(),
  };
}

const INTERNAL_ERROR = 80;
