// A definition as a module of TypeScript: `lwm2m codegen 3303.xml`.

import type { ObjectDefinition, ResourceDefinition } from './definition.ts';
import { propertyName } from './xml/property-name.ts';

export interface CodegenOptions {
  /** What the module imports `defineObject` from. Default `lwm2m-client`. */
  readonly importFrom?: string;
}

// ECMA-262 §12.7.2, and what the module has itself.
const RESERVED: ReadonlySet<string> = new Set(
  (
    'await break case catch class const continue debugger default delete do else enum export extends false finally for ' +
    'function if implements import in instanceof interface let new null package private protected public return static ' +
    'super switch this throw true try typeof var void while with yield arguments eval undefined defineObject'
  ).split(' '),
);

/** A module that exports the object kind under its name in camelCase, for strict TypeScript. */
export function generateModule(definition: ObjectDefinition, options: CodegenOptions = {}): string {
  const { id, name, version = '1.0' } = definition;
  const exported = propertyName(name, id, RESERVED);
  const { resources, ...own } = definition;
  return [
    `// ${escaped(name.replaceAll(/\s+/g, ' '))} (${id}), version ${version}: from OMA's definition by \`lwm2m codegen\`.`,
    '',
    `import { defineObject } from ${quoted(options.importFrom ?? 'lwm2m-client')};`,
    '',
    `export const ${exported} = defineObject({`,
    ...members(own, '  '),
    '  resources: {',
    ...Object.entries(resources).flatMap(([property, resource]) => resourceLines(property, resource)),
    '  },',
    '} as const);',
    '',
  ].join('\n');
}

function resourceLines(property: string, resource: ResourceDefinition): readonly string[] {
  return [
    `    ${/^[A-Za-z_$][\w$]*$/.test(property) ? property : quoted(property)}: {`,
    ...members(resource, '      '),
    '    },',
  ];
}

function members(record: object, indent: string): readonly string[] {
  return Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${indent}${key}: ${literal(value)},`);
}

function literal(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  const plain = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped(plain)}'`;
}

// Control characters, and those that change the order in which text is shown: a definition is a stranger's, and what is read
// of the module is to be what it does.
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function escaped(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
