// Streams on a simulated network, for specs: two CoAP connections, or one and a peer that does only what the spec says.

import { type MessageContent, TcpCoapConnection, type TcpCoapOptions } from '../../lib/coap/index.ts';
import { SIGNAL_CODES, csmMessage } from '../../lib/coap/signalling.ts';
import { FrameDecoder, encodeFrame } from '../../lib/coap/stream-frame.ts';
import type { SocketConfiguration, StreamSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime, milliseconds } from '../../lib/runtime/index.ts';

const SERVER = '192.0.2.1';
const NONE: Uint8Array = new Uint8Array(0);

export interface Streams {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly clientSocket: StreamSocket;
  readonly serverSocket: StreamSocket;
}

export async function connectStreams(configuration: SocketConfiguration = {}): Promise<Streams> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time, latency: milliseconds(1) });
  const listener = network.streamSocket(SERVER, configuration);
  await listener.bind(SERVER, 5683);
  const accepted = listener.accept();
  const clientSocket = network.streamSocket('192.0.2.2', configuration);
  await time.run(clientSocket.connect(SERVER, 5683));
  return { time, network, clientSocket, serverSocket: await accepted };
}

export interface StreamPair extends Streams {
  readonly client: TcpCoapConnection;
  readonly server: TcpCoapConnection;
}

/** Both introduced. */
export async function makeStreamPair(
  options: { client?: TcpCoapOptions; server?: TcpCoapOptions; socket?: SocketConfiguration } = {},
): Promise<StreamPair> {
  const streams = await connectStreams(options.socket);
  const { network, time } = streams;
  const server = new TcpCoapConnection(streams.serverSocket, network.environment, options.server);
  const client = new TcpCoapConnection(streams.clientSocket, network.environment, options.client);
  await time.run(Promise.all([server.introduced(), client.introduced()]));
  return { ...streams, client, server };
}

export interface RawStreamPeer extends Streams {
  readonly connection: TcpCoapConnection;
  /** What the connection sent, its CSM first. */
  readonly heard: MessageContent[];
  /** Whether it has ended the stream. */
  readonly ended: () => boolean;
  /** Sends bytes, and gives what the connection said within a second. */
  sayBytes(bytes: Uint8Array): Promise<MessageContent[]>;
  say(message: Partial<MessageContent>): Promise<MessageContent[]>;
}

/** @param introduced whether the peer has sent its CSM; default true */
export async function makeRawStreamPeer(
  options: TcpCoapOptions & { readonly introduced?: boolean; readonly socket?: SocketConfiguration } = {},
): Promise<RawStreamPeer> {
  const streams = await connectStreams(options.socket);
  const { network, time, clientSocket: raw } = streams;
  const connection = new TcpCoapConnection(streams.serverSocket, network.environment, options);
  const heard: MessageContent[] = [];
  const decoder = new FrameDecoder(1_048_576);
  let ended = false;
  raw.handler = {
    readable: () => {
      for (let bytes = raw.receive(); bytes !== undefined; bytes = raw.receive()) {
        if (bytes === null) return void (ended = true);
        decoder.push(bytes);
        for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
          if (frame.kind === 'message') heard.push(frame.content);
        }
      }
    },
    writable: () => undefined,
    closed: () => void (ended = true),
  };
  const sayBytes = async (bytes: Uint8Array): Promise<MessageContent[]> => {
    const before = heard.length;
    raw.send(bytes);
    await time.advance(1_000);
    return heard.slice(before);
  };
  const say = (message: Partial<MessageContent>): Promise<MessageContent[]> =>
    sayBytes(encodeFrame({ code: 1, token: NONE, options: [], payload: NONE, ...message }));
  const peer: RawStreamPeer = { ...streams, connection, heard, ended: () => ended, sayBytes, say };
  await time.advance(10);
  if (options.introduced !== false) await say(csmMessage({ maxMessageSize: 65_536, blockWise: true }));
  return peer;
}

/** `CSM`, `Abort`, `2.05` …, with the diagnostic of a signal. */
export function nameOf({ code }: MessageContent): string {
  const signal = Object.entries(SIGNAL_CODES).find(([, number]) => number === code)?.[0];
  return signal ?? `${code >> 5}.${String(code & 0x1f).padStart(2, '0')}`;
}
