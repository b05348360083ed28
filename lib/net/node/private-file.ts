// Files for secrets: regular, and readable by their owner alone.

import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs';

// Not through a symbolic link that somebody else put there, and without waiting for the reader of a pipe.
const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const OTHERS = 0o077;

/** A file that cannot keep a secret, or does not fit what is to be written. The message names the file and why. */
export class PrivateFileError extends Error {
  override readonly name = 'PrivateFileError';
  readonly code = 'EPRIVATEFILE';
}

/**
 * Opens or makes a file for reading and appending, mode 0600, and takes other users' rights away from one that was there.
 * @returns its descriptor, the caller's to close
 * @throws PrivateFileError for symbolic links, what is no regular file, and what the system refuses
 */
export function openPrivateFile(file: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS, 0o600);
    const status = fstatSync(fd);
    if (!status.isFile()) throw new PrivateFileError(`expected a regular file, found something else at ${file}`);
    if ((status.mode & OTHERS) !== 0) fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (error instanceof PrivateFileError) throw error;
    throw new PrivateFileError(`cannot keep secrets in ${file} (${nodeErrorCode(error)})`, { cause: error });
  }
}

/** Node's name of the error, such as ENOSPC. */
export function nodeErrorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
