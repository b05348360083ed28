// Finds the peers or installs them, at pinned versions: system packages through apt, Leshan's libraries through Maven.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LESHAN_SOURCES = fileURLToPath(new URL('./leshan/', import.meta.url));
/** Where peers are kept between runs; not in git. */
export const PEERS_DIRECTORY = join(ROOT, '.peers');
const LESHAN_DIRECTORY = join(PEERS_DIRECTORY, 'leshan');
const INSTALL_LIMIT_MS = 300_000;
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.8';

/** A peer that cannot be had here, and why. */
export class PeerMissing extends Error {
  override readonly name = 'PeerMissing';
}

/** The full path of a program, or undefined. */
export function which(program: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

let aptUpdated = false;

/** Makes sure that `program` is there, from the Debian package if need be. @throws PeerMissing */
export async function program(name: string, debianPackage: string): Promise<string> {
  const there = which(name);
  if (there !== undefined) return there;
  if (which('apt-get') === undefined) throw new PeerMissing(`no ${name} and no apt-get`);
  if (process.getuid?.() !== 0) throw new PeerMissing(`no ${name}, and installing ${debianPackage} needs root`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (!aptUpdated) await run('apt-get', ['update', '-qq'], { env, limit: INSTALL_LIMIT_MS });
  aptUpdated = true;
  const args = ['install', '-y', '-qq', '--no-install-recommends', debianPackage];
  const installed = await run('apt-get', args, { env, limit: INSTALL_LIMIT_MS });
  const found = which(name);
  if (found === undefined) throw new PeerMissing(`apt-get install ${debianPackage}: ${lastLine(installed.output)}`);
  return found;
}

/** First match of `pattern` in what the program prints for `args`. */
export async function versionOf(path: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const { output } = await run(path, args);
  return pattern.exec(output)?.[0] ?? 'unknown version';
}

/** Java's class path of the Leshan peers, resolved and compiled on first use. @throws PeerMissing */
export async function leshanClassPath(): Promise<string> {
  const java = which('java');
  const javac = which('javac');
  const libraries = join(LESHAN_DIRECTORY, 'libs');
  const classes = join(LESHAN_DIRECTORY, 'classes');
  const classPath = `${classes}${delimiter}${libraries}/*`;
  if (java === undefined || javac === undefined) throw new PeerMissing('no Java development kit');
  const sources = readdirSync(LESHAN_SOURCES).filter((name) => name.endsWith('.java'));
  const stamp = join(LESHAN_DIRECTORY, 'stamp');
  const wanted = digest([...sources, 'pom.xml'].map((name) => join(LESHAN_SOURCES, name)));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return classPath;

  const maven = which('mvn');
  if (maven === undefined) throw new PeerMissing('no mvn');
  mkdirSync(classes, { recursive: true });
  const copied = await run(
    maven,
    [
      '-q',
      '-B',
      '-f',
      join(LESHAN_SOURCES, 'pom.xml'),
      `${DEPENDENCY_PLUGIN}:copy-dependencies`,
      `-DoutputDirectory=${libraries}`,
    ],
    { limit: INSTALL_LIMIT_MS },
  );
  if (copied.code !== 0) throw new PeerMissing(`mvn cannot fetch Leshan's libraries: ${firstError(copied.output)}`);
  const paths = sources.map((name) => join(LESHAN_SOURCES, name));
  const compiled = await run(javac, ['-cp', `${libraries}/*`, '-d', classes, ...paths], { limit: INSTALL_LIMIT_MS });
  if (compiled.code !== 0) throw new Error(`the Leshan peers do not compile:\n${compiled.output}`);
  writeFileSync(stamp, wanted);
  return classPath;
}

/** The version that the pinned libraries carry in their names. */
export function leshanVersion(): string {
  const jar = readdirSync(join(LESHAN_DIRECTORY, 'libs')).find((name) => /^leshan-lwm2m-server-\d/.test(name));
  return jar === undefined ? 'unknown version' : jar.replace(/^leshan-lwm2m-server-|\.jar$/g, '');
}

function digest(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest('hex');
}

function firstError(output: string): string {
  const line = output.split('\n').find((each) => each.includes('ERROR')) ?? lastLine(output);
  return line.replace(/https?:\/\/\S+/g, 'its repository').slice(0, 200);
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
