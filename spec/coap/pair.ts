// Two CoAP connections on a simulated network, for specs: a device and a server that serves by `serveCoap`.

import { UdpCoapConnection, type UdpCoapOptions, serveCoap } from '../../lib/coap/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';

export interface PairOptions {
  readonly network?: Omit<SimulatedNetworkOptions, 'time'>;
  readonly device?: UdpCoapOptions;
  readonly server?: UdpCoapOptions;
  /** MTU of both sockets, in bytes. */
  readonly mtu?: number;
}

export interface Pair {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly deviceSocket: DatagramSocket;
  readonly device: UdpCoapConnection;
  /** The server's end of it, once the first datagram has come. */
  readonly server: () => UdpCoapConnection;
  /** Datagrams in the order they were sent, by their sender. */
  readonly sent: { readonly by: 'device' | 'server'; readonly at: number; readonly bytes: Uint8Array }[];
}

const PORT = 5683;

export async function makePair(options: PairOptions = {}): Promise<Pair> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, ...options.network });
  const configuration = { mtu: options.mtu, forcedMtu: options.mtu };
  const listener = network.datagramSocket('192.0.2.1', configuration);
  await listener.bind('192.0.2.1', PORT);
  const connections: UdpCoapConnection[] = [];
  serveCoap(listener, network.environment, (connection) => void connections.push(connection), options.server);
  const deviceSocket = network.datagramSocket('192.0.2.2', configuration);
  await deviceSocket.connect('192.0.2.1', PORT);
  const device = new UdpCoapConnection(deviceSocket, network.environment, options.device);
  const sent: Pair['sent'] = [];
  network.onDatagram((from, _to, bytes) => {
    sent.push({ by: from.address === '192.0.2.2' ? 'device' : 'server', at: time.now(), bytes });
    return 'pass';
  });
  const server = (): UdpCoapConnection => {
    const [connection] = connections;
    if (connection === undefined) throw new Error('no datagram has reached the server yet');
    return connection;
  };
  return { time, network, deviceSocket, device, server, sent };
}
