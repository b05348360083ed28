// `lwm2m device --shell`: what the application of a real device would do, as lines of text.

import { CONTENT_FORMATS, type ResourceShape, decodeEntries } from '../formats/index.ts';
import { type Entry, type ManagedObject, ModelError, Path } from '../model/index.ts';
import type { LwM2mClient } from '../client/index.ts';
import { formatValue } from './format-value.ts';
import { utf8Encode } from '../bytes/index.ts';

export interface ShellSetting {
  readonly client: LwM2mClient;
  readonly objects: readonly ManagedObject[];
  /** One line of output for people. */
  readonly say: (event: string, fields: object, text: string) => void;
}

interface Command {
  readonly usage: string;
  readonly does: string;
  run(words: readonly string[], setting: ShellSetting): void | Promise<void>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  read: { usage: 'read PATH', does: 'what is there', run: read },
  write: { usage: 'write PATH VALUE', does: 'a new value, as plain text; observers are notified', run: write },
  create: { usage: 'create OBJECT[/INSTANCE]', does: 'an instance with made-up values (of --objects)', run: create },
  delete: { usage: 'delete OBJECT/INSTANCE', does: 'takes an instance away', run: remove },
  send: { usage: 'send PATH…', does: 'the values there, to the server', run: send },
  update: { usage: 'update', does: 'sends an Update', run: (_words, { client }) => client.update() },
};

export const SHELL_HELP: string = [
  ...Object.values(COMMANDS).map(({ usage, does }) => `${usage.padEnd(26)}${does}`),
  `${'quit'.padEnd(26)}de-registers and ends`,
].join('\n');

/** Does what each line says; a mistake is told, and the next line is read. Resolves with `quit`, or at the end of the lines. */
export async function runShell(lines: AsyncIterable<string>, setting: ShellSetting): Promise<'quit' | 'end'> {
  for await (const line of lines) {
    const [name, ...words] = line.trim().split(/\s+/);
    if (name === 'quit') return 'quit';
    if (name === undefined || name === '') continue;
    await runLine(name, words, setting);
  }
  return 'end';
}

async function runLine(name: string, words: readonly string[], setting: ShellSetting): Promise<void> {
  const { say } = setting;
  if (name === 'help') return SHELL_HELP.split('\n').forEach((text) => say('help', { text }, text));
  try {
    if (!Object.hasOwn(COMMANDS, name)) throw new Error(`there is no command ${name}; help lists them`);
    await COMMANDS[name]!.run(words, setting);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say('mistake', { command: name, message }, `${name}: ${message}`);
  }
}

async function read([text, ...rest]: readonly string[], setting: ShellSetting): Promise<void> {
  const path = pathOf(text, rest, 'read');
  for (const { path: at, value } of await objectAt(path, setting).read(path, 'application')) {
    setting.say('value', { path: `${at}`, value: formatValue(value) }, `${at} = ${formatValue(value)}`);
  }
}

/** The rest of the line is the value: it may have spaces. */
async function write([text, ...rest]: readonly string[], setting: ShellSetting): Promise<void> {
  if (rest.length === 0) throw usage('write');
  const path = pathOf(text, [], 'write');
  const object = objectAt(path, setting);
  const shape = shapeAt(object, path);
  if (shape === undefined) throw new ModelError('notFound', `there is no ${path}`);
  const entries: readonly Entry[] = decodeEntries(CONTENT_FORMATS.text, path, utf8Encode(rest.join(' ')), () => shape);
  await object.write(path, entries, 'replace', 'application');
  setting.say('written', { path: `${path}` }, `${path} is written`);
}

async function create([text, ...rest]: readonly string[], setting: ShellSetting): Promise<void> {
  const path = pathOf(text, rest, 'create');
  if (path.level !== 'object' && path.level !== 'instance') throw usage('create');
  const id = await objectAt(path, setting).create(path.instance, [], 'application');
  setting.say('created', { path: `/${path.object}/${id}` }, `/${path.object}/${id} is there`);
}

function remove([text, ...rest]: readonly string[], setting: ShellSetting): void {
  const path = pathOf(text, rest, 'delete');
  if (path.level !== 'instance') throw usage('delete');
  objectAt(path, setting).delete(path.instance!, 'application');
  setting.say('deleted', { path: `${path}` }, `${path} is gone`);
}

/** Not waited for: while the server cannot be reached, other lines are read. */
function send(words: readonly string[], { client, say }: ShellSetting): void {
  if (words.length === 0) throw usage('send');
  client.send(words).then(
    () => say('sent', { paths: words }, `sent ${words.join(' ')}`),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      say('mistake', { command: 'send', message }, `send: ${message}`);
    },
  );
}

function pathOf(text: string | undefined, rest: readonly string[], command: string): Path {
  if (text === undefined || rest.length > 0) throw usage(command);
  return Path.parse(text);
}

function usage(command: string): Error {
  return new Error(`expected: ${COMMANDS[command]!.usage}`);
}

function objectAt(path: Path, { objects, client }: ShellSetting): ManagedObject {
  const object = [client.server, ...objects].find(({ definition }) => definition.id === path.object);
  if (object === undefined) throw new ModelError('notFound', `there is no object ${path.object ?? ''}`);
  return object;
}

function shapeAt({ definition }: ManagedObject, path: Path): ResourceShape | undefined {
  const resource = Object.values(definition.resources).find(({ id }) => id === path.resource);
  return resource && { type: resource.type, multiple: resource.multiple === true, wide: resource.wide === true };
}
