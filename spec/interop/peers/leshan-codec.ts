// Leshan's formats as a peer: bytes in one format come back in another.

import { fileURLToPath } from 'node:url';
import { fromHex, toHex } from '../../../lib/bytes/index.ts';
import { JAVA_OPTIONS } from './leshan.ts';
import { leshanClassPath } from './install.ts';
import { type PeerProcess, startPeer } from './process.ts';

/** An object with a resource of each type, single and multiple. */
export const EVERY_TYPE = fileURLToPath(new URL('./leshan/models/33333.xml', import.meta.url));

const LIMIT_MS = 60_000;

/** A running peer that knows the object of `EVERY_TYPE`. */
export class LeshanCodec {
  readonly #process: PeerProcess;
  #asked = 0;

  private constructor(peer: PeerProcess) {
    this.#process = peer;
  }

  static async start(): Promise<LeshanCodec> {
    const args = [...JAVA_OPTIONS, '-cp', await leshanClassPath(), 'LeshanCodecPeer', EVERY_TYPE];
    return new LeshanCodec(await startPeer('java', args, /^ready$/m, LIMIT_MS));
  }

  /** What Leshan writes as `to` after having read `bytes` as `from`. @throws Error with its words if it cannot */
  async convert(from: number, to: number, path: string, bytes: Uint8Array, timed = false): Promise<Uint8Array> {
    const id = `#${++this.#asked}`;
    this.#process.writeLine(`${id} ${timed ? 'timed ' : ''}${from} ${to} ${path} ${toHex(bytes)}`);
    const [, verdict, rest] = await this.#process.waitFor(new RegExp(`^${id} ([=!]) ?(.*)\n`, 'm'), LIMIT_MS);
    if (verdict === '=') return fromHex(rest!);
    throw new Error(`Leshan, ${from} to ${to} at ${path}, of ${toHex(bytes)}: ${rest}`);
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
