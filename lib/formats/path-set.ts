// Which paths a payload has named already.

import type { Path } from '../model/index.ts';

/** Paths that mostly come in ascending order: as long as they do, comparing each with the last one is enough. */
export class PathSet {
  readonly #ascending: Path[] = [];
  #all: Set<string> | undefined;

  /** @returns whether it is new */
  add(path: Path): boolean {
    if (this.#all === undefined) {
      const last = this.#ascending.at(-1);
      if (last === undefined || isBefore(last.ids, path.ids)) {
        this.#ascending.push(path);
        return true;
      }
      this.#all = new Set(this.#ascending.map(String));
    }
    const { size } = this.#all;
    return this.#all.add(path.toString()).size > size;
  }
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return a.length < b.length;
}
