// The program `lwm2m`: one file per command, one way to end.

import { Command, CommanderError } from 'commander';
import { backendsCommand } from './backends.ts';
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { codegenCommand } from './codegen.ts';
import { demoCommand } from './demo.ts';
import { deviceCommand } from './device.ts';
import { printableLines } from './printable.ts';
import { serverCommand } from './server.ts';

/** Parses and runs. @returns the exit code */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const program = new Command('lwm2m').description('LwM2M devices and servers for the command line');
  const commands = [demoCommand(io), deviceCommand(io), serverCommand(io), codegenCommand(io), backendsCommand(io)];
  for (const command of [program, ...commands]) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, '')),
      writeErr: (text) => io.error(text.replace(/\n$/, '')),
    });
  }
  for (const command of commands) program.addCommand(command);
  program.showHelpAfterError('See lwm2m --help');
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, io);
  }
}

/** People read messages, not stacks. */
function report(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has said everything itself
  if (error instanceof CliError) {
    io.error(printableLines(`error: ${error.message}`));
    return error.exitCode;
  }
  io.error(printableLines(`error: ${error instanceof Error ? error.message : String(error)}`));
  return 1;
}
