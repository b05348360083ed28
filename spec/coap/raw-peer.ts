// One CoAP connection on a simulated network, and a peer that does only what the spec says: to script and to misbehave.

import { toHex } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type CoapOption,
  OPTION,
  UdpCoapConnection,
  type UdpCoapOptions,
  blockOption,
  decodeMessage,
  encodeMessage,
  findBlock,
  findUint,
  formatCode,
} from '../../lib/coap/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { type Log, VirtualTime, silentLog } from '../../lib/runtime/index.ts';

const TYPES = ['CON', 'NON', 'ACK', 'RST'] as const;

/** A block option in the notation of RFC 7959 §3: NUM, M, size in bytes. */
export function block(kind: 1 | 2, num: number, more: 0 | 1, size: number): CoapOption {
  const sizeExponent = Math.log2(size) - 4;
  return blockOption(kind === 1 ? OPTION.block1 : OPTION.block2, { num, more: more === 1, sizeExponent });
}

/** A message in one line, e.g. `ACK 2.05 2:0/1/128 observe=4 [128]`: type, code, blocks, Observe, payload length. */
export function line(message: CoapMessage): string {
  const words: string[] = [TYPES[message.type], formatCode(message.code)];
  for (const [name, number] of [
    ['1', OPTION.block1],
    ['2', OPTION.block2],
  ] as const) {
    const found = findBlock(message.options, number);
    if (found !== undefined) words.push(`${name}:${found.num}/${found.more ? 1 : 0}/${16 << found.sizeExponent}`);
  }
  for (const [name, number] of [
    ['observe', OPTION.observe],
    ['size1', OPTION.size1],
  ] as const) {
    const found = findUint(message.options, number);
    if (found !== undefined) words.push(`${name}=${found}`);
  }
  if (message.payload.length > 0) words.push(`[${message.payload.length}]`);
  return words.join(' ');
}

export interface RawPeer {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly socket: DatagramSocket;
  readonly connection: UdpCoapConnection;
  /** All messages the connection sent so far. */
  readonly heard: CoapMessage[];
  /** Answers each message as it comes; undefined lets it pass. */
  answer: ((message: CoapMessage) => Partial<CoapMessage> | undefined) | undefined;
  /** Sends a message, with defaults: CON, GET, an id that counts up, no token. Gives what the connection said within 1 s. */
  say(message: Partial<CoapMessage>): Promise<CoapMessage[]>;
  sayBytes(bytes: Uint8Array): Promise<CoapMessage[]>;
  /** `heard` in lines. */
  lines(): string[];
}

export async function makeRawPeer(
  options: UdpCoapOptions & { readonly mtu?: number; readonly log?: Log } = {},
): Promise<RawPeer> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const raw = network.datagramSocket('192.0.2.1');
  const socket = network.datagramSocket('192.0.2.2', { forcedMtu: options.mtu });
  await raw.bind('192.0.2.1', 5683);
  await socket.connect('192.0.2.1', 5683);
  const environment = { ...network.environment, log: options.log ?? silentLog };
  const connection = new UdpCoapConnection(socket, environment, options);
  const heard: CoapMessage[] = [];
  const to = socket.local!;
  const from = { address: '192.0.2.1', port: 5683 };
  let messageId = 0x1000;
  const send = (message: Partial<CoapMessage>): void => {
    const none = new Uint8Array(0);
    const whole = {
      type: 0,
      code: 1,
      messageId: messageId++,
      token: none,
      options: [],
      payload: none,
      ...message,
    } as const;
    network.inject(from, to, encodeMessage(whole));
  };
  network.onDatagram((sender, _to, bytes) => {
    if (sender.address !== '192.0.2.2') return 'pass';
    const message = decodeMessage(bytes);
    heard.push(message);
    const reply = peer.answer?.(message);
    if (reply !== undefined) send({ type: 2, messageId: message.messageId, token: message.token, ...reply });
    return 'drop';
  });
  const within = async (act: () => void): Promise<CoapMessage[]> => {
    const before = heard.length;
    act();
    await time.advance(1_000);
    return heard.slice(before);
  };
  const peer: RawPeer = {
    time,
    network,
    socket,
    connection,
    heard,
    answer: undefined,
    say: (message) => within(() => send(message)),
    sayBytes: (bytes) => within(() => network.inject(from, to, bytes)),
    lines: () => heard.map(line),
  };
  return peer;
}

/** A body whose bytes tell their position. */
export function body(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => i ^ (i >> 8));
}

export function tokenOf(message: CoapMessage): string {
  return toHex(message.token);
}
