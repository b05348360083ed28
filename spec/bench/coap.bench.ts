// CoAP encode and decode of a typical LwM2M message, beside coap-packet (installed on the spot into .peers/npm).

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { equalBytes, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  OPTION,
  decodeMessage,
  encodeMessage,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';
import { type BenchResult, microseconds } from './bench.ts';

const PEER = 'coap-packet';
const PEER_VERSION = '1.1.1';
const PREFIX = path.resolve(import.meta.dirname, '../../.peers/npm');

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

const PASSES = 4;

/** Microseconds of each operation, taken in turns so that all of them meet the same weather on the machine. */
function inTurns(operations: readonly (() => void)[]): number[] {
  const best = operations.map(() => Number.POSITIVE_INFINITY);
  for (let pass = 0; pass < PASSES; pass++) {
    operations.forEach((operation, i) => (best[i] = Math.min(best[i]!, microseconds(operation, 10))));
  }
  return best;
}

/** The peer's row is left out, with a line that says why, if it is not to be had. */
export async function run(): Promise<readonly BenchResult[]> {
  const wire = encodeMessage(ours);
  const peer = await peerOperation(wire);
  const peerName = `encode + decode, ${PEER} ${PEER_VERSION}`;
  const operations: [string, () => void][] = [
    ['encode', () => encodeMessage(ours)],
    ['decode', () => decodeMessage(wire)],
    ['encode + decode', () => decodeMessage(encodeMessage(ours))],
  ];
  if (peer !== undefined) operations.push([peerName, peer]);
  const values = inTurns(operations.map(([, operation]) => operation));
  return operations.map(([name], i) => {
    const ratioTo = peer !== undefined && name === 'encode + decode' ? peerName : undefined;
    return { name, value: values[i]!, unit: 'µs', ratioTo };
  });
}

async function peerOperation(wire: Uint8Array): Promise<(() => void) | undefined> {
  try {
    const peer = await loadPeer();
    const packet = peerPacket();
    if (!equalBytes(peer.generate(packet), wire)) throw new Error('it encodes another message');
    return () => peer.parse(peer.generate(packet));
  } catch (error) {
    console.error(`not run: ${PEER} (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`);
    return undefined;
  }
}
