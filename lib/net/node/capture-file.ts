// The file a recording goes to. It has the keys in it, so it is its owner's alone; made only when somebody asks for it.

import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import type { Clock } from '../../runtime/index.ts';
import { Capture, captured } from '../capture/index.ts';
import type { DatagramSocket } from '../socket.ts';
import type { KeyLog } from '../ssl-configuration.ts';
import { PrivateFileError, nodeErrorCode, openPrivateFile } from './private-file.ts';

export interface CaptureFileOptions {
  readonly clock: Clock;
  /** Names the interface in the recording. Default `device`. */
  readonly name?: string | undefined;
  /** Told once if a write fails; from then on nothing more is recorded, and the sockets go on. */
  readonly onError?: ((error: PrivateFileError) => void) | undefined;
}

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const SMALLEST_BLOCK_BYTES = 12; // draft-ietf-opsawg-pcapng §3.1

/** A pcapng file of mode 0600 that Wireshark opens and decrypts as it is. Each block is written whole, at once. */
export class CaptureFile {
  readonly #file: string;
  readonly #fd: number;
  readonly #onError: (error: PrivateFileError) => void;
  readonly #capture: Capture;
  #open = true;
  #failed = false;

  /**
   * Makes the file, or appends a section to one that has been recorded before.
   * @throws PrivateFileError for symbolic links, what is no regular file or no pcapng, and what the system refuses
   */
  constructor(file: string, options: CaptureFileOptions) {
    const { clock, name, onError = () => undefined } = options;
    this.#file = file;
    this.#onError = onError;
    this.#fd = openPrivateFile(file);
    try {
      checkContent(this.#fd, file);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.#capture = new Capture({ clock, name, write: (block) => this.#write(block) });
  }

  /** For `dangerKeyLog` of the configuration whose traffic is recorded: puts its secrets into the file. */
  get keyLog(): KeyLog {
    return this.#capture.keyLog;
  }

  /** The same socket, recorded. */
  watch(socket: DatagramSocket): DatagramSocket {
    return captured(socket, this.#capture);
  }

  /** Writes what waits and closes the file; watched sockets go on, unrecorded. Allowed again. */
  close(): void {
    if (!this.#open) return;
    this.#capture.flush();
    this.#open = false;
    closeSync(this.#fd);
  }

  /** Half a block would make the file unreadable from there on: it is taken back. */
  #write(block: Uint8Array): void {
    if (!this.#open || this.#failed) return;
    try {
      const before = fstatSync(this.#fd).size;
      const written = writeSync(this.#fd, block);
      if (written === block.length) return;
      ftruncateSync(this.#fd, before);
      this.#fail('no room for a whole block', undefined);
    } catch (error) {
      this.#fail(nodeErrorCode(error), error);
    }
  }

  #fail(reason: string, cause: unknown): void {
    this.#failed = true;
    this.#onError(new PrivateFileError(`cannot write ${this.#file} (${reason})`, { cause }));
  }
}

/** Empty, or a recording whose last block is whole: what is appended behind anything else, no reader would find. */
function checkContent(fd: number, file: string): void {
  const { size } = fstatSync(fd);
  if (size === 0) return;
  const begins = size >= SMALLEST_BLOCK_BYTES && uint32At(fd, 0) === SECTION_HEADER;
  if (!begins || uint32At(fd, 8) !== BYTE_ORDER_MAGIC) {
    throw new PrivateFileError(`expected an empty file or a pcapng recording, found something else in ${file}`);
  }
  const last = uint32At(fd, size - 4);
  const whole =
    last >= SMALLEST_BLOCK_BYTES && last % 4 === 0 && last <= size && uint32At(fd, size - last + 4) === last;
  if (!whole) throw new PrivateFileError(`the recording in ${file} breaks off within a block; move it away`);
}

function uint32At(fd: number, position: number): number {
  const bytes = new Uint8Array(4);
  readSync(fd, bytes, 0, 4, position);
  return new DataView(bytes.buffer).getUint32(0, true);
}
