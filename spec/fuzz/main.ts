// npm run fuzz -- --target x509 --inputs 1000000 --seed 7 --seconds 60 --json

import { parseArgs } from 'node:util';
import { readCorpus, writeFinding, writeInputs } from './corpus.ts';
import { type FuzzResult, type FuzzState, fuzz } from './fuzzer.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets/index.ts';

const USAGE = `npm run fuzz -- [--target NAME]... [--inputs N] [--seed S] [--seconds S] [--json] [--no-save]
  --target   one of: ${TARGETS.map(({ name }) => name).join(', ')}; default all of them
  --inputs   of each target, default 1000000
  --seed     of the mutations, default 1
  --seconds  for each target at most, default no limit
  --json     one line of JSON for each target
  --no-save  leaves spec/fuzz/corpus as it is; findings are written all the same`;

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: 'Infinity' },
    json: { type: 'boolean', default: false },
    'no-save': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

Error.stackTraceLimit = 0; // parsers throw for most inputs, and a stack costs more than parsing

function chosen(): readonly FuzzTarget[] {
  const { target: names } = values;
  if (names === undefined) return TARGETS;
  return names.map((name) => {
    const target = TARGETS.find((each) => each.name === name);
    if (target === undefined) throw new Error(`--target: expected a name from the list, found '${name}'\n${USAGE}`);
    return target;
  });
}

function number(name: 'inputs' | 'seed' | 'seconds'): number {
  const value = Number(values[name]);
  if (!(value >= 0)) throw new Error(`--${name}: expected a number, found '${values[name]}'`);
  return value;
}

const line = (name: string, { inputs, edges, corpus, findings, seconds }: FuzzState): string =>
  `${name.padEnd(20)} ${inputs} inputs, ${Math.round(inputs / seconds)}/s, ${edges} edges, ${corpus} kept, ${findings} findings`;

/** On a terminal the line is written over, four times a second; elsewhere nothing is told before the end. */
function progress(name: string): (state: FuzzState) => void {
  let shown = 0;
  return (state) => {
    if (values.json || !process.stderr.isTTY || state.seconds - shown < 0.25) return;
    shown = state.seconds;
    process.stderr.write(`\r${line(name, state)}`);
  };
}

function tell(name: string, result: FuzzResult): void {
  const { found, minimised, ...state } = result;
  const findings = found.map((each) => ({ kind: each.kind, error: each.error, file: writeFinding(name, each) }));
  if (!values['no-save']) writeInputs(name, minimised);
  if (values.json)
    return console.log(JSON.stringify({ target: name, ...state, minimised: minimised.length, found: findings }));
  if (process.stderr.isTTY) process.stderr.write('\r');
  console.log(line(name, result));
  for (const { kind, file, error } of findings)
    console.log(`  ${kind}: ${file}\n    ${error.replaceAll('\n', '\n    ')}`);
}

function main(): void {
  if (values.help) return console.log(USAGE);
  const options = { inputs: number('inputs'), seed: number('seed'), seconds: number('seconds') };
  for (const target of chosen()) {
    const { name } = target;
    const result = fuzz(target, { ...options, corpus: readCorpus(name), progress: progress(name) });
    tell(name, result);
    if (result.found.length > 0) process.exitCode = 1;
  }
}

main();
