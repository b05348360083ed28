// What fuzzing leaves behind: per target the smallest inputs that together take every edge, and each finding.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Finding } from './fuzzer.ts';

const ROOT = path.join(import.meta.dirname, 'corpus');
const INPUTS = 'inputs.base64'; // one a line
const BUDGET_BYTES = 18_000; // of a target, as it stands in the file

/** Inputs and findings kept for a target; empty if there are none. */
export function readCorpus(target: string): readonly Uint8Array[] {
  const directory = path.join(ROOT, target);
  if (!existsSync(directory)) return [];
  const lines = existsSync(path.join(directory, INPUTS)) ? readFileSync(path.join(directory, INPUTS), 'utf8') : '';
  const inputs = lines.split('\n').filter((line) => line !== '');
  const findings = readdirSync(directory)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => new Uint8Array(readFileSync(path.join(directory, name))));
  return [...findings, ...inputs.map((line) => new Uint8Array(Buffer.from(line, 'base64')))];
}

/** Keeps what fits the budget, the shortest first. @returns bytes written */
export function writeInputs(target: string, inputs: readonly Uint8Array[]): number {
  const lines: string[] = [];
  let bytes = 0;
  for (const input of inputs) {
    const line = Buffer.from(input).toString('base64');
    if (bytes + line.length + 1 > BUDGET_BYTES) break;
    bytes += line.length + 1;
    lines.push(line);
  }
  mkdirSync(path.join(ROOT, target), { recursive: true });
  writeFileSync(path.join(ROOT, target, INPUTS), `${lines.join('\n')}\n`);
  return bytes;
}

/** @returns where it stands */
export function writeFinding(target: string, { kind, input }: Finding): string {
  const name = `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
  mkdirSync(path.join(ROOT, target), { recursive: true });
  writeFileSync(path.join(ROOT, target, name), input);
  return path.join(ROOT, target, name);
}
