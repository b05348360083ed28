// What our side offers to libcoap's clients, over datagrams and streams alike.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type Observation, RESPONSE_CODES, type RequestHandler, checkPreconditions } from '../../lib/coap/index.ts';

export const PSK = { identity: 'libcoap', key: 'secretPSK0123456' };
export const BIG = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(9, '.')).join(' ') + '!';
export const LONG = Array.from({ length: 300 }, (_, line) => `line ${line} of a long body`).join('\n');

/** What coap-client asks our servers for. */
export function resources(stored: () => Uint8Array, store: (bytes: Uint8Array) => void): RequestHandler {
  const content = (text: string) => ({ code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode(text) });
  let once: Uint8Array | undefined;
  return async (request) => {
    switch (request.path.join('/')) {
      case 'hello':
        return content(`hello ${request.query.join('&')}`);
      case 'late':
        await new Promise((resolve) => setTimeout(resolve, 300));
        return content('at last');
      case 'long':
        return content(LONG);
      case 'store':
        if (request.method === 'GET') return { code: RESPONSE_CODES.content, payload: stored() };
        store(request.payload);
        return { code: RESPONSE_CODES.changed };
      case 'counter': {
        const observation = request.acceptObservation?.({ ended: () => undefined });
        if (observation !== undefined) void count(observation, content);
        return content('0');
      }
      case 'once':
        checkPreconditions(request, once);
        once = Uint8Array.of(1);
        return { code: RESPONSE_CODES.created };
      case 'method':
        return content(`${request.method.toUpperCase()} ${utf8Decode(request.payload)}`);
      case 'tagged':
        return { ...content('tagged'), etag: Uint8Array.of(0xab, 0xcd) };
      case 'fresh':
        return content('fresh enough');
      case 'stream':
        return { code: RESPONSE_CODES.content, contentFormat: 0, stream: chunks(utf8Encode(BIG), 3_000) };
      case 'sink': {
        let text = '';
        for await (const part of request.body!) text += utf8Decode(part);
        store(utf8Encode(text));
        return { code: RESPONSE_CODES.changed };
      }
      default:
        return { code: RESPONSE_CODES.notFound };
    }
  };
}

export async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function bigFile(): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'libcoap-')), 'big.txt');
  await writeFile(file, BIG);
  return file;
}

async function count(
  observation: Observation,
  content: (text: string) => Parameters<Observation['notify']>[0],
): Promise<void> {
  for (let value = 1; value <= 3 && observation.active; value++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await observation.notify(content(`${value}`), { confirmable: true }).catch(() => undefined);
  }
}
