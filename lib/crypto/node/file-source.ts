// Credential files on the host's file system.

import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { FileSource } from '../file-source.ts';

export interface NodeFileSourceOptions {
  /** Relative paths start here. Default: the process's working directory at the time of reading. */
  readonly baseDirectory?: string | undefined;
  /** Longest file, in bytes. Default 4 MiB: ten times a system's whole trust store in one PEM file. */
  readonly maxFileSize?: number | undefined;
  /** Most entries a directory may have. Default 10,000. */
  readonly maxDirectoryEntries?: number | undefined;
}

export const DEFAULT_NODE_FILE_SOURCE_OPTIONS = Object.freeze({
  maxFileSize: 4 * 1024 * 1024,
  maxDirectoryEntries: 10_000,
});

/** Reads at once, not later: credentials are read when a socket is made, never on the hot path. */
export function nodeFileSource(options: NodeFileSourceOptions = {}): FileSource {
  const maxFileSize = options.maxFileSize ?? DEFAULT_NODE_FILE_SOURCE_OPTIONS.maxFileSize;
  const maxEntries = options.maxDirectoryEntries ?? DEFAULT_NODE_FILE_SOURCE_OPTIONS.maxDirectoryEntries;
  const resolve = (relative: string): string => path.resolve(options.baseDirectory ?? '', relative);
  return {
    read(file) {
      const descriptor = openSync(resolve(file), 'r');
      try {
        return readAtMost(descriptor, maxFileSize);
      } finally {
        closeSync(descriptor);
      }
    },

    list(directory) {
      const entries = readdirSync(resolve(directory), { withFileTypes: true });
      if (entries.length > maxEntries) {
        throw new RangeError(`expected at most ${maxEntries} directory entries, found ${entries.length}`);
      }
      const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
      return files.map((entry) => path.join(directory, entry.name)).sort();
    },
  };
}

/** Counts what is read, not what `stat` says: pipes and devices have no size. */
function readAtMost(descriptor: number, limit: number): Uint8Array {
  let buffer = new Uint8Array(Math.min(limit, 4096) + 1);
  let length = 0;
  for (;;) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
    if (length > limit) {
      buffer.fill(0);
      throw new RangeError(`expected a file of at most ${limit} bytes, found a longer one`);
    }
    if (length < buffer.length) continue;
    const larger = new Uint8Array(Math.min(limit + 1, 2 * buffer.length));
    larger.set(buffer);
    buffer.fill(0);
    buffer = larger;
  }
  const bytes = buffer.slice(0, length);
  buffer.fill(0);
  return bytes;
}
