// Files as the loaders see them: injected, so that loading needs no host and tests need no disk.

/** Where `file` and `path` sources are read from. Paths mean what the implementation says they mean. */
export interface FileSource {
  /** The whole file, as bytes the caller may zero. @throws Error with the host's `code` if it cannot be read */
  read(path: string): Uint8Array;
  /** The paths of the regular files in a directory, sorted, ready for `read`. @throws Error if it cannot be read */
  list(directory: string): readonly string[];
}
