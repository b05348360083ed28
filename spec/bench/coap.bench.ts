// CoAP encode and decode of a typical LwM2M message, beside coap-packet (installed on the spot into .peers/npm).

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  OPTION,
  decodeMessage,
  encodeMessage,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';

const PEER = 'coap-packet';
const PEER_VERSION = '1.1.1';
const PREFIX = path.resolve(import.meta.dirname, '../../.peers/npm');
const ROUNDS = 100_000;
const REPEATS = 5;

export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

interface PeerPacket {
  generate(packet: object): Uint8Array;
  parse(bytes: Uint8Array): object;
}

const payload = utf8Encode('<'.repeat(64));
const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const texts = [
  [OPTION.uriPath, 'Uri-Path', 'rd'],
  [OPTION.uriPath, 'Uri-Path', '5a3f'],
  [OPTION.uriQuery, 'Uri-Query', 'lt=86400'],
  [OPTION.uriQuery, 'Uri-Query', 'b=U'],
] as const;

const ours: CoapMessage = {
  type: 0,
  code: 0x02,
  messageId: 0x7d34,
  token,
  options: [
    ...texts.slice(0, 2).map(([number, , text]) => textOption(number, text)),
    uintOption(OPTION.contentFormat, 40),
    ...texts.slice(2).map(([number, , text]) => textOption(number, text)),
  ],
  payload,
};

/** Operations per second in the best of several repeats: the least disturbed one. */
function rate(operation: () => void): number {
  let best = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i++) operation();
    best = Math.max(best, (ROUNDS / (performance.now() - start)) * 1_000);
  }
  return best;
}

async function loadPeer(): Promise<PeerPacket> {
  const folder = path.join(PREFIX, 'node_modules', PEER);
  if (!existsSync(folder)) {
    execFileSync('npm', ['install', '--silent', '--prefix', PREFIX, `${PEER}@${PEER_VERSION}`], { timeout: 60_000 });
  }
  const manifest = path.join(folder, 'index.js');
  const { default: peer } = (await import(pathToFileURL(manifest).href)) as { default: PeerPacket };
  return peer;
}

function peerPacket(): object {
  return {
    confirmable: true,
    code: '0.02',
    messageId: ours.messageId,
    token: Buffer.from(token),
    options: [
      ...texts.map(([, name, text]) => ({ name, value: Buffer.from(text) })),
      { name: 'Content-Format', value: Buffer.from([40]) },
    ],
    payload: Buffer.from(payload),
  };
}

/** One line per figure; the peer's are left out, with a line that says why, if it is not to be had. */
export async function run(): Promise<BenchResult[]> {
  const wire = encodeMessage(ours);
  const results: BenchResult[] = [
    { name: 'coap encode', value: rate(() => encodeMessage(ours)), unit: 'messages/s' },
    { name: 'coap decode', value: rate(() => decodeMessage(wire)), unit: 'messages/s' },
    { name: 'coap encode+decode', value: rate(() => decodeMessage(encodeMessage(ours))), unit: 'messages/s' },
  ];
  try {
    const peer = await loadPeer();
    const packet = peerPacket();
    const theirs = peer.generate(packet);
    if (Buffer.compare(Buffer.from(theirs), Buffer.from(wire)) !== 0) throw new Error('it encodes another message');
    const value = rate(() => peer.parse(peer.generate(packet)));
    results.push({ name: `${PEER} encode+decode`, value, unit: 'messages/s' });
    results.push({ name: `coap encode+decode beside ${PEER}`, value: results[2]!.value / value, unit: 'times' });
  } catch (error) {
    console.log(`not run: ${PEER} (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`);
  }
  return results;
}
