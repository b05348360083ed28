// A client by `DtlsClient` and node:dgram: one connection, one socket.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { later, seconds, systemEnvironment, utf8Decode, utf8Encode } from '../../lib/index.ts';
import { DtlsClient, defaultProvider } from '../../security-backends/native/index.ts';
import { type Kind, answersOf } from './keys.ts';
import { Loop } from './loop.ts';

const MTU = 1_232; // bytes of UDP payload that any IPv6 path takes (RFC 8200 §5)
const PATIENCE = seconds(10);

/** Sends a line and waits for one. @returns what was agreed on, and what came back */
export async function sayHello(
  kind: Kind,
  port: number,
  text: string,
): Promise<{ readonly agreed: string; readonly answer: string }> {
  const environment = systemEnvironment();
  const connection = new DtlsClient({
    provider: defaultProvider(),
    random: environment.random,
    mtu: MTU,
    credential: kind,
    hasCertificate: kind === 'rawPublicKey',
  });
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let agreed = '';
  let answer: string | undefined;
  const over = new Promise<void>((resolve, reject) => {
    const loop = new Loop(connection, environment, {
      transmit: (datagram) => socket.send(datagram),
      answer: answersOf(kind, 'device'),
      connected: ({ ciphersuite }) => {
        agreed = `${kind}, suite 0x${ciphersuite.toString(16)}`;
        loop.send(utf8Encode(`${text}\n`));
      },
      data: (bytes) => {
        answer = utf8Decode(bytes).trim();
        loop.close();
      },
      closed: (cause) => (cause === undefined ? resolve() : reject(cause)),
    });
    socket.on('message', (datagram) => loop.arrived(datagram));
    socket.on('error', () => undefined); // what ICMP says may be forged: the time-outs decide
    const limit = environment.timers.at(later(environment.clock.now(), PATIENCE), () => loop.close());
    socket.once('close', () => limit.cancel());
    loop.start();
  });
  try {
    await over;
  } finally {
    setImmediate(() => socket.close()); // what was sent leaves first
  }
  if (answer === undefined) throw new Error('no answer');
  return { agreed, answer };
}
