// The four programs: `node --import tsx examples/dtls-echo/main.ts server`, then `… client psk`; see the guide.

import { TAGS } from './credentials.ts';
import * as endpoint from './endpoint.ts';
import type { Kind } from './keys.ts';
import * as client from './sans-io-client.ts';
import * as server from './sans-io-server.ts';

const USAGE = `usage: main.ts server [PORT]
       main.ts client psk|rawPublicKey|certificate [PORT]
       main.ts sans-io-server psk|rawPublicKey [PORT]
       main.ts sans-io-client psk|rawPublicKey [PORT]`;
const PORT = 4433;
const HELLO = 'hello';

const say = (line: string): void => console.log(line);

await run(process.argv.slice(2));

async function run([command = '', ...rest]: readonly string[]): Promise<void> {
  if (command === 'server') {
    const listening = await endpoint.startServer(portOf(rest[0]), say);
    return untilInterrupted(listening.socket.local!.port, listening);
  }
  const [kind = '', port] = rest;
  if (command === 'client' && isKey(kind)) return tell(await endpoint.sayHello(kind, portOf(port), HELLO));
  if (!isSansIo(kind)) return usage();
  if (command === 'sans-io-client') return tell(await client.sayHello(kind, portOf(port), HELLO));
  if (command !== 'sans-io-server') return usage();
  const listening = await server.startServer(kind, portOf(port), say);
  untilInterrupted(listening.port, listening);
}

function tell({ agreed, answer }: { readonly agreed: string; readonly answer: string }): void {
  say(`${agreed}: said "${HELLO}", heard "${answer}"`);
}

function untilInterrupted(port: number, listening: { close(): void }): void {
  say(`listening at 127.0.0.1:${port}, until Ctrl-C`);
  process.once('SIGINT', () => listening.close());
}

function isKey(kind: string): kind is keyof typeof TAGS {
  return kind in TAGS;
}

function isSansIo(kind: string): kind is Kind {
  return kind === 'psk' || kind === 'rawPublicKey';
}

function portOf(text = `${PORT}`): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 0xffff) return port;
  return usage();
}

function usage(): never {
  console.error(USAGE);
  process.exit(2);
}
