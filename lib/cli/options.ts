// Flags that several commands share, parsed with the flag's name and a right example in every error.

import { type CoapUri, type UriOptions, literalFamily, parseCoapUri } from '../net/index.ts';
import { fromHex } from '../bytes/index.ts';
import { readFile } from 'node:fs/promises';
import { wrongFlag } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { LOG_LEVELS, type LogLevel } from './console-log.ts';

export const KEY_VARIABLE = 'LWM2M_PSK_KEY';
const MOST_KEY_BYTES = 64; // RFC 4279 §5.3: what must work
const MOST_IDENTITY_BYTES = 128; // RFC 4279 §5.3

/** `coap://`, `coaps://`, or these `+tcp`, of a server to connect to. @throws CliError */
export function parseUri(flag: string, text: string): CoapUri {
  return parsedUri(flag, text, `${flag} coaps://server.example:5684`, {});
}

/** The same with an address to listen on; port 0 is any. @throws CliError */
export function parseListen(flag: string, text: string): CoapUri {
  const example = `${flag} coaps://127.0.0.1:5684`;
  const uri = parsedUri(flag, text, example, { leastPort: 0 });
  if (literalFamily(uri.host) === undefined) {
    throw wrongFlag(
      flag,
      `expected an IPv4 or [IPv6] address to listen on, found ${JSON.stringify(uri.host)}`,
      example,
    );
  }
  if (uri.path.length + uri.query.length > 0) throw wrongFlag(flag, 'expected no path and no query', example);
  return uri;
}

function parsedUri(flag: string, text: string, example: string, options: UriOptions): CoapUri {
  try {
    return parseCoapUri(text, options);
  } catch (error) {
    throw wrongFlag(flag, (error as Error).message, example);
  }
}

/** @throws CliError */
export function parseInteger(flag: string, text: string, least: number, most: number, example: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrongFlag(flag, `expected an integer from ${least} to ${most}, found ${JSON.stringify(text)}`, example);
}

/** @throws CliError */
export function parseChoice<const T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw wrongFlag(flag, `expected ${choices.join(', ')}, found ${JSON.stringify(text)}`, `${flag} ${choices[0]}`);
}

/** @throws CliError */
export function parseLogLevel(flag: string, text: string): LogLevel {
  return parseChoice(flag, text, LOG_LEVELS);
}

/** @throws CliError if it is empty or longer than 128 bytes */
export function checkIdentity(flag: string, identity: string, example = `${flag} sensor-1`): string {
  const bytes = new TextEncoder().encode(identity).length;
  if (bytes >= 1 && bytes <= MOST_IDENTITY_BYTES) return identity;
  throw wrongFlag(flag, `expected 1 to ${MOST_IDENTITY_BYTES} bytes, found ${bytes}`, example);
}

/** Where a pre-shared key may come from. */
export interface KeyFlags {
  /** Hex, or `-` for standard input. */
  readonly key?: string | undefined;
  /** A file with the key in hex. */
  readonly keyFile?: string | undefined;
}

/** The key from the one place that has it; undefined if none. Warns where others can see it. @throws CliError, never with the key */
export async function readKey(flags: KeyFlags, io: CliIo): Promise<Uint8Array | undefined> {
  const { key, keyFile } = flags;
  if (key !== undefined && keyFile !== undefined) {
    throw wrongFlag('--key', 'there is --key-file too; give one of them', '--key-file device.key');
  }
  if (key === '-') return parseKey('--key -', await io.readLine());
  if (key !== undefined) {
    const parsed = parseKey('--key', key);
    io.error('warning: --key HEX shows in the process list; --key-file, LWM2M_PSK_KEY or --key - keep it private');
    return parsed;
  }
  if (keyFile !== undefined) return parseKey('--key-file', await readKeyFile(keyFile));
  const variable = io.environmentVariables[KEY_VARIABLE];
  return variable === undefined ? undefined : parseKey(KEY_VARIABLE, variable);
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw wrongFlag('--key-file', `cannot read ${file} (${code})`, '--key-file device.key');
  }
}

/** Hex, with spaces around it allowed. @throws CliError that says how long it is, never what it is */
export function parseKey(flag: string, text: string, example = keyExample(flag)): Uint8Array {
  let key: Uint8Array;
  try {
    key = fromHex(text.trim(), 'key');
  } catch (error) {
    throw wrongFlag(flag, (error as Error).message, example);
  }
  if (key.length >= 1 && key.length <= MOST_KEY_BYTES) return key;
  throw wrongFlag(flag, `expected 1 to ${MOST_KEY_BYTES} bytes, found ${key.length}`, example);
}

function keyExample(flag: string): string {
  const hex = '000102030405060708090a0b0c0d0e0f';
  if (flag === KEY_VARIABLE) return `${KEY_VARIABLE}=${hex} lwm2m device …`;
  if (flag === '--key-file') return `--key-file device.key, a file with ${hex}`;
  return `--key ${hex}`;
}
