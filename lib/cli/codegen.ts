// `lwm2m codegen`: a typed module from an object definition of OMA's registry.

import { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { definitionsOf } from './device-objects.ts';
import { generateModule } from '../model/index.ts';

interface CodegenFlags {
  readonly out?: string;
  readonly import: string;
}

const EXAMPLE = 'lwm2m codegen 3303.xml --out temperature.ts';

/** The command, to be added to the program. */
export function codegenCommand(io: CliIo): Command {
  return new Command('codegen')
    .description("a TypeScript module with the object that OMA's XML defines, for defineObject")
    .argument('<file>', 'an object definition, such as 3303.xml of the OMNA registry')
    .option('--out <file>', 'write it there instead of to standard output; a file that exists is not overwritten')
    .option('--import <module>', 'what the module imports defineObject from', 'lwm2m-client')
    .showHelpAfterError(`Example: ${EXAMPLE}`)
    .addHelpText('after', `\nExample:\n  ${EXAMPLE}`)
    .action((file: string, flags: CodegenFlags) => runCodegen(file, flags, io));
}

async function runCodegen(file: string, flags: CodegenFlags, io: CliIo): Promise<void> {
  const definitions = await definitionsOf(file);
  if (definitions.length > 1) throw new CliError(`${file}: expected one object, found ${definitions.length}`);
  const module = generateModule(definitions[0]!, { importFrom: flags.import });
  if (flags.out === undefined) return io.out(module.trimEnd());
  try {
    await writeFile(flags.out, module, { flag: 'wx' });
  } catch (error) {
    throw new CliError(`--out: ${error instanceof Error ? error.message : String(error)}`);
  }
}
