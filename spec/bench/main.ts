// Runs the benchmarks: `npm run bench -- [--json] [part of a module's name ...]`.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchModule, BenchResult } from './bench.ts';

interface Section {
  readonly bench: string;
  readonly rows: readonly BenchResult[];
  /** Why there are none. */
  readonly failure?: string;
}

const args = process.argv.slice(2);
const json = args.includes('--json');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const stray = args.find((arg) => arg.startsWith('--') && arg !== '--json');
if (stray !== undefined) {
  console.error(`${stray}: no such flag; try: npm run bench -- --json aead`);
  process.exit(2);
}

const sections: Section[] = [];
for (const file of benchFiles()) {
  const section = await runSection(file);
  sections.push(section);
  if (!json) print(section);
}
if (sections.length === 0) {
  console.error(`no benchmark has ${wanted.join(' or ')} in its name; there are: ${allFiles().map(nameOf).join(', ')}`);
  process.exitCode = 2;
}
if (json) console.log(JSON.stringify({ node: process.version, arch: process.arch, sections }, undefined, 2));
if (sections.some(({ failure }) => failure !== undefined)) process.exitCode = 1;

function allFiles(): string[] {
  const directory = fileURLToPath(new URL('.', import.meta.url));
  return readdirSync(directory)
    .filter((file) => /\.bench\.[jt]s$/.test(file))
    .sort();
}

function benchFiles(): string[] {
  return allFiles().filter((file) => wanted.length === 0 || wanted.some((part) => nameOf(file).includes(part)));
}

function nameOf(file: string): string {
  return file.replace(/\.bench\.[jt]s$/, '');
}

async function runSection(file: string): Promise<Section> {
  const bench = nameOf(file);
  try {
    const module = (await import(new URL(file, import.meta.url).href)) as BenchModule;
    return { bench, rows: await module.run() };
  } catch (error) {
    return { bench, rows: [], failure: error instanceof Error ? error.message : String(error) };
  }
}

function print({ bench, rows, failure }: Section): void {
  console.log(`\n${bench}`);
  if (failure !== undefined) console.log(`  failed: ${failure}`);
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  for (const { name, value, unit, ratioTo } of rows) {
    const other = ratioTo === undefined ? undefined : rows.find((row) => row.name === ratioTo);
    const ratio = other === undefined ? '' : `   ${(value / other.value).toFixed(2)} × ${other.name}`;
    console.log(`  ${name.padEnd(width)}  ${value.toFixed(value < 100 ? 2 : 0).padStart(9)} ${unit}${ratio}`);
  }
}
