// Loader hooks: what tsx has made of our modules, instrumented. Runs in the loaders' thread.

import { instrument } from './instrument.ts';

interface Loaded {
  readonly format: string;
  readonly source?: string | ArrayBuffer | Uint8Array | null;
  readonly shortCircuit?: boolean;
}

const OURS = /\/(lib|security-backends)\/[^?]*\.[tj]s(\?|$)/;

export async function load(
  url: string,
  context: object,
  nextLoad: (url: string, context: object) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const { source } = loaded;
  if (loaded.format !== 'module' || !OURS.test(url) || url.includes('/node_modules/')) return loaded;
  if (source === undefined || source === null) return loaded;
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  const name = url.replace(/^.*\/(lib|security-backends)\//, '$1/').replace(/\?.*$/, '');
  return { ...loaded, source: instrument(text, name).code };
}
