// One DTLS handshake on a bad network, under a clock that only moves when told.

import { generateKeyPairSync } from 'node:crypto';
import {
  type DatagramSocket,
  type PrivateKeyInfo,
  type RawPublicKeyInfo,
  VirtualTime,
  nativeDtls,
  privateKeyFromBuffer,
  rawPublicKeyFromBuffer,
  utf8Decode,
  utf8Encode,
} from '../../lib/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { Narrator } from './narrator.ts';
import { type Forecast, LATENCY, setWeather } from './weather.ts';

const SERVER = '10.1.2.3';
const PORT = 5684;
const MTU = 256; // bytes; 28 of them are IP and UDP headers

const FORECAST: Forecast = {
  client: new Map([
    [1, 'lost'],
    [5, 'late'],
  ]),
  server: new Map([
    [2, 'late'],
    [4, 'lost'],
    [7, 'lost'],
    [10, 'lost'],
  ]),
};

/** Runs it. @returns what there is to tell, line by line */
export async function tellStory(): Promise<readonly string[]> {
  const network = new SimulatedNetwork({ time: new VirtualTime(), mtu: MTU, latency: LATENCY });
  const narrator = new Narrator();
  setWeather(network, SERVER, FORECAST, (sighting) => narrator.see(sighting));
  const { time } = network;
  const say = (side: 'client' | 'server') => (what: string) => narrator.say(time.now(), side, what);

  const { client, server } = sockets(network);
  await server.bind(SERVER, PORT);
  const heard = server
    .accept()
    .then((session) => {
      say('server')('connected');
      return session.next();
    })
    .then((bytes) => say('server')(`reads "${utf8Decode(bytes!)}"`));
  const said = client.connect(SERVER, PORT).then(() => {
    say('client')('connected, sends "hello"');
    client.send(utf8Encode('hello'));
  });
  await time.run(Promise.all([heard, said]));
  const told = [...narrator.lines];
  client.close();
  server.close();
  return told;
}

/** With raw public keys: there is nothing to judge but the bytes. The server's is of RSA, whose messages are long. */
function sockets(network: SimulatedNetwork): { readonly client: DatagramSocket; readonly server: DatagramSocket } {
  const [its, ours] = [keyPair('rsa'), keyPair('ec')];
  const at = (address?: string): ReturnType<typeof nativeDtls> =>
    nativeDtls({ datagramSocket: (options) => network.datagramSocket(address, options) });
  return {
    client: at().createSocket(
      { security: { mode: 'rawPublicKey', serverKeys: its.publicKey, ...ours } },
      network.environment,
    ),
    server: at(SERVER).createServer(
      { security: { mode: 'rawPublicKey', ...its, accept: (key) => ours.spki.equals(key) } },
      network.environment,
    ),
  };
}

function keyPair(type: 'rsa' | 'ec'): {
  readonly publicKey: RawPublicKeyInfo;
  readonly privateKey: PrivateKeyInfo;
  readonly spki: Buffer;
} {
  const made =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = made.publicKey.export({ type: 'spki', format: 'der' });
  const pkcs8 = made.privateKey.export({ type: 'pkcs8', format: 'der' });
  return { publicKey: rawPublicKeyFromBuffer(spki), privateKey: privateKeyFromBuffer(pkcs8), spki };
}
