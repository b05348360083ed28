// Server and client by `DtlsEndpoint`: it has the socket, the sessions, the timers and the credentials.

import { type Endpoint, seconds, systemEnvironment, udpSocket, utf8Decode, utf8Encode } from '../../lib/index.ts';
import { DtlsEndpoint, type EndpointSession } from '../../security-backends/native/index.ts';
import { TAGS, poolOf } from './credentials.ts';

const LOOPBACK = '127.0.0.1';
const PATIENCE = seconds(10);

const environment = systemEnvironment();
const datagramSocket = (): ReturnType<typeof udpSocket> => udpSocket({}, environment);

/** Sends everything back, to clients with any of the three kinds of credential. Port 0 is any. */
export async function startServer(port: number, say: (line: string) => void): Promise<DtlsEndpoint> {
  const endpoint = new DtlsEndpoint(
    {
      credentials: poolOf('server', environment),
      tags: Object.values(TAGS),
      roles: ['server'],
      datagramSocket,
      handlers: {
        read: ({ session, segments }) => void session.sendNow(segments),
        event: (session, { kind }) => {
          if (kind === 'connected') say(`${session.key} connected, ${agreed(session)}`);
          if (kind === 'closed') say(`${session.key} left`);
        },
      },
    },
    environment,
  );
  await endpoint.bind(LOOPBACK, port);
  return endpoint;
}

/** Sends a line and waits for one. @returns what was agreed on, and what came back */
export async function sayHello(
  credential: keyof typeof TAGS,
  port: number,
  text: string,
): Promise<{ readonly agreed: string; readonly answer: string }> {
  await using endpoint = new DtlsEndpoint(
    { credentials: poolOf('device', environment), tags: Object.values(TAGS), roles: ['client'], datagramSocket },
    environment,
  );
  await endpoint.bind(LOOPBACK, 0);
  const server: Endpoint = { address: LOOPBACK, port };
  const session = await endpoint.connect(server, { credential, timeout: PATIENCE });
  session.sendNow(utf8Encode(`${text}\n`));
  for (;;) {
    const received = await endpoint.receive({ timeout: PATIENCE });
    if (received.kind !== 'data') continue; // that it is connected is known already
    return { agreed: agreed(session), answer: utf8Decode(Buffer.concat(received.segments)).trim() };
  }
}

function agreed({ credential, negotiated }: EndpointSession): string {
  return `${credential}, suite 0x${negotiated!.ciphersuite.toString(16)}`;
}
